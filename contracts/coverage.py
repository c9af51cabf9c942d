"""What the contract declares, and which of it was really reached."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.contract import Contract
from contracts.ledger import Entry
from contracts.lists import read_list
from openapi.document import Operation

UNREACHED = Path(__file__).with_name("unreached.yaml")
KINDS = ("status", "parameter", "scheme")
_ENTRIES = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["operations", "names", "reason"],
        "additionalProperties": False,
        "properties": {
            "operations": {"type": "array", "minItems": 1, "items": {"type": "string"}},
            "names": {"type": "array", "minItems": 1, "items": {"type": ["string", "integer"]}},
            "reason": {"type": "string", "minLength": 10},
        },
    },
}
_FORM = {
    "type": "object",
    "required": list(KINDS),
    "additionalProperties": False,
    "properties": dict.fromkeys(KINDS, _ENTRIES),
}


@dataclass(frozen=True, slots=True, order=True)
class Item:
    """One thing that the contract declares of an operation: a status, a parameter, a scheme."""

    operation: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.operation}: the {self.kind} {self.name}"


def declared(contract: Contract) -> Iterator[Item]:
    """All that a run has to reach."""
    for operation in contract.operations.values():
        yield from _declared(contract, operation)


def _declared(contract: Contract, operation: Operation) -> Iterator[Item]:
    name = operation.operation_id
    for status in sorted(contract.declared_statuses(operation)):
        yield Item(name, "status", str(status))
    for parameter in contract.parameters(operation):
        yield Item(name, "parameter", f"{parameter['in']}.{parameter['name']}")
    for scheme in sorted(contract.schemes(operation)):
        yield Item(name, "scheme", scheme)


def reached(entries: Iterable[Entry]) -> set[Item]:
    """What the clients' door, the gateway, was seen to do.

    A parameter or a scheme counts where the request that had it was accepted: refused, it proves
    nothing of what it is for.
    """
    items: set[Item] = set()
    for entry in entries:
        if entry.service != "gateway":
            continue
        items.add(Item(entry.operation, "status", str(entry.status)))
        if entry.status < 400:
            items.update(Item(entry.operation, "parameter", name) for name in entry.parameters)
            items.add(Item(entry.operation, "scheme", entry.scheme))
    return items


def excused(contract: Contract, file: Path = UNREACHED) -> Mapping[Item, str]:
    """What cannot be reached, and why; ``CouldNotRun`` where the file is not of its form."""
    content: dict[str, Any] = read_list(file, _FORM)
    items = {}
    for kind in KINDS:
        for entry in content[kind]:
            for item in _named(contract, kind, entry):
                items[item] = str(entry["reason"])
    return items


def _named(contract: Contract, kind: str, entry: Mapping[str, Any]) -> Iterator[Item]:
    """``*`` stands for all operations that declare it."""
    known = set(declared(contract))
    for name in map(str, entry["names"]):
        for operation in entry["operations"]:
            if operation != "*":
                yield Item(operation, kind, name)
            else:
                yield from (i for i in known if (i.kind, i.name) == (kind, name))
