"""The order in which devices of a file can be created: what one refers to has to be there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from inventory.domain.home_assistant.row import Mapped, Row
from inventory.domain.kinds import DEVICE_LINKS


def hubs_first(rows: list[Row]) -> list[Row]:
    """The rows with what each refers to before it; links that go round in a ring are dropped."""
    by_identifier = {row.fields["identifier"]: row for row in rows if isinstance(row, Mapped)}
    ordered: dict[str, Row] = {}
    for row in rows:
        if isinstance(row, Mapped):
            _put_after_its_hubs(row, by_identifier, ordered)
    others = [row for row in rows if not isinstance(row, Mapped)]
    return [*ordered.values(), *others]


def _put_after_its_hubs(row: Mapped, rows: Mapping[str, Mapped], ordered: dict[str, Row]) -> None:
    waiting, under_way = [row], set[str]()
    while waiting:
        current = waiting[-1]
        identifier = current.fields["identifier"]
        under_way.add(identifier)
        missing = [
            target
            for target in _links(current)
            if target in rows and target not in ordered and target not in under_way
        ]
        if missing:
            waiting += [rows[target] for target in missing]
            continue
        waiting.pop()
        if identifier not in ordered:
            ordered[identifier] = _without_ring(current, rows, ordered)


def _without_ring(row: Mapped, rows: Mapping[str, Mapped], ordered: Mapping[str, Row]) -> Mapped:
    ring = {m for m in DEVICE_LINKS
            if row.fields.get(m) in rows and row.fields[m] not in ordered}  # fmt: skip
    if not ring:
        return row
    fields = {m: value for m, value in row.fields.items() if m not in ring}
    return Mapped(row.pointer, row.name, fields)


def _links(row: Mapped) -> Iterable[str]:
    return [row.fields[m] for m in DEVICE_LINKS if m in row.fields]
