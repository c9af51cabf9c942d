"""Everything on a shelf of Python's standard library, for one process.

A shelf alone does not survive a crash: what dbm writes in place is torn by it. So the shelf is only
ever written whole, and what came after it stands in a journal:

    CURRENT        the number of the shelf that counts, replaced atomically
    7/             that shelf: its records, by their keys
    7.journal      what was changed since, one line a commit: checksum, then JSON
    8.journal      goes on while shelf 8 is being written; all from CURRENT on are replayed
    LOCK           held, by flock, by the process that serves the store

``dbm.dumb`` keeps the shelf, although it is not the fastest: every Python has it, values may have
any size (macOS' ndbm corrupts its file on large ones), and it does not fsync each value (as
``dbm.sqlite3`` does). As slow as it is, no request waits for it.

Shelves are pickles: whoever can write to the folder can run code in the process that opens it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from inventory.domain.store import (
    Change,
    ChangeQuery,
    Query,
    Reply,
    Stored,
    StoreError,
    Tombstone,
    Transaction,
)
from inventory.stores.group_commit import GroupCommit
from inventory.stores.shelve_folder import Folder, Journal, to_line
from inventory.stores.shelve_memory import Contents, Overlay
from inventory.stores.shelve_records import to_records
from inventory.stores.sorted_map import Key

T = TypeVar("T")

JOURNAL_BOUND = 4 * 1024 * 1024  # bytes of journal that are not worth a checkpoint yet

_CHECKPOINT_FAILED = "a checkpoint failed; nothing is lost, and it is tried again later"

_log = logging.getLogger(__name__)


class ShelveStore:
    """The ``Store`` in one folder, for one process of many threads.

    Everything is held in memory, so reads wait for no disk, nor for writers. Writes that wait at
    the same time share one fsync. When the disk fails, reads go on, and every write is refused
    until the store is opened again: what the failed write left behind is only known then.
    """

    reads_are_local = True

    def __init__(self, folder: Path, *, journal_bound: int = JOURNAL_BOUND) -> None:
        """Opens the folder, or makes it. ``StoreError`` when it is served already, or damaged.

        A checkpoint is made when the journal outgrows both the shelf and ``journal_bound`` bytes.
        """
        self._closed = False
        self._failure: str | None = None
        self._checkpoint: threading.Thread | None = None
        self._least_bound = journal_bound
        with _told(f"the shelve store {folder} cannot be opened"):
            self._folder = Folder(folder)
            try:
                self._load()
            except BaseException:
                self._folder.close()
                raise
        self._commits = GroupCommit(self._begin)

    def write(self, work: Callable[[Transaction], T]) -> T:
        """Does the work, whole or not at all, durably; what it returned."""
        self.ping()

        def do(group: _Group) -> T:
            return group.do(work)

        return self._commits.run(do)

    def get(self, kind: str, identifier: str) -> Stored | None:
        """The resource, or None."""
        return self._contents.get(kind, identifier)

    def get_many(self, kind: str, identifiers: Collection[str]) -> dict[str, Stored]:
        """Those of the resources that exist, by identifier."""
        return self._contents.get_many(kind, identifiers)

    def find(self, kind: str, query: Query) -> list[Stored]:
        """The resources that the query asks for."""
        return self._contents.find(kind, query)

    def count(self, kind: str, query: Query) -> int:
        """How many there are."""
        return self._contents.count(kind, query)

    def summarize(
        self, kind: str, query: Query, by: Sequence[str]
    ) -> list[tuple[tuple[str, ...], int]]:
        """How many there are for each combination of these columns' texts."""
        return self._contents.summarize(kind, query, by)

    def shared_keys(
        self, prefixes: Collection[str], tenant: str | None, after: str, limit: int
    ) -> list[tuple[str, list[str]]]:
        """Keys that several devices of one tenant have, and these devices."""
        return self._contents.shared_keys(prefixes, tenant, after, limit)

    def changes(self, query: ChangeQuery) -> list[Change]:
        """The changes that the query asks for."""
        return self._contents.changes(query)

    def tombstone(self, kind: str, identifier: str, tenant: str | None = None) -> Tombstone | None:
        """The latest deleted resource of this identifier."""
        return self._contents.tombstone(kind, identifier, tenant)

    def tombstones(self, deleted_before: str, limit: int) -> list[Tombstone]:
        """Tombstones from before this moment, oldest first."""
        return self._contents.tombstones(deleted_before, limit)

    def reply(self, principal: str, key: str) -> Reply | None:
        """What was answered to this principal's request with this key."""
        return self._contents.reply(principal, key)

    def part(self, job: str, number: int) -> bytes | None:
        """A part of what a job works on."""
        return self._contents.part(job, number)

    def ping(self) -> None:
        """Returns when the store takes writes."""
        if self._closed:
            raise StoreError("the shelve store is closed")
        self._check_disk()

    def close(self) -> None:
        """Commits what is waiting, makes a checkpoint, and lets another process have the folder."""
        if self._closed:
            return
        self._closed = True
        self._commits.close()
        self._await_checkpoint()
        if self._failure is None and self._has_journal():
            self._start_checkpoint()
            self._await_checkpoint()
        self._journal.close()
        self._folder.close()

    def _load(self) -> None:
        self._shelf = self._folder.current()
        records = self._folder.read_shelf(self._shelf)
        self._number = self._folder.replay(self._shelf, records)
        self._folder.remove_all_but(self._shelf)
        self._contents = Contents.of(records)
        self._bound = max(self._least_bound, self._folder.shelf_size(self._shelf))
        self._journal = Journal(self._folder.journal(self._number))
        # A journal that another follows belongs to a checkpoint that a crash cut short.
        if self._number != self._shelf or self._journal.size > self._bound:
            self._start_checkpoint()

    @contextmanager
    def _begin(self) -> Iterator[_Group]:
        self._check_disk()
        group = _Group(self._contents)
        yield group
        if group.written:
            self._write(to_records(group.written))
            self._contents = group.contents
            if self._journal.size > self._bound and not self._checkpointing():
                self._start_checkpoint()

    def _write(self, records: Mapping[str, Any]) -> None:
        try:
            self._journal.append(to_line(records))
        except OSError as exc:
            self._failure = (
                f"writing {self._journal.file} failed ({exc.strerror}):"
                " make the disk writable and start the service again"
            )
            raise StoreError(self._failure) from exc

    def _check_disk(self) -> None:
        if self._failure is not None:
            raise StoreError(self._failure)

    def _has_journal(self) -> bool:
        return self._journal.size > 0 or self._number != self._shelf

    def _checkpointing(self) -> bool:
        return self._checkpoint is not None and self._checkpoint.is_alive()

    def _await_checkpoint(self) -> None:
        if self._checkpoint is not None:
            self._checkpoint.join()

    def _start_checkpoint(self) -> None:
        """Directs what comes to the next journal, and lets a thread write down what is there.

        Nothing is lost when that fails: the journals go on to count.
        """
        contents = self._contents
        try:
            number = self._next_journal()
            self._checkpoint = threading.Thread(
                target=self._make_checkpoint,
                args=(number, contents),
                name="checkpoint",
                daemon=True,
            )
            self._checkpoint.start()
        except (OSError, RuntimeError):  # no room on the disk, no more threads
            self._bound += self._journal.size
            _log.exception(_CHECKPOINT_FAILED)

    def _next_journal(self) -> int:
        journal = self._folder.new_journal(self._number + 1)
        self._journal.close()
        self._journal = journal
        self._number += 1
        return self._number

    def _make_checkpoint(self, number: int, contents: Contents) -> None:
        try:
            self._folder.write_shelf(number, contents.records())
            self._bound = max(self._least_bound, self._folder.shelf_size(number))
            self._folder.set_current(number)
            self._shelf = number
            self._folder.remove_all_but(number)
        except Exception:
            _log.exception(_CHECKPOINT_FAILED)


class _Group:
    """The pieces of work of one commit. Each sees the ones before it."""

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self.written: dict[Key, Any] = {}

    def do(self, work: Callable[[Transaction], T]) -> T:
        """Does the work; when it raises, nothing of it was done."""
        overlay = Overlay(self.contents)
        result = work(overlay)
        if overlay.written:
            self.contents = overlay.contents()
            self.written.update(overlay.written)
        return result


@contextmanager
def _told(what: str) -> Iterator[None]:
    """No error of the operating system crosses the port."""
    try:
        yield
    except OSError as exc:
        raise StoreError(f"{what}: {exc}") from exc
