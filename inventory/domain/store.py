"""The port to where everything is kept. Every adapter passes the suite in ``stores/conformance``.

A store knows nothing of the rules: it keeps entries, finds them, and makes a piece of work happen
whole or not at all. Writers take turns, in one process and between processes: what a piece of work
has read is still so when it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class StoreError(Exception):
    """The store cannot do its work. The message is for the operator."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A resource as it is kept: its canonical JSON text and the tag of exactly that text."""

    identifier: str
    revision: int
    etag: str
    body: str

    def document(self) -> dict[str, Any]:
        """The text as a document."""
        return json.loads(self.body)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource, and what it is found by.

    ``tenant``: the customer whose it is, "" for nobody's. ``columns``: a text for each of its
    kind's columns, "" where it is not set. ``keys``: the exact texts that it is looked up by, such
    as ``label:attic``. ``words``: its words in lower case, each with a space before and after it.
    """

    stored: Stored
    uid: str
    tenant: str
    columns: Mapping[str, str]
    keys: frozenset[str] = frozenset()
    words: str = ""


@dataclass(frozen=True, slots=True)
class Bound:
    """``column >= at_least`` and ``column < below``; "" is no bound. An unset column is outside."""

    column: str
    at_least: str = ""
    below: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """A column to sort by."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """Which resources of a kind, in which order. All conditions have to hold.

    ``tenant``: only this customer's; None: everybody's. ``filters``: column to the texts that it
    may have. ``keys``: for each group, at least one of its keys. ``words``: each begins a word.
    ``stale``: whether ``last_seen_at`` is set and before what ``cutoffs`` says of the
    ``device_type`` (a type that is not in there is never stale); None: whichever.
    ``sort``: columns' texts by code point, an unset one is "", or ``identifier``; then by
    ``identifier``, ascending.
    ``after``: the sorted columns' texts and the identifier of the entry to go on after.
    """

    limit: int = 50
    tenant: str | None = None
    filters: Mapping[str, Collection[str]] = field(default_factory=dict)
    bounds: Sequence[Bound] = ()
    keys: Sequence[Collection[str]] = ()
    words: Sequence[str] = ()
    stale: bool | None = None
    cutoffs: Mapping[str, str] = field(default_factory=dict)
    sort: Sequence[Order] = ()
    after: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """What became of a resource, kept for good.

    ``before`` and ``after`` are JSON texts: merge patches (RFC 7396) that undo and redo it, or the
    whole document where it did not exist on the other side; "null" where it did not exist.
    ``sequence`` is given by the store: later commits have greater ones.
    """

    kind: str
    identifier: str
    uid: str
    tenant: str
    revision: int
    action: str
    at: str
    principal: str
    request_id: str
    before: str
    after: str
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class ChangeQuery:
    """Which changes: in order, or the newest first.

    ``after`` and ``before`` are sequences, not included; 0 is no bound. ``kinds``: of any of these,
    each named once; without one, of every kind.
    """

    limit: int = 50
    after: int = 0
    before: int = 0
    tenant: str | None = None
    kinds: Sequence[str] = ()
    identifier: str | None = None
    newest_first: bool = False


@dataclass(frozen=True, slots=True)
class Tombstone:
    """A deleted resource that can be restored."""

    kind: str
    deleted_at: str
    entry: Entry


@dataclass(frozen=True, slots=True)
class Reply:
    """What was answered to a request with an Idempotency-Key. ``content`` is JSON text."""

    principal: str
    key: str
    fingerprint: str
    at: str
    content: str


class Reader(Protocol):
    """Reads what was committed; within a piece of work, also what that has written so far."""

    def get(self, kind: str, identifier: str) -> Stored | None:
        """The resource, or None."""
        ...

    def get_many(self, kind: str, identifiers: Collection[str]) -> dict[str, Stored]:
        """Those of the resources that exist, by identifier."""
        ...

    def find(self, kind: str, query: Query) -> list[Stored]:
        """The resources that the query asks for."""
        ...

    def count(self, kind: str, query: Query) -> int:
        """How many there are; ``limit``, ``sort`` and ``after`` do not matter."""
        ...

    def summarize(
        self, kind: str, query: Query, by: Sequence[str]
    ) -> list[tuple[tuple[str, ...], int]]:
        """How many there are for each combination of these columns' texts, in their order.

        ``stale`` is a column here too, of ``"true"`` and ``"false"``.
        """
        ...

    def shared_keys(
        self, prefixes: Collection[str], tenant: str | None, after: str, limit: int
    ) -> list[tuple[str, list[str]]]:
        """Keys of devices after ``after`` that several devices of one tenant have.

        Each with the devices' identifiers, in order; only keys that begin with one of the
        prefixes. Devices of nobody count as one tenant's.
        """
        ...

    def changes(self, query: ChangeQuery) -> list[Change]:
        """The changes that the query asks for."""
        ...

    def tombstone(self, kind: str, identifier: str, tenant: str | None = None) -> Tombstone | None:
        """The latest deleted resource of this identifier that was not purged or restored.

        ``tenant``: the latest of this customer's; None: of all.
        """
        ...

    def tombstones(self, deleted_before: str, limit: int) -> list[Tombstone]:
        """Tombstones of every kind that were made before this moment, oldest first."""
        ...

    def reply(self, principal: str, key: str) -> Reply | None:
        """What was answered to this principal's request with this key."""
        ...

    def part(self, job: str, number: int) -> bytes | None:
        """A part of what a job works on, counted from 0; None when there is no such part."""
        ...


class Transaction(Reader, Protocol):
    """What a piece of work can do. The caller keeps the rules."""

    def insert(self, kind: str, entry: Entry) -> None:
        """Adds a resource whose identifier is not taken."""
        ...

    def replace(self, kind: str, entry: Entry) -> None:
        """Puts the entry in the place of the one of its identifier."""
        ...

    def remove(self, kind: str, identifier: str) -> None:
        """Removes the resource."""
        ...

    def bury(self, tombstone: Tombstone) -> None:
        """Keeps a deleted resource; its uid is not among the tombstones yet."""
        ...

    def exhume(self, kind: str, uid: str) -> None:
        """Removes the tombstone."""
        ...

    def record(self, change: Change) -> int:
        """Keeps the change, and returns the sequence that it got."""
        ...

    def keep_reply(self, reply: Reply) -> None:
        """Keeps what is answered, in the place of an older answer to the same key."""
        ...

    def forget_replies(self, before: str) -> int:
        """Drops the replies from before this moment; how many they were."""
        ...

    def add_part(self, job: str, number: int, content: bytes) -> None:
        """Keeps a part of what a job works on."""
        ...

    def drop_parts(self, job: str) -> None:
        """Drops all parts of a job."""
        ...


class Store(Reader, Protocol):
    """Keeps resources. Safe to be called from many threads at once."""

    reads_are_local: bool
    """Whether ``get`` and a short ``find`` are answered by this process, waiting for no network."""

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Does the work, whole or not at all; when it returns, it survives a power loss.

        What the work raises is raised, and nothing of it stays. It does nothing but compute and
        use its transaction: others wait for it, and to write within it would wait for itself.
        """
        ...

    def ping(self) -> None:
        """Returns when the store can serve; otherwise ``StoreError``."""
        ...

    def close(self) -> None:
        """Gives up what is held. The store is not used after that."""
        ...
