"""A valid request for each operation, made of the contract's own examples.

What it refers to is what ``seeds`` puts there; what it makes has a name of its own each time.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from contracts.contract import Contract
from contracts.seeded import BY_PATH, SEEDED
from contracts.wire import Header, Request
from openapi.document import Operation

FORM = "application/x-www-form-urlencoded"
_MAKES = ("put", "post")
_ENDS = {"/v1/changes/stream": {"duration": "0"}}  # a stream ends at once


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
        method = self.operation.method.upper()
        return Request(method, self.path + query, (*kind, *self.headers), self.content())

    def content(self) -> bytes | None:
        """The body as bytes."""
        if not self.media_type:
            return None
        if self.media_type == FORM:
            return urlencode(self.body).encode()
        text = self.body if isinstance(self.body, str) else json.dumps(self.body)
        return text.encode()

    def with_query(self, **query: str) -> Sample:
        """The same with these query parameters."""
        return replace(self, query={**self.query, **query})


class Samples:
    """Makes samples of a contract. ``prefix``: what the names of all that they make begin with."""

    def __init__(self, contract: Contract, prefix: str) -> None:
        self._contract = contract
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def of(self, operation: Operation, media_type: str = "") -> Sample:
        """A new sample of the operation; ``media_type``: of its body, if not the first declared."""
        bodies = self._contract.request_bodies(operation)
        kind = media_type or next(iter(bodies), "")
        return Sample(
            operation,
            self._path(operation),
            self._query(operation),
            self._headers(operation),
            kind,
            self._body(operation, bodies[kind]) if kind else None,
        )

    def _path(self, operation: Operation) -> str:
        path = operation.path
        for parameter in self._contract.parameters(operation):
            if parameter["in"] == "path":
                value = self._path_value(operation, parameter)
                path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
        return path

    def _path_value(self, operation: Operation, parameter: Mapping[str, Any]) -> str:
        """What exists is read and patched; what is put is new, what is taken away is not there."""
        collection = operation.path.partition("{")[0]
        if collection not in EXISTING:
            return str(parameter["example"])
        if operation.method in ("get", "patch"):
            return EXISTING[collection]
        return self._new_name(operation)

    def _new_name(self, operation: Operation) -> str:
        # A device type's has no hyphen.
        mark = "_" if "device-types" in operation.path else "-"
        return f"{self._prefix}{mark}{next(self._numbers)}"

    def _query(self, operation: Operation) -> dict[str, str]:
        required = (
            p for p in self._contract.parameters(operation)
            if p["in"] == "query" and p.get("required")
        )  # fmt: skip
        given = {p["name"]: SEEDED.get(p["name"], _text(p.get("example"))) for p in required}
        return given | _ENDS.get(operation.path, {})

    def _headers(self, operation: Operation) -> tuple[Header, ...]:
        return tuple(
            (p["name"], _text(p["example"]))
            for p in self._contract.parameters(operation)
            if p["in"] == "header" and p.get("required")
        )

    def _body(self, operation: Operation, media_type: Mapping[str, Any]) -> Any:
        examples = media_type.get("examples", {}).values()
        first = next((self._contract.resolve(example)["value"] for example in examples), None)
        body = media_type["example"] if first is None else first
        return self._with_own_names(operation, body) if isinstance(body, dict) else body

    def _with_own_names(self, operation: Operation, body: Mapping[str, Any]) -> dict[str, Any]:
        own = {name: SEEDED[name] for name in body.keys() & SEEDED.keys() if body[name] is not None}
        if "identifier" in body and operation.method in _MAKES:
            own["identifier"] = self._new_name(operation)
        return {**body, **own}


# What is there, by its collection.
EXISTING: Mapping[str, str] = {**BY_PATH, "/v1/device-types/": "light"}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
