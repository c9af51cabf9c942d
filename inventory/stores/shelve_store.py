"""Devices on a shelf of Python's standard library, for one process.

A shelf alone does not survive a crash: what dbm writes in place is torn by it. So the shelf is only
ever written whole, and what came after it stands in a journal:

    CURRENT        the number of the shelf that counts, replaced atomically
    7/             that shelf: identifier to JSON text
    7.journal      what was changed since, one line a commit: checksum, then JSON
    8.journal      goes on while shelf 8 is being written; all from CURRENT on are replayed
    LOCK           held, by flock, by the process that serves the store

``dbm.dumb`` keeps the shelf, although it is not the fastest: every Python has it, values may have
any size (macOS' ndbm corrupts its file on large ones), and it does not fsync each value (as
``dbm.sqlite3`` does). As slow as it is, no request waits for it.

Shelves are pickles: whoever can write to the folder can run code in the process that opens it.
"""

from __future__ import annotations

import bisect
import dbm.dumb
import fcntl
import hashlib
import io
import itertools
import json
import logging
import os
import shelve
import shutil
import sys
import threading
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from heapq import merge
from pathlib import Path
from typing import Literal, NamedTuple, cast

from inventory.domain.device import StoredDevice, entity_tag, store_form, to_json
from inventory.domain.store import FILTERS, Change, ChangeConflict, DeviceQuery, StoreError
from inventory.stores.group_commit import GroupCommit

JOURNAL_BOUND = 4 * 1024 * 1024  # bytes of journal that are not worth a checkpoint yet

_FEW = 16  # changes that are cheaper made one by one in a sorted list than by sorting it anew
_EVERY = ("", "")  # the key of all devices among those by member and value
_SHELF = "devices"
_CHECKPOINT_FAILED = "a checkpoint failed; nothing is lost, and it is tried again later"

_log = logging.getLogger(__name__)


