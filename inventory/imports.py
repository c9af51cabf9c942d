"""Imports of a Home Assistant: what it knows becomes areas and devices, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.device import normal
from inventory.domain.entries import device_keys
from inventory.domain.errors import InventoryError, ResourceNotFound
from inventory.domain.home_assistant import (
    Mapped,
    Row,
    Unsaid,
    hubs_first,
    read_areas,
    read_home_assistant,
    unsaid,
)
from inventory.domain.imported import merge
from inventory.domain.kinds import AREAS, DEVICE_LINKS, DEVICES, HOMES, ORIGINS, Kind
from inventory.domain.resource import Document, to_json
from inventory.domain.store import Query, Store, Transaction
from inventory.idempotency import Once
from inventory.replies import Answer
from inventory.work import Sources, Work

RESULTS = ("created", "updated", "unchanged", "skipped", "rejected")

Report = dict[str, Any]


class _DryRun(Exception):
    """Undoes what was done to find out what would be."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.answer = answer


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
    open_members = unsaid(files)

    def operation(work: Work, transaction: Transaction) -> Answer:
        into = _Import(work, transaction, caller.tenant, home, open_members)
        rows = [into.row(AREAS, row) for row in areas]
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
        if home:
            doing.existing(HOMES, home)
        if dry_run:
            raise _DryRun(operation(doing, transaction))
        if once is None:
            return operation(doing, transaction)
        return once.answer(transaction, doing.now, lambda: operation(doing, transaction))

    try:
        return store.write(work)
    except _DryRun as told:
        return told.answer


class _Import:
    """One import, within one transaction."""

    def __init__(
        self,
        work: Work,
        transaction: Transaction,
        tenant: str | None,
        home: str | None,
        open_members: Unsaid,
    ) -> None:
        self._work = work
        self._transaction = transaction
        self._tenant = tenant
        self._home = home
        self._unsaid = open_members
        self._called: dict[str, str] = {}  # an identifier of the file → the one here

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

    def _place(self, kind: Kind, fields: Mapping[str, Any]) -> Report:
        origin = fields["identifier"]
        # Written as it is kept: or else every address in capitals would be a person's change.
        given = normal({m: value for m, value in fields.items() if m != "identifier"})
        if self._home:
            given["home_id"] = self._home
        current = self._known(kind, origin, given)
        identifier = current["identifier"] if current else origin
        self._called[origin] = identifier
        given = self._linked(identifier, given)
        if current is None:
            self._work.create(kind, {**given, "identifier": identifier})
            self._remember(kind, origin, given)
            return {"identifier": identifier, "result": "created"}
        last = self._origin(kind, origin)
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
        """The resource here that a row tells of.

        A device is known by its reference to the other system, as it may have been folded into
        another one here; its identifier decides between several, or where no one has it.
        """
        try:
            current = self._work.existing(kind, origin)
        except ResourceNotFound:
            current = None
        references = given.get("external_refs", [])
        if current and all(one in current.get("external_refs", []) for one in references):
            return current
        return self._referring(references) or current

    def _referring(self, references: list[dict[str, str]]) -> Document | None:
        """A device that has one of the references, in this home or in none."""
        if not references:
            return None
        homes = {"home_id": ["", self._home] if self._home else [""]}
        keys = list(device_keys({"external_refs": references}))
        query = Query(limit=1, tenant=self._tenant, filters=homes, keys=[keys])
        found = self._transaction.find(DEVICES.name, query)
        return found[0].document() if found else None

    def _linked(self, identifier: str, given: dict[str, Any]) -> dict[str, Any]:
        """The links of a device by what their ends are called here; none leads to itself."""
        links = {m: self._called.get(given[m], given[m]) for m in DEVICE_LINKS if m in given}
        others = {m: value for m, value in given.items() if m not in links}
        return others | {m: target for m, target in links.items() if target != identifier}

    def _origin(self, kind: Kind, origin: str) -> Mapping[str, Any] | None:
        """What the last import said of this row."""
        stored = self._transaction.get(ORIGINS.name, f"{kind.name}/{origin}")
        return stored.document()["fields"] if stored else None

    def _remember(self, kind: Kind, origin: str, said: Mapping[str, Any]) -> None:
        self._work.keep(ORIGINS, f"{kind.name}/{origin}", {"fields": said})


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
