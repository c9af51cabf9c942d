"""Imports: what another system knows becomes devices, all of it or nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from inventory.devices import ATTEMPTS, Sources
from inventory.domain import device as rules
from inventory.domain.device import Document, StoredDevice
from inventory.domain.errors import Contention, InventoryError
from inventory.domain.home_assistant import Mapped, Row, read_home_assistant
from inventory.domain.imported import fold
from inventory.domain.store import Change, ChangeConflict, DeviceStore

RESULTS = ("created", "updated", "unchanged", "skipped", "rejected")


class Imports:
    """Brings devices in from other systems."""

    def __init__(self, store: DeviceStore, sources: Sources) -> None:
        self._store = store
        self._sources = sources

    def home_assistant(self, files: Mapping[str, Any], *, dry_run: bool) -> dict[str, Any]:
        """The contract's ``ImportReport`` of these registry files; nothing written on a dry run."""
        rows = list(read_home_assistant(files))
        for _ in range(ATTEMPTS):
            report, changes = self._plan(rows)
            if dry_run or not changes or self._applied(changes):
                return {"dry_run": dry_run, "counts": _counts(report), "rows": report}
        raise Contention

    def _applied(self, changes: list[Change]) -> bool:
        try:
            self._store.apply(changes)
        except ChangeConflict:
            return False
        return True

    def _plan(self, rows: list[Row]) -> tuple[list[dict[str, Any]], list[Change]]:
        """What becomes of each row, and the changes that make it so."""
        wanted = [row.device["identifier"] for row in rows if isinstance(row, Mapped)]
        existing = self._store.get_many(wanted)
        report, changes, now = [], [], self._sources.now()
        for row in rows:
            if isinstance(row, Mapped):
                said, change = self._place(row, existing.get(row.device["identifier"]), now)
                if change is not None:
                    changes.append(change)
            else:
                said = {"result": type(row).__name__.lower(), "reason": row.reason}
            report.append(_report_row(row, said))
        return report, changes

    def _place(
        self, row: Mapped, stored: StoredDevice | None, now: str
    ) -> tuple[dict[str, Any], Change | None]:
        identifier = row.device["identifier"]
        current = stored.document() if stored else None
        try:
            document = self._document(row.device, current, now)
        except InventoryError as exc:
            return {"result": "rejected", "reason": str(exc)}, None
        said = {"identifier": identifier}
        if stored is not None and document is current:
            return said | {"result": "unchanged"}, None
        expected = stored.revision if stored else None
        result = "updated" if stored else "created"
        return said | {"result": result}, Change(identifier, expected, document)

    def _document(self, fields: Mapping[str, Any], current: Document | None, now: str) -> Document:
        if current is None:
            uid = self._sources.uid()
            return rules.create(fields, identifier=fields["identifier"], uid=uid, now=now)
        return rules.replace(current, fold(current, fields), now=now)


def _report_row(row: Row, said: Mapping[str, Any]) -> dict[str, Any]:
    name = {"name": row.name} if row.name is not None else {}
    return {"pointer": row.pointer, **said, **name}


def _counts(report: list[dict[str, Any]]) -> dict[str, int]:
    counted = Counter(row["result"] for row in report)
    return {result: counted[result] for result in RESULTS}
