"""Valid requests for an operation, from the examples of the contract."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from contracts.contract import Contract
from contracts.wire import Request
from openapi.document import Operation

Place = Mapping[str, str]  # collection of the contract's paths → identifier of the thing there
TWIN, DELETED = "twin", "deleted"  # two more devices of a place
# Members of bodies that name a thing, and where it is.
REFERENCES: Mapping[str, str] = {
    "customer_id": "customers",
    "home_id": "homes",
    "area_id": "areas",
    "via_device": "devices",
    "parent_device": "devices",
    "duplicate": TWIN,
}
_NAMED = ("customers", "homes", "areas", "devices", "device-types")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"


def kind_of(operation: Operation) -> str:
    """What the identifier in the operation's path is one of; nothing where there is none."""
    if "{identifier}" not in operation.path:
        return ""
    return DELETED if operation.path.endswith("/restore") else operation.path.split("/")[2]


class Samples:
    """Makes the requests; ``new_name`` gives an identifier of a kind that is free."""

    def __init__(self, contract: Contract, new_name: Callable[[str], str]) -> None:
        self._contract = contract
        self._new_name = new_name

    def request(
        self, operation: Operation, place: Place, query: str = "", body: Any = None
    ) -> Request:
        """The contract's example, with the things of a place; ``query`` and ``body``: instead.

        In those, ``{devices}`` and the like stand for the identifiers of the place.
        """
        target = self._path(operation, place)
        query = query.format_map(place) or self._query(operation)
        target = f"{target}?{query}" if query else target
        media_type, example = self.body(operation, place)
        if body is not None:
            media_type, example = _JSON, _formatted(body, place)
        if media_type is None:
            return Request(operation.method.upper(), target)
        content = ("Content-Type", media_type)
        return Request(operation.method.upper(), target, (content,), _written(example, media_type))

    def naming(self, request: Request, member: str, identifier: str) -> Request:
        """The same with this member in its body of JSON."""
        body = {**json.loads(request.body or b"{}"), member: identifier}
        return replace(request, body=json.dumps(body).encode())

    def body(self, operation: Operation, place: Place) -> tuple[str | None, Any]:
        """The media type and the value of the example, or None twice where there is no body."""
        bodies = self._contract.request_bodies(operation)
        if not bodies:
            return None, None
        media_type = _JSON if _JSON in bodies else next(iter(bodies))
        examples = self._contract.resolved(bodies[media_type].get("examples", {}))
        value = next((e["value"] for e in examples.values()), bodies[media_type].get("example"))
        return media_type, self._filled(value, operation, place)

    def _path(self, operation: Operation, place: Place) -> str:
        path = operation.path.replace("{identifier}", place.get(kind_of(operation), ""))
        for parameter in self._contract.parameters(operation):
            if parameter["in"] == "path":
                path = path.replace(f"{{{parameter['name']}}}", quote(_example(parameter), safe=""))
        return path

    def _query(self, operation: Operation) -> str:
        wanted = [p for p in self._contract.parameters(operation) if p["in"] == "query"]
        return urlencode({p["name"]: _example(p) for p in wanted if p.get("required")})

    def _filled(self, value: Any, operation: Operation, place: Place) -> Any:
        if isinstance(value, list):
            return [self._filled(each, operation, place) for each in value]
        if not isinstance(value, Mapping):
            return value
        return {name: self._member(name, value, operation, place) for name in value}

    def _member(
        self, name: str, around: Mapping[str, Any], operation: Operation, place: Place
    ) -> Any:
        value = around[name]
        if name in REFERENCES and value is not None:
            return place.get(REFERENCES[name], value)
        if name == "identifier":
            return self._identifier(around, operation, place)
        if name == "scopes":  # whoever may use the operation can give these
            return sorted(self._contract.scopes(operation)) or value
        if name == "expires_at":  # no later than the end of whoever asks
            return f"{datetime.now(UTC) + timedelta(minutes=30):%Y-%m-%dT%H:%M:%SZ}"
        return self._filled(value, operation, place)

    def _identifier(self, around: Mapping[str, Any], operation: Operation, place: Place) -> str:
        is_new = "name" in around or "title" in around
        if not is_new and "devices" in place:
            return place["devices"]
        kind = operation.path.split("/")[2]
        return self._new_name(kind if kind in _NAMED else "devices")


def _example(parameter: Mapping[str, Any]) -> str:
    schema = parameter.get("schema", {})
    return str(parameter.get("example", schema.get("example", schema.get("default", "x"))))


def _formatted(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return value.format_map(place)
    if isinstance(value, list):
        return [_formatted(each, place) for each in value]
    if isinstance(value, Mapping):
        return {name: _formatted(each, place) for name, each in value.items()}
    return value


def _written(value: Any, media_type: str) -> bytes:
    if media_type == _FORM:
        return urlencode(value).encode()
    return (value if isinstance(value, str) else json.dumps(value)).encode()