class ShelveDeviceStore:
    """The ``DeviceStore`` in one folder, for one process of many threads.

    All devices are held in memory, so reads wait for no disk. Writes that wait at the same time
    share one fsync. When the disk fails, reads go on, and every write is refused until the store
    is opened again: what the failed write left behind is only known then.
    """

    reads_are_local = True

    def __init__(self, folder: Path, *, journal_bound: int = JOURNAL_BOUND) -> None:
        """Opens the folder, or makes it. ``StoreError`` when it is served already, or damaged.

        A checkpoint is made when the journal outgrows both the devices and ``journal_bound`` bytes.
        """
        self._closed = False
        self._failure: str | None = None
        self._checkpoint: threading.Thread | None = None
        self._least_bound = journal_bound
        with _told(f"the shelve store {folder} cannot be opened"):
            self._folder = _Folder(folder)
            try:
                self._load()
            except BaseException:
                self._folder.close()
                raise
        self._commits = GroupCommit(self._begin)

    def get(self, identifier: str) -> StoredDevice | None:
        """The device, or None."""
        return self._devices.get(identifier)

    def get_many(self, identifiers: Collection[str]) -> dict[str, StoredDevice]:
        """Those of the devices that exist, by identifier."""
        return self._devices.get_many(identifiers)

    def find(self, query: DeviceQuery) -> list[StoredDevice]:
        """The devices that the query asks for, in the order of their identifiers."""
        return self._devices.find(query)

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies all changes or none, durably."""
        self.ping()
        prepared = [_Prepared.of(change) for change in changes]
        if prepared:
            self._commits.run(lambda group: group.add(prepared))

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
        texts = self._folder.read_shelf(self._shelf)
        self._number = self._folder.replay(self._shelf, texts)
        self._folder.remove_all_but(self._shelf)
        self._devices = _Devices(texts)
        self._bound = max(self._least_bound, _size(texts))
        self._journal = _Journal(self._folder.journal(self._number))
        # A journal that another follows belongs to a checkpoint that a crash cut short.
        if self._number != self._shelf or self._journal.size > self._bound:
            self._start_checkpoint()

    @contextmanager
    def _begin(self) -> Iterator[_Group]:
        self._check_disk()
        group = _Group(self._devices)
        yield group
        if group.entries:
            self._write(group.texts())
            self._devices.update(group.entries)
            if self._journal.size > self._bound and not self._checkpointing():
                self._start_checkpoint()

    def _write(self, texts: Mapping[str, str | None]) -> None:
        try:
            self._journal.append(_line(texts))
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
        texts = self._devices.texts()
        self._bound = max(self._least_bound, _size(texts))
        try:
            number = self._next_journal()
            self._checkpoint = threading.Thread(
                target=self._make_checkpoint, args=(number, texts), name="checkpoint", daemon=True
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

    def _make_checkpoint(self, number: int, texts: Mapping[str, str]) -> None:
        try:
            self._folder.write_shelf(number, texts)
            self._folder.set_current(number)
            self._shelf = number
            self._folder.remove_all_but(number)
        except Exception:
            _log.exception(_CHECKPOINT_FAILED)


class _Entry(NamedTuple):
    """A device in memory, and its values of ``FILTERS`` in their order."""

    stored: StoredDevice
    values: tuple[str | None, ...]

    @classmethod
    def of(cls, document: Mapping[str, str | None], stored: StoredDevice) -> _Entry:
        return cls(stored, tuple(document.get(member) for member in FILTERS))

    @classmethod
    def from_text(cls, identifier: str, text: str) -> _Entry:
        """The device of which only the text is kept. ``StoreError`` when that is damaged."""
        try:
            document = json.loads(text)
            stored = StoredDevice(identifier, document["revision"], entity_tag(text), text)
        except (ValueError, LookupError, TypeError) as exc:
            raise StoreError(f"the stored text of {identifier!r} is damaged") from exc
        return cls.of(document, stored)


class _Prepared(NamedTuple):
    """A change with all that can be computed before it is its turn."""

    identifier: str
    expected: int | None
    entry: _Entry | None

    @classmethod
    def of(cls, change: Change) -> _Prepared:
        if change.document is not None:
            entry = _Entry.of(change.document, store_form(change.document))
            return cls(change.identifier, change.expected, entry)
        if change.expected is None:
            raise ValueError("a change that expects no device has to bring one")
        return cls(change.identifier, change.expected, None)


class _Group:
    """The batches of one commit. Each sees the ones before it, and is taken whole or not at all."""

    def __init__(self, devices: _Devices) -> None:
        self._devices = devices
        self.entries: dict[str, _Entry | None] = {}

    def add(self, batch: Sequence[_Prepared]) -> None:
        """Takes the batch, or raises ``ChangeConflict``."""
        for change in batch:
            if self._revision(change.identifier) != change.expected:
                raise ChangeConflict(change.identifier)
        self.entries.update((change.identifier, change.entry) for change in batch)

    def texts(self) -> dict[str, str | None]:
        """What becomes of which device, as it is written down."""
        entries = self.entries.items()
        return {identifier: entry and entry.stored.body for identifier, entry in entries}

    def _revision(self, identifier: str) -> int | None:
        if identifier in self.entries:
            entry = self.entries[identifier]
            return entry.stored.revision if entry else None
        stored = self._devices.get(identifier)
        return stored.revision if stored else None


class _Devices:
    """The devices in memory. No reader ever sees a part of an update."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._entries: dict[str, _Entry | None] = {}
        self._order: defaultdict[tuple[str, str], _Sorted] = defaultdict(_Sorted)
        self._lock = threading.Lock()
        self.update({key: _Entry.from_text(key, text) for key, text in texts.items()})

    def get(self, identifier: str) -> StoredDevice | None:
        # Without the lock, as the event loop may not wait: ``update`` changes all entries at once.
        entry = self._entries.get(identifier)
        return entry.stored if entry else None

    def get_many(self, identifiers: Collection[str]) -> dict[str, StoredDevice]:
        with self._lock:
            entries = [self._entries.get(identifier) for identifier in identifiers]
        return {entry.stored.identifier: entry.stored for entry in entries if entry}

    def find(self, query: DeviceQuery) -> list[StoredDevice]:
        wanted = [(FILTERS.index(m), frozenset(values)) for m, values in query.filters.items()]
        with self._lock:
            found = (
                entry.stored
                for identifier in self._candidates(query)
                if (entry := self._entries[identifier])
                and all(entry.values[place] in values for place, values in wanted)
            )
            return list(itertools.islice(found, query.limit))

    def texts(self) -> dict[str, str]:
        with self._lock:
            return {key: entry.stored.body for key, entry in self._entries.items() if entry}

    def update(self, entries: Mapping[str, _Entry | None]) -> None:
        """Makes the devices so; None: there is none."""
        with self._lock:
            self._reorder(entries)
            # Atomic, as the FAQ of Python promises; so a deletion is a None before it is a gap.
            self._entries.update(entries)
            for identifier, entry in entries.items():
                if entry is None:
                    del self._entries[identifier]

    def _candidates(self, query: DeviceQuery) -> Iterable[str]:
        """The fewest identifiers, in order, that hold all that the query asks for."""
        choices = [[self._order[_EVERY]]]
        for member, values in query.filters.items():
            keys = [(member, value) for value in set(values)]
            choices.append([self._order[key] for key in keys if key in self._order])
        fewest = min(choices, key=lambda choice: sum(map(len, choice)))
        return merge(*(identifiers.after(query.after) for identifiers in fewest))

    def _reorder(self, entries: Mapping[str, _Entry | None]) -> None:
        added, removed = defaultdict(list), defaultdict(list)
        for identifier, entry in entries.items():
            before, now = _keys(self._entries.get(identifier)), _keys(entry)
            for key in now - before:
                added[key].append(identifier)
            for key in before - now:
                removed[key].append(identifier)
        for key in removed:
            self._order[key].remove(removed[key])
        for key in added:
            self._order[key].add(added[key])
        for key in removed:
            if not self._order[key]:
                del self._order[key]


