"""What ``tenancy.yaml`` says of each operation."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from contracts.authorisation.expected import Expected
from contracts.lists import read_list
from contracts.samples.place import Place
from contracts.samples.sample import JSON, Sample
from openapi.document import Operation

FILE = Path(__file__).with_name("tenancy.yaml")
OWN, ANOTHERS, NOBODYS, NOT_THERE = "own", "another's", "nobody's", "not there"
REFERS, TAKES = "refers", "takes"
UNBOUND, UNBOUND_NOT_THERE = "unbound", "unbound, not there"
_PLACEHOLDER = re.compile(r"\{([a-z-]+)\}")
COLUMNS = (OWN, ANOTHERS, NOBODYS, NOT_THERE, REFERS, TAKES, UNBOUND, UNBOUND_NOT_THERE)
_REACHES = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            **{name: {"type": ["string", "integer", "array", "object"]} for name in COLUMNS},
            REFERS: {"type": "object", "minProperties": 1, "maxProperties": 1},
            "query": {"type": "string"},
            "body": {},
            "rows of": {"enum": ["everybody"]},
        },
    },
}
_FORM = {
    "type": "object",
    "required": ["defaults", "operations"],
    "additionalProperties": False,
    "properties": {
        "defaults": {"required": ["one", "replace", "many"], **_REACHES},
        "operations": _REACHES,
    },
}


@dataclass(frozen=True, slots=True)
class Reach:
    """Whose things one operation reaches.

    ``query``, ``body``: what is sent instead of the contract's example; ``{devices}`` stands for
    the identifier of the thing that is asked for. ``member``: the one of the body that refers to
    another's thing, or nothing. ``shares``: the rows are everybody's.
    """

    answers: Mapping[str, Expected]
    query: str = ""
    body: Any = None
    member: str = ""
    shares: bool = False

    @property
    def placeholders(self) -> frozenset[str]:
        """What the query and the body ask for."""
        return frozenset(_PLACEHOLDER.findall(self.query + json.dumps(self.body)))

    def with_query(self, sample: Sample, place: Place) -> Sample:
        """The sample with this query, with the things of the place; as it is without one."""
        query = dict(parse_qsl(self.query.format_map(place)))
        return replace(sample, query=query or sample.query)

    def with_body(self, sample: Sample, place: Place) -> Sample:
        """The same with this body."""
        if self.body is None:
            return sample
        return replace(sample, media_type=JSON, body=_formatted(self.body, place))


class Tenancy:
    """The file, by operationId."""

    def __init__(self, file: Path = FILE) -> None:
        content = read_list(file, _FORM)
        self._defaults: Mapping[str, Mapping[str, Any]] = content["defaults"]
        self.operations: Mapping[str, Mapping[str, Any]] = content["operations"]

    def reach(self, operation: Operation) -> Reach:
        """What holds for the operation, defaults included."""
        said = dict(self.operations.get(operation.operation_id, {}))
        member = ""
        if REFERS in said:
            ((member, said[REFERS]),) = said[REFERS].items()
        values = {**self._defaults[_kind(operation)], **said}
        return Reach(
            answers={c: _expected(values[c]) for c in COLUMNS if values.get(c, "-") != "-"},
            query=values.get("query", ""),
            body=values.get("body"),
            member=member,
            shares=values.get("rows of") == "everybody",
        )


def _formatted(value: Any, place: Place) -> Any:
    if isinstance(value, str):
        return value.format_map(place)
    if isinstance(value, list):
        return [_formatted(each, place) for each in value]
    if isinstance(value, Mapping):
        return {name: _formatted(each, place) for name, each in value.items()}
    return value


def _kind(operation: Operation) -> str:
    if "{identifier}" not in operation.path:
        return "many"
    return "replace" if operation.method == "put" else "one"


def _expected(value: Any) -> Expected:
    if isinstance(value, Mapping):
        return Expected((value["status"],), tuple(value["rows"]))
    statuses: Sequence[int | str] = value if isinstance(value, list) else [value]
    return Expected(tuple(statuses))
