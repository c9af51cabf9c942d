"""Reads what a consumer relies on; what is wrong with a file is told with its line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.exchanges.matching import MatcherFault, check_matcher
from contracts.findings import CouldNotRun
from openapi.schemas import compile_foreign, faults
from openapi.source import DocumentFault, Source

FOLDER = Path(__file__).parent
VARIABLE = re.compile(r"\{([a-z][a-z0-9_]*)\}")
NEW = "new"  # names what an exchange makes; another one each time
_UNKNOWN = "is not to be sent"  # what the validator says of a member that there is not
_SCHEMA = compile_foreign(json.loads((FOLDER / "exchange.schema.json").read_text()))


class ExchangeFault(CouldNotRun):
    """A file of exchanges cannot be used. The message names the file, the line and the fault."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One thing that a consumer relies on; ``content`` is it as it stands in the file."""

    consumer: str
    content: Mapping[str, Any]
    place: str  # the file and the line

    @property
    def description(self) -> str:
        """What is relied on, as one sentence."""
        return str(self.content["description"])

    @property
    def asked(self) -> tuple[Mapping[str, Any], ...]:
        """What is asked, and has to be answered so: the request itself, and those beside it."""
        return (self.content, *self.content.get("also", ()))

    @property
    def mock_cannot(self) -> str:
        """Why a mock of the contract cannot keep it; empty when it can."""
        return str(self.content.get("not_by_the_mock", ""))


@dataclass(frozen=True, slots=True)
class Consumer:
    """Who relies on a service. ``asks``: the service."""

    name: str
    asks: str
    exchanges: tuple[Exchange, ...]


def read_all(folder: Path = FOLDER) -> list[Consumer]:
    """What each consumer relies on, one file each; ``ExchangeFault`` when one cannot be used."""
    files = sorted(folder.glob("*.json"))
    return [read(file) for file in files if not file.name.endswith(".schema.json")]


def read(file: Path) -> Consumer:
    """The consumer whose file this is, or ``ExchangeFault``."""
    try:
        source = Source(file)
    except DocumentFault as exc:
        raise ExchangeFault(str(exc)) from exc
    content = source.content
    # A misspelt key is a missing one too: what is there says more than what is not.
    found = sorted(faults(_SCHEMA, content), key=lambda fault: _UNKNOWN not in fault[1])
    for where, what in found:
        raise _fault(source, where, what.replace(_UNKNOWN, "is not known here"))
    for index, exchange in enumerate(content["exchanges"]):
        for where, what in _faults(exchange):
            raise _fault(source, f"/exchanges/{index}{where}", what)
    name = content["consumer"]
    there = enumerate(content["exchanges"])
    return Consumer(
        name,
        content["asks"],
        tuple(Exchange(name, each, f"{file.name}:{_line(source, i)}") for i, each in there),
    )


def _line(source: Source, index: int) -> int:
    return source.line(("exchanges", str(index)))


def _fault(source: Source, pointer: str, what: str) -> ExchangeFault:
    steps = tuple(s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:])
    return ExchangeFault(f"{source.file}:{source.line(steps)}: {pointer or 'at its top'}: {what}")


def _faults(exchange: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What the schema cannot say: captured values come before their use, matchers exist."""
    known = {NEW}
    for index, step in enumerate(exchange.get("given", ())):
        yield from _unknown(step["request"], known, f"/given/{index}/request")
        known |= step.get("capture", {}).keys()
    for key in ("request", "answer", "also", "afterwards"):
        yield from _unknown(exchange.get(key), known, f"/{key}")
    yield from _unusable(exchange["answer"], "/answer")
    for index, asked in enumerate(exchange.get("also", ())):
        yield from _unusable(asked["answer"], f"/also/{index}/answer")


def _unusable(answer: Mapping[str, Any], at: str) -> Iterator[tuple[str, str]]:
    for key in ("headers", "body", "text", "lines"):
        try:
            check_matcher(answer.get(key))
        except MatcherFault as exc:
            yield f"{at}/{key}", str(exc)


def _unknown(part: Any, known: set[str], at: str) -> Iterator[tuple[str, str]]:
    for name in VARIABLE.findall(json.dumps(part)):
        if name not in known:
            there = ", ".join(f"{{{each}}}" for each in sorted(known))
            yield at, f"{{{name}}} was not captured before; there are: {there}"