def _keys(entry: _Entry | None) -> set[tuple[str, str]]:
    if entry is None:
        return set()
    pairs = zip(FILTERS, entry.values, strict=True)
    return {(member, value) for member, value in pairs if value is not None} | {_EVERY}


class _Sorted:
    """Identifiers in the order of their code points."""

    def __init__(self) -> None:
        self._identifiers: list[str] = []

    def __len__(self) -> int:
        return len(self._identifiers)

    def add(self, identifiers: Sequence[str]) -> None:
        if len(identifiers) > _FEW:
            self._identifiers.extend(identifiers)
            self._identifiers.sort()
            return
        for identifier in identifiers:
            bisect.insort(self._identifiers, identifier)

    def remove(self, identifiers: Sequence[str]) -> None:
        if len(identifiers) > _FEW:
            gone = set(identifiers)
            self._identifiers = [one for one in self._identifiers if one not in gone]
            return
        for identifier in identifiers:
            del self._identifiers[bisect.bisect_left(self._identifiers, identifier)]

    def after(self, identifier: str) -> Iterator[str]:
        start = bisect.bisect_right(self._identifiers, identifier)
        return (self._identifiers[place] for place in range(start, len(self._identifiers)))


class _Folder:
    """The files of a store. What a method has written survives a power loss when it returns."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync_folder(path.parent)
        self._path = path
        self._lock = _open_private(path / "LOCK", os.O_RDWR)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            os.close(self._lock)
            raise StoreError(
                f"{path} is in use already, and the shelve store serves one process only:"
                " stop the other one, or set DATABASE_URL to a SQL database"
            ) from exc

    def close(self) -> None:
        """Lets another process have the folder."""
        os.close(self._lock)

    def journal(self, number: int) -> Path:
        return self._path / f"{number}.journal"

    def current(self) -> int:
        """The number of the shelf that counts. A new folder gets number 0, which has no files."""
        file = self._path / "CURRENT"
        try:
            text = file.read_text("ascii", errors="replace").strip()
        except FileNotFoundError:
            self._found()
            return 0
        if not text.isdecimal():
            raise StoreError(f"{file} is damaged: it does not hold a number")
        return int(text)

    def _found(self) -> None:
        self._check_new()
        self._replace(self.journal(0), b"")
        self.set_current(0)

    def _check_new(self) -> None:
        """``StoreError`` when there are files that are not from founding a store."""
        for file in self._path.iterdir():
            empty_journal = file == self.journal(0) and not file.stat().st_size
            if file.name != "LOCK" and file.suffix != ".new" and not empty_journal:
                raise StoreError(
                    f"{self._path} holds {file.name}, but no file CURRENT:"
                    " it is no shelve store, or a damaged one"
                )

    def set_current(self, number: int) -> None:
        """Switches to another shelf, at once or not at all."""
        self._replace(self._path / "CURRENT", b"%d\n" % number)

    def new_journal(self, number: int) -> _Journal:
        self._replace(self.journal(number), b"")
        return _Journal(self.journal(number))

    def read_shelf(self, number: int) -> dict[str, str]:
        if number == 0:
            return {}
        path = self._path / str(number) / _SHELF
        try:
            with _open_shelf(path, "r") as shelf:
                return dict(shelf)
        except Exception as exc:  # a damaged pickle may raise anything
            raise StoreError(f"the shelf {path} cannot be read: {exc!r}") from exc

    def write_shelf(self, number: int, texts: Mapping[str, str]) -> None:
        folder = self._path / str(number)
        try:
            folder.mkdir(mode=0o700)
            with _open_shelf(folder / _SHELF, "n") as shelf:
                shelf.update(texts)
            for file in folder.iterdir():
                _sync_file(file)
            _sync_folder(folder)
            _sync_folder(self._path)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def replay(self, shelf: int, texts: dict[str, str]) -> int:
        """Brings what the shelf holds up to date; the number of the journal to go on with.

        The last line may end early, or not match its checksum: it was being written when the crash
        came, so nobody was told that it is durable. Any other is damage, a ``StoreError``.
        """
        numbers = self._journals(shelf)
        last = max((n for n in numbers if self.journal(n).stat().st_size), default=shelf)
        for number in numbers:
            whole = _replay(self.journal(number), texts, last=number == last)
            if number == last:
                # Written anew, not cut: after an fsync that failed, the pages that were just read
                # may be in memory only, and a second fsync would not tell.
                self._replace(self.journal(last), whole)
        return numbers[-1]

    def remove_all_but(self, shelf: int) -> None:
        """Removes what is older than the shelf, and what is left of one that was not finished."""
        for number, folder in self._numbered("").items():
            if number != shelf:
                shutil.rmtree(folder)
        for number, file in self._numbered(".journal").items():
            if number < shelf:
                file.unlink()
        for file in self._path.glob("*.new"):
            file.unlink()

    def _journals(self, shelf: int) -> list[int]:
        """The numbers of the journals since the shelf, without a gap."""
        numbers = self._numbered(".journal")
        newest = max([shelf, *numbers])
        for number in range(shelf, newest + 1):
            if number not in numbers:
                raise StoreError(f"{self.journal(number)} is missing: restore it from a backup")
        return list(range(shelf, newest + 1))

    def _numbered(self, suffix: str) -> dict[int, Path]:
        files = self._path.iterdir()
        return {int(f.stem): f for f in files if f.suffix == suffix and f.stem.isdecimal()}

    def _replace(self, file: Path, content: bytes) -> None:
        """Gives the file this content, at once or not at all."""
        new = file.with_name(f"{file.name}.new")
        _write_file(new, content)
        new.replace(file)
        _sync_folder(self._path)


class _Journal:
    """A file that only grows."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.size = file.stat().st_size
        self._handle = os.open(file, os.O_WRONLY | os.O_APPEND)

    def append(self, line: bytes) -> None:
        """Writes the line; it is durable when this returns."""
        _write(self._handle, line)
        _sync(self._handle)
        self.size += len(line)

    def close(self) -> None:
        os.close(self._handle)


