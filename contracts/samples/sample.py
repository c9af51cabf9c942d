"""A valid request in parts, and how values are written into one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from contracts.wire import Header, Request
from openapi.document import Operation

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sample:
    """A valid request in parts, each of which can be given another value."""

    operation: Operation
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[Header, ...] = ()
    media_type: str = ""
    body: Any = None

    def request(self) -> Request:
        """The request, its media type first among the headers."""
        query = f"?{urlencode(self.query)}" if self.query else ""
        kind: tuple[Header, ...] = (("Content-Type", self.media_type),) if self.media_type else ()
        body = body_of(self.body, self.media_type) if self.media_type else None
        method = self.operation.method.upper()
        return Request(method, self.path + query, (*kind, *self.headers), body)

    def with_member(self, name: str, value: Any) -> Sample:
        """The same with this member in its body, which is an object."""
        return replace(self, body={**self.body, name: value})


def body_of(value: Any, media_type: str) -> bytes:
    """A body of the media type."""
    if media_type == FORM:
        return urlencode(value, doseq=True).encode()
    if media_type == JSON or media_type.endswith("+json"):
        return json.dumps(value, ensure_ascii=False).encode()
    return str(value).encode()


def as_text(value: Any) -> str:
    """A parameter's value; several have a comma between them."""
    if isinstance(value, list):
        return ",".join(map(as_text, value))
    return value if isinstance(value, str) else json.dumps(value)
