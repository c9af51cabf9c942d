"""A transaction that nothing comes of: for finding out what a piece of work would do."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

from inventory.domain.entries import tenant_of
from inventory.domain.kinds import KINDS
from inventory.domain.store import Change, Entry, Query, Reader, Stored, Transaction


def rehearsal(reader: Reader) -> Transaction:
    """A transaction over what ``reader`` reads, in which resources can be created and changed.

    Nobody waits for it, and it holds what it wrote in memory. It counts all of a tenant's
    resources; other searches find what is in the store, as it was changed here.
    """
    return cast(Transaction, _Rehearsal(reader))


class _Rehearsal:
    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._written: dict[tuple[str, str], Stored] = {}
        self._more: Counter[tuple[str, str]] = Counter()  # of a kind and tenant

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def get(self, kind: str, identifier: str) -> Stored | None:
        written = self._written.get((kind, identifier))
        return written or self._reader.get(kind, identifier)

    def find(self, kind: str, query: Query) -> list[Stored]:
        found = self._reader.find(kind, query)
        return [self._written.get((kind, stored.identifier), stored) for stored in found]

    def count(self, kind: str, query: Query) -> int:
        return self._reader.count(kind, query) + self._more[kind, query.tenant or ""]

    def insert(self, kind: str, entry: Entry) -> None:
        self._written[kind, entry.stored.identifier] = entry.stored
        self._more[kind, entry.tenant] += 1

    def replace(self, kind: str, entry: Entry) -> None:
        before = self.get(kind, entry.stored.identifier)
        if before is not None:
            self._more[kind, tenant_of(KINDS[kind], before.document())] -= 1
        self.insert(kind, entry)

    def record(self, _change: Change) -> int:
        return 0
