"""Builds the handlers' responses: bytes as they are, the content type always said."""

from __future__ import annotations

import json as json_library
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import quote, urlencode

from flask import Response

from inventory.domain.kinds import Kind
from inventory.domain.resource import to_json
from inventory.domain.store import Change, Stored

JSON = "application/json"
MAX_LINK = 4096  # bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered to a request that writes: it can be kept, and given again."""

    status: int
    body: str = ""
    etag: str | None = None
    location: str | None = None
    applied: str | None = None  # the preference that was heeded (RFC 7240 §3)

    @classmethod
    def of(cls, stored: Stored) -> Answer:
        """200 with a resource."""
        return cls(200, stored.body, stored.etag)

    @classmethod
    def created(cls, kind: Kind, stored: Stored) -> Answer:
        """201 with a resource, and where it is."""
        return cls(201, stored.body, stored.etag, path_of(kind, stored.identifier))

    @classmethod
    def parse(cls, text: str) -> Answer:
        """The answer that ``to_text`` wrote."""
        return cls(**json_library.loads(text))

    def to_text(self) -> str:
        """The answer as JSON text."""
        return to_json(asdict(self))

    def response(self) -> Response:
        """The answer as Flask has it."""
        headers = {
            "ETag": self.etag,
            "Location": self.location,
            "Preference-Applied": self.applied,
        }
        given = {name: value for name, value in headers.items() if value}
        if self.status == 204:
            return _empty(204, given)
        return Response(self.body, self.status, given, content_type=JSON)


def path_of(kind: Kind, identifier: str) -> str:
    """The path of a resource."""
    return f"/v1/{kind.name.replace('_', '-')}/{quote(identifier, safe=':')}"


def resource(stored: Stored) -> Response:
    """200 with the resource's own text."""
    return Response(stored.body, 200, {"ETag": stored.etag}, content_type=JSON)


def not_modified(stored: Stored) -> Response:
    """304: the client has this text already."""
    return _empty(304, {"ETag": stored.etag})


def _empty(status: int, headers: Mapping[str, str]) -> Response:
    response = Response(status=status, headers=dict(headers))
    del response.headers["Content-Type"]
    return response


def page(
    items: Sequence[str],
    cursor: str | None,
    path: str,
    parameters: Sequence[tuple[str, str]],
    total: int | None = None,
) -> Response:
    """200 with texts joined, and where the next page is."""
    counted = "" if total is None else f',"total":{total}'
    body = f'{{"items":[{",".join(items)}],"next":{to_json(cursor)}{counted}}}'
    headers = {} if total is None else {"Preference-Applied": "return=total-count"}
    if cursor:
        link = f'<{path}?{urlencode([*parameters, ("cursor", cursor)])}>; rel="next"'
        # Proxies and clients take headers of 8 KiB or so; the body has the cursor too.
        headers |= {"Link": link} if len(link) <= MAX_LINK else {}
    return Response(body, 200, headers, content_type=JSON)


def only(stored: Stored, fields: Sequence[str]) -> str:
    """The resource's text with these members, and its identifier, alone."""
    if not fields:
        return stored.body
    wanted = {"identifier", *fields}
    return to_json({m: value for m, value in stored.document().items() if m in wanted})


def event(change: Change, noun: str, path: str) -> dict[str, Any]:
    """The change as a CloudEvents 1.0 event in JSON."""
    return {
        "specversion": "1.0",
        "id": str(change.sequence),
        "source": path,
        "type": f"doorstep.{noun.replace(' ', '_')}.{change.action}",
        "subject": change.identifier,
        "time": change.at,
        "datacontenttype": JSON,
        **({"customer": change.tenant} if change.tenant else {}),
        "data": {
            "kind": change.kind,
            "identifier": change.identifier,
            "uid": change.uid,
            "revision": change.revision,
            "principal": change.principal,
            "request_id": change.request_id,
            "before": json_library.loads(change.before),
            "after": json_library.loads(change.after),
        },
    }


def json(value: object, status: int = 200) -> Response:
    """The value as JSON."""
    return Response(to_json(value), status, content_type=JSON)
