"""Imports of devices: each row is applied, or rejected with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from inventory.device_bodies import DeviceBodies
from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.errors import (
    IdentifierTaken,
    InventoryError,
    ResourceNotFound,
    SelfReference,
    UnusableFile,
)
from inventory.domain.kinds import DEVICES
from inventory.domain.resource import to_json
from inventory.domain.store import Store, Transaction
from inventory.domain.tabular import Faulty, FormatFault, Parsed, Row, read_rows
from inventory.idempotency import Once
from inventory.rehearsal import rehearsal
from inventory.replies import Answer
from inventory.work import Sources, Work

PORTION = 500  # rows of one piece of work
AT_ONCE = 1000  # rows that one transaction may have, for which all writers wait
MAX_TOLD = 1000  # rejected rows that are told of
MAX_REASON = 500  # characters
RESULTS = ("created", "updated", "unchanged", "rejected")
# Members that name another device, which may stand further down in the file.
LINKS = frozenset({"via_device", "parent_device"})

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was not applied. ``column`` is the member at fault, when it is one."""

    number: int
    reason: str
    identifier: str | None = None
    column: str | None = None

    def told(self) -> dict[str, Any]:
        """As it is reported."""
        named = {"identifier": self.identifier, "column": self.column}
        given = {name: text for name, text in named.items() if text}
        return {"row": self.number, **given, "reason": self.reason[:MAX_REASON]}


Checked = Parsed | Rejected


class _Incomplete(InventoryError):
    """The row would be a new device, which needs more than a change."""

    def __init__(self, member: str) -> None:
        super().__init__("is required, as there is no such device yet")
        self.places = [(f"/{member}", "is required")]


@dataclass(slots=True)
class Outcome:
    """What became of rows. ``waiting``: rows whose link may only fit when others were applied."""

    counts: Counter[str] = field(default_factory=Counter)
    rejected: list[Rejected] = field(default_factory=list)
    waiting: list[Parsed] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Counts the other outcome in; what waits is not over."""
        self.counts += other.counts
        self.rejected += other.rejected[: MAX_TOLD - len(self.rejected)]


class Importing:
    """Imports of one caller, in one way. ``mode``: create or upsert."""

    def __init__(self, caller: Caller, sources: Sources, bodies: DeviceBodies, mode: str) -> None:
        self.sources = sources
        self._caller = caller
        self._bodies = bodies
        self._mode = mode

    def check(self, row: Row) -> Checked:
        """The row, or why it is no device. This asks no store."""
        if isinstance(row, Faulty):
            return Rejected(row.number, row.reason, column=row.column)
        fault = self._bodies.first_fault(row.fields)
        if fault and self._mode == "upsert":
            # A device that is there already may have what the row lacks; the store knows.
            fault = self._bodies.first_fault_of_change(row.fields)
        if fault is None:
            return row
        column, what = fault
        return Rejected(row.number, what, self._named(row), column or None)

    def apply(self, rows: Iterable[Checked], transaction: Transaction, *, last: bool) -> Outcome:
        """What became of the rows. A row that is rejected leaves nothing in the transaction.

        Unless these are the ``last`` rows, those whose link does not fit yet are left waiting.
        """
        work = Work(transaction, self._caller, self.sources)
        portion = _Portion(work, self._mode, self._bodies.required)
        for row in rows:
            portion.add(row)
        outcome = portion.outcome
        for row, rejected in portion.waiting():
            if last:
                portion.reject(rejected)
            else:
                outcome.waiting.append(row)
        outcome.rejected.sort(key=lambda rejected: rejected.number)
        return outcome

    def _named(self, row: Parsed) -> str | None:
        identifier = row.fields.get("identifier")
        return identifier if self._bodies.is_identifier(identifier) else None


class _Portion:
    """Rows of one piece of work, each tried again when the device that it waits for is there."""

    def __init__(self, work: Work, mode: str, required: Sequence[str]) -> None:
        self.outcome = Outcome()
        self._required = required
        self._work = work
        self._mode = mode
        self._waiting: dict[str, list[tuple[Parsed, Rejected]]] = {}  # by what they wait for

    def add(self, row: Checked) -> None:
        """Applies the row, and those that waited for it."""
        if isinstance(row, Rejected):
            self.reject(row)
            return
        ready = [row]
        while ready:
            identifier = self._try(ready.pop())
            if identifier is not None:
                ready += [waiting for waiting, _ in self._waiting.pop(identifier, ())]

    def reject(self, rejected: Rejected) -> None:
        self.outcome.counts["rejected"] += 1
        self.outcome.rejected.append(rejected)

    def waiting(self) -> list[tuple[Parsed, Rejected]]:
        """The rows that are not applied yet, with why."""
        pairs = (pair for pairs in self._waiting.values() for pair in pairs)
        return sorted(pairs, key=lambda pair: pair[0].number)

    def _try(self, row: Parsed) -> str | None:
        """Applies the row; the device's identifier when that succeeds."""
        try:
            result, identifier = self._apply(row.fields)
        except InventoryError as exc:
            self._refuse(row, exc)
            return None
        self.outcome.counts[result] += 1
        return identifier

    def _refuse(self, row: Parsed, exc: InventoryError) -> None:
        where = exc.places[0][0] if exc.places else ""
        column = where[1:].split("/")[0] or None
        rejected = Rejected(row.number, str(exc), row.fields.get("identifier"), column)
        awaited = row.fields.get(column) if column in LINKS else None
        if awaited is None or isinstance(exc, SelfReference):
            self.reject(rejected)
        else:
            self._waiting.setdefault(awaited, []).append((row, rejected))

    def _apply(self, fields: Mapping[str, Any]) -> tuple[str, str]:
        identifier = fields.get("identifier")
        try:
            current = self._work.existing(DEVICES, identifier) if identifier else None
        except ResourceNotFound:
            current = None
        if current is None:
            for member in self._required:
                if member not in fields:
                    raise _Incomplete(member)
            return "created", self._work.create(DEVICES, fields).identifier
        if self._mode == "create":
            raise IdentifierTaken(DEVICES.noun, current["identifier"])
        given = {member: value for member, value in fields.items() if member != "identifier"}
        stored = self._work.update(DEVICES, current, resource.writable(current) | given)
        same = stored.revision == current["revision"]
        return "unchanged" if same else "updated", stored.identifier


