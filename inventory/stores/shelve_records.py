"""What the shelve store holds in memory, and how each of it is written down.

A record is a pair: a key, such as ``["entry","devices","lamp"]``, and a value of JSON.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from inventory.domain.kinds import KINDS
from inventory.domain.resource import to_json
from inventory.domain.store import Change, Entry, Reply, Stored, StoreError, Tombstone
from inventory.stores.sorted_map import Key

ENTRY, GRAVE, REPLY, PART, CHANGE = "entry", "grave", "reply", "part", "change"


class Row(NamedTuple):
    """An entry, in less memory: ``texts`` are those of its kind's columns, in their order."""

    stored: Stored
    uid: str
    tenant: str
    texts: tuple[str, ...]
    keys: tuple[str, ...]
    words: str

    @classmethod
    def of(cls, kind: str, entry: Entry) -> Row:
        texts = tuple(entry.columns.get(column, "") for column in KINDS[kind].columns)
        keys = tuple(sorted(entry.keys))
        return cls(entry.stored, entry.uid, entry.tenant, texts, keys, entry.words)

    def entry(self, kind: str) -> Entry:
        columns = dict(zip(KINDS[kind].columns, self.texts, strict=True))
        return Entry(self.stored, self.uid, self.tenant, columns, frozenset(self.keys), self.words)


class Grave(NamedTuple):
    """A tombstone."""

    kind: str
    deleted_at: str
    row: Row

    @classmethod
    def of(cls, tombstone: Tombstone) -> Grave:
        row = Row.of(tombstone.kind, tombstone.entry)
        return cls(tombstone.kind, tombstone.deleted_at, row)

    def tombstone(self) -> Tombstone:
        return Tombstone(self.kind, self.deleted_at, self.row.entry(self.kind))


class PastChange(NamedTuple):
    """A change as JSON text, and what changes are looked through by."""

    kind: str
    identifier: str
    tenant: str
    text: str

    @classmethod
    def of(cls, change: Change) -> PastChange:
        text = to_json([getattr(change, member) for member in _CHANGE])
        return cls(change.kind, change.identifier, change.tenant, text)

    @classmethod
    def of_text(cls, text: str) -> PastChange:
        return cls.of(Change(**dict(zip(_CHANGE, json.loads(text), strict=True))))

    def change(self, sequence: int) -> Change:
        members: list[Any] = [*json.loads(self.text), sequence]
        return Change(*members)


_CHANGE = (
    "kind", "identifier", "uid", "tenant", "revision", "action", "at", "principal", "request_id",
    "before", "after",
)  # fmt: skip


def to_records(written: Mapping[Key, Any]) -> dict[str, Any]:
    """What was written as records; None for what was removed."""
    return {
        to_json(key): None if value is None else _TO[key[0]](key, value)
        for key, value in written.items()
    }


def from_record(record: str, written: Any) -> tuple[Key, Any]:
    """What the record holds. ``StoreError`` when it is damaged."""
    try:
        key = tuple(json.loads(record))
        return key, _FROM[key[0]](key, written)
    except (ValueError, LookupError, TypeError, AttributeError) as exc:
        raise StoreError(f"the record {record} is damaged") from exc


def _from_row(kind: str, row: Row) -> list[Any]:
    columns = zip(KINDS[kind].columns, row.texts, strict=True)
    stored = row.stored
    return [
        stored.identifier, stored.revision, stored.etag, stored.body, row.uid, row.tenant,
        {column: text for column, text in columns if text}, row.keys, row.words,
    ]  # fmt: skip


def _to_row(kind: str, written: list[Any]) -> Row:
    identifier, revision, etag, body, uid, tenant, columns, keys, words = written
    stored = Stored(identifier, revision, etag, body)
    return Row.of(kind, Entry(stored, uid, tenant, columns, frozenset(keys), words))


_TO: Mapping[str, Callable[[Key, Any], Any]] = {
    ENTRY: lambda key, row: _from_row(key[1], row),
    GRAVE: lambda key, grave: [grave.deleted_at, _from_row(key[1], grave.row)],
    REPLY: lambda _, reply: [reply.fingerprint, reply.at, reply.content],
    PART: lambda _, content: base64.b64encode(content).decode(),
    CHANGE: lambda _, past: past.text,
}
_FROM: Mapping[str, Callable[[Key, Any], Any]] = {
    ENTRY: lambda key, written: _to_row(key[1], written),
    GRAVE: lambda key, written: Grave(key[1], written[0], _to_row(key[1], written[1])),
    REPLY: lambda key, written: Reply(key[1], key[2], *written),
    PART: lambda _, written: base64.b64decode(written, validate=True),
    CHANGE: lambda _, written: PastChange.of_text(written),
}