def _line(texts: Mapping[str, str | None]) -> bytes:
    """One commit as a line of the journal.

    All of a commit is one line, so that only the last line can be torn: a power loss may keep any
    pages of what was not synced yet, also later ones without earlier ones.
    """
    content = to_json(texts).encode()
    return b"%s %s\n" % (_checksum(content), content)


def _parsed(line: bytes) -> dict[str, str | None] | None:
    """What ``_line`` was given; None when the line is not whole."""
    checksum, _, content = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != _checksum(content):
        return None
    return json.loads(content)  # type: ignore[no-any-return]


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).hexdigest().encode()


def _replay(file: Path, texts: dict[str, str], *, last: bool) -> bytes:
    """Applies the journal to ``texts``; that of it which is whole."""
    content = file.read_bytes()
    whole = 0
    for number, line in enumerate(io.BytesIO(content), 1):
        changed = _parsed(line)
        if changed is None:
            if not last or whole + len(line) < len(content):
                raise StoreError(f"{file}, line {number} is damaged: restore it from a backup")
            _log.warning("%s: dropped line %d, which a crash left unfinished", file, number)
            break
        _apply(texts, changed)
        whole += len(line)
    return content[:whole]


def _apply(texts: dict[str, str], changed: Mapping[str, str | None]) -> None:
    for identifier, text in changed.items():
        if text is None:
            texts.pop(identifier, None)
        else:
            texts[identifier] = text


def _size(texts: Mapping[str, str]) -> int:
    return sum(map(len, texts.values()))


def _open_shelf(file: Path, flag: Literal["r", "n"]) -> shelve.Shelf[str]:
    # The caller closes it, by closing the shelf.
    database = dbm.dumb.open(str(file), flag, 0o600)  # noqa: SIM115
    return shelve.Shelf(cast("MutableMapping[bytes, bytes]", database))


def _open_private(file: Path, flags: int) -> int:
    return os.open(file, flags | os.O_CREAT, 0o600)


def _write_file(file: Path, content: bytes) -> None:
    handle = _open_private(file, os.O_WRONLY | os.O_TRUNC)
    try:
        _write(handle, content)
        _sync(handle)
    finally:
        os.close(handle)


def _write(handle: int, content: bytes) -> None:
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _sync_file(file: Path) -> None:
    handle = os.open(file, os.O_RDONLY)
    try:
        _sync(handle)
    finally:
        os.close(handle)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync(handle: int) -> None:
    if sys.platform == "darwin":
        # fsync hands the data to the drive there, which may still lose them.
        fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(handle)


@contextmanager
def _told(what: str) -> Iterator[None]:
    """No error of the operating system crosses the port."""
    try:
        yield
    except OSError as exc:
        raise StoreError(f"{what}: {exc}") from exc