def checked_rows(importing: Importing, media_type: str, content: Iterable[bytes]) -> list[Checked]:
    """The rows of a small file; ``UnusableFile`` when there can be none."""
    return [importing.check(row) for row in readable(read_rows(media_type, content))]


def import_now(
    store: Store,
    importing: Importing,
    rows: Sequence[Checked],
    *,
    dry_run: bool,
    once: Once | None,
) -> Answer:
    """The contract's ``DeviceImportReport`` of a few rows. Nothing stays of a dry run.

    With ``once``, others wait for all of them: ``AT_ONCE`` at the most.
    """
    if dry_run:
        return _report(importing.apply(rows, rehearsal(store), last=True), dry_run=True)
    if once is None:
        return _report(_in_portions(store, importing, rows))

    def work(transaction: Transaction) -> Answer:
        # All at once: the answer has to be kept together with all that it tells of.
        now = importing.sources.now()
        return once.answer(
            transaction, now, lambda: _report(importing.apply(rows, transaction, last=True))
        )

    return store.write(work)


def _in_portions(store: Store, importing: Importing, rows: Sequence[Checked]) -> Outcome:
    """What became of the rows, in several pieces of work: others write in between."""
    total, last = Outcome(), False
    while rows:
        before = rows
        rows = _round(store, importing, rows, total, last=last)
        last = len(rows) == len(before)
    return total


def _round(
    store: Store, importing: Importing, rows: Sequence[Checked], total: Outcome, *, last: bool
) -> list[Parsed]:
    """Applies the rows; those that are left waiting."""
    waiting: list[Parsed] = []
    for portion in portions(iter(rows)):
        outcome = store.write(partial(importing.apply, portion, last=last))
        total.add(outcome)
        waiting += outcome.waiting
    return waiting


def readable(rows: Iterator[Row]) -> Iterator[Row]:
    """The rows; ``UnusableFile`` when there can be none."""
    try:
        yield from rows
    except FormatFault as exc:
        raise UnusableFile(exc.reason) from exc


def portions(items: Iterator[T]) -> Iterator[list[T]]:
    """The items, as many at once as one piece of work takes."""
    while portion := list(islice(items, PORTION)):
        yield portion


def _report(outcome: Outcome, *, dry_run: bool = False) -> Answer:
    rejected = sorted(outcome.rejected, key=lambda each: each.number)[:MAX_TOLD]
    report = {
        "dry_run": dry_run,
        "counts": {result: outcome.counts[result] for result in RESULTS},
        "rows": [each.told() | {"result": "rejected"} for each in rejected],
    }
    return Answer(200, to_json(report))
