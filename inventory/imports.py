"""Imports of a Home Assistant: what it knows becomes areas and devices, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.device import normal
from inventory.domain.errors import InventoryError, TooManyRows
from inventory.domain.home_assistant import (
    Mapped,
    Row,
    Skipped,
    Unsaid,
    hubs_first,
    read_areas,
    read_home_assistant,
    unsaid,
)
from inventory.domain.imported import merge
from inventory.domain.kinds import AREAS, DEVICE_LINKS, DEVICES, HOMES, ORIGINS, Kind
from inventory.domain.resource import Document, to_json
from inventory.domain.store import Store, Transaction
from inventory.idempotency import Once
from inventory.import_reach import Reach
from inventory.rehearsal import rehearsal
from inventory.replies import Answer
from inventory.work import Sources, Work

RESULTS = ("created", "updated", "unchanged", "skipped", "rejected")

MAX_ROWS = 2000  # areas and devices of one transaction, for which all writers wait
AREAS_SCOPE = "customers:write"  # as for every other way to write areas
AREAS_STAY = f"areas are written with the scope {AREAS_SCOPE} alone"

Report = dict[str, Any]


def import_home_assistant(
    store: Store,
    caller: Caller,
    sources: Sources,
    files: Mapping[str, Any],
    home: str | None,
    *,
    dry_run: bool,
    once: Once | None = None,
) -> Answer:
    """The contract's ``ImportReport`` of these registry files; nothing stays of a dry run.

    ``home``: the home that areas and devices belong to; without one, areas are only told of in
    the devices' attributes.
    """
    areas = list(read_areas(files)) if home else []
    devices = hubs_first(list(read_home_assistant(files, in_home=home is not None)))
    _check_size([*areas, *devices])
    open_members = unsaid(files)

    def operation(work: Work, transaction: Transaction) -> Answer:
        of = work.existing(HOMES, home) if home else None
        into = _Import(work, Reach(transaction, caller.tenant, of), open_members)
        writes_areas = AREAS_SCOPE in caller.scopes
        rows = [into.row(AREAS, row) if writes_areas else into.passed_over(row) for row in areas]
        placed = {row.pointer: into.row(DEVICES, row) for row in devices}
        rows += [placed[row.pointer] for row in sorted(devices, key=_place)]
        counts = Counter(row["result"] for row in rows)
        report: Report = {
            "dry_run": dry_run,
            "counts": {result: counts[result] for result in RESULTS},
            "rows": rows,
        }
        return Answer(200, to_json(report))

    def work(transaction: Transaction) -> Answer:
        doing = Work(transaction, caller, sources)
        if once is None:
            return operation(doing, transaction)
        return once.answer(transaction, doing.now, lambda: operation(doing, transaction))

    if dry_run:
        unkept = rehearsal(store)
        return operation(Work(unkept, caller, sources), unkept)
    return store.write(work)


def _check_size(rows: list[Row]) -> None:
    count = sum(isinstance(row, Mapped) for row in rows)
    if count > MAX_ROWS:
        raise TooManyRows(count, MAX_ROWS, "areas and devices; send the devices in several imports")


class _Import:
    """One import, within one transaction."""

    def __init__(self, work: Work, reach: Reach, open_members: Unsaid) -> None:
        self._work = work
        self._reach = reach
        self._unsaid = open_members
        # An identifier of the file → the one here.
        self._called: dict[str, dict[str, str]] = {AREAS.name: {}, DEVICES.name: {}}

    def row(self, kind: Kind, row: Row) -> Report:
        """What became of a row, as it is reported."""
        if not isinstance(row, Mapped):
            said: Report = {"result": type(row).__name__.lower(), "reason": row.reason}
        else:
            try:
                said = self._place(kind, row.fields)
            except InventoryError as exc:
                said = {"result": "rejected", "reason": str(exc)}
        name = {"name": row.name} if row.name is not None else {}
        return {"pointer": row.pointer, "kind": kind.name, **said, **name}

    def passed_over(self, row: Row) -> Report:
        """An area that is not to be written; devices are placed in it if it is there."""
        if not isinstance(row, Mapped):
            return self.row(AREAS, row)
        origin = row.fields["identifier"]
        if current := self._reach.area(origin):
            self._called[AREAS.name][origin] = current["identifier"]
        return self.row(AREAS, Skipped(row.pointer, row.name, AREAS_STAY))

    def _place(self, kind: Kind, fields: Mapping[str, Any]) -> Report:
        origin = fields["identifier"]
        # Written as it is kept: or else every address in capitals would be a person's change.
        given = normal({m: value for m, value in fields.items() if m != "identifier"})
        if self._reach.home:
            given["home_id"] = self._reach.home
        current = self._known(kind, origin, given)
        identifier = current["identifier"] if current else self._new_identifier(kind, origin)
        given = self._placed(self._linked(identifier, given))
        if current is None:
            self._work.create(kind, {**given, "identifier": identifier})
            self._called[kind.name][origin] = identifier
            self._remember(kind, origin, given)
            return {"identifier": identifier, "result": "created"}
        self._called[kind.name][origin] = identifier
        last = self._reach.origin(kind, origin, current)
        guessed = self._unsaid.devices if kind is DEVICES else self._unsaid.areas
        if kind is DEVICES:
            given = self._unsaid.complete(given, last or {})
        base = None if last is None else _with_defaults(kind, last, given)
        merged, kept = merge(base, resource.writable(current), given, guessed)
        stored = self._work.update(kind, current, merged)
        known = {m: value for m, value in (last or {}).items() if m in guessed}
        self._remember(kind, origin, {**given, **known})
        result = "unchanged" if stored.revision == current["revision"] else "updated"
        said: Report = {"identifier": identifier, "result": result}
        return said | ({"kept": kept} if kept else {})

    def _known(self, kind: Kind, origin: str, given: Mapping[str, Any]) -> Document | None:
        """The resource here that a row tells of."""
        if kind is AREAS:
            return self._reach.area(origin)
        return self._reach.device(origin, given.get("external_refs", []))

    def _new_identifier(self, kind: Kind, origin: str) -> str:
        return self._reach.area_identifier(origin) if kind is AREAS else origin

    def _linked(self, identifier: str, given: dict[str, Any]) -> dict[str, Any]:
        """The links of a device by what their ends are called here; none leads to itself."""
        called = self._called[DEVICES.name]
        links = {m: called.get(given[m], given[m]) for m in DEVICE_LINKS if m in given}
        others = {m: value for m, value in given.items() if m not in links}
        return others | {m: target for m, target in links.items() if target != identifier}

    def _placed(self, given: dict[str, Any]) -> dict[str, Any]:
        """The area of a device by what it is called here; none when there is no such area."""
        called = self._called[AREAS.name]
        others = {m: value for m, value in given.items() if m != "area_id"}
        area = called.get(given.get("area_id", ""))
        return {**others, "area_id": area} if area else others

    def _remember(self, kind: Kind, origin: str, said: Mapping[str, Any]) -> None:
        self._work.keep(ORIGINS, self._reach.key(kind, origin), {"fields": said})


def _with_defaults(
    kind: Kind, last: Mapping[str, Any], given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What the last import said, and what became of members that only this one has a word on."""
    return {**{m: value for m, value in kind.defaults.items() if m in given}, **last}


def _place(row: Row) -> tuple[str, int, str]:
    """The order of the file."""
    section, _, rest = row.pointer.removeprefix("/device_registry/data/").partition("/")
    sections = {"devices": "0", "child_devices": "1", "deleted_devices": "2"}
    number, _, member = rest.partition("/")
    return sections.get(section, section), int(number), member
