"""Makes a valid request for an operation, from the examples of the contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from contracts.contract import Contract
from contracts.samples.place import REFERENCES, Place, kind_of
from contracts.samples.sample import JSON, Sample, as_text
from openapi.document import Operation

_NAMED = ("customers", "homes", "areas", "devices", "device-types")  # by their clients


class Samples:
    """Makes samples of a contract; ``new_name`` gives an identifier of a kind that is free."""

    def __init__(self, contract: Contract, new_name: Callable[[str], str]) -> None:
        self._contract = contract
        self._new_name = new_name

    def of(self, operation: Operation, place: Place, media_type: str = "") -> Sample:
        """The contract's example, with the things of a place, and new names for what it makes.

        ``media_type``: of its body, if not JSON or else the first that is declared.
        """
        bodies = self._contract.request_bodies(operation)
        kind = media_type or (JSON if JSON in bodies else next(iter(bodies), ""))
        return Sample(
            operation,
            self._path(operation, place),
            dict(self._required(operation, "query")),
            tuple(self._required(operation, "header")),
            kind,
            self._filled(self._example(bodies[kind]), operation, place) if kind else None,
        )

    def _path(self, operation: Operation, place: Place) -> str:
        path = operation.path
        for parameter in self._contract.parameters(operation):
            if parameter["in"] == "path":
                value = place.get(kind_of(operation)) or as_text(parameter["example"])
                path = path.replace(f"{{{parameter['name']}}}", quote(value, safe=""))
        return path

    def _required(self, operation: Operation, where: str) -> list[tuple[str, str]]:
        return [
            (parameter["name"], as_text(parameter["example"]))
            for parameter in self._contract.parameters(operation)
            if parameter["in"] == where and parameter.get("required")
        ]

    def _example(self, media_type: Mapping[str, Any]) -> Any:
        examples = media_type.get("examples", {}).values()
        first = next((self._contract.resolve(example)["value"] for example in examples), None)
        return media_type["example"] if first is None else first

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
