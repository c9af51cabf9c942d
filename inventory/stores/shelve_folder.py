"""The files of the shelve store: a shelf that is written whole, and the journals that follow it."""

from __future__ import annotations

import dbm.dumb
import fcntl
import hashlib
import io
import json
import logging
import os
import shelve
import shutil
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any, Literal, cast

from inventory.domain.resource import to_json
from inventory.domain.store import StoreError

_SHELF = "records"

_log = logging.getLogger(__name__)


class Folder:
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

    def new_journal(self, number: int) -> Journal:
        self._replace(self.journal(number), b"")
        return Journal(self.journal(number))

    def read_shelf(self, number: int) -> dict[str, Any]:
        if number == 0:
            return {}
        path = self._path / str(number) / _SHELF
        try:
            with _open_shelf(path, "r") as shelf:
                return dict(shelf)
        except Exception as exc:  # a damaged pickle may raise anything
            raise StoreError(f"the shelf {path} cannot be read: {exc!r}") from exc

    def write_shelf(self, number: int, records: Mapping[str, Any]) -> None:
        folder = self._path / str(number)
        try:
            folder.mkdir(mode=0o700)
            with _open_shelf(folder / _SHELF, "n") as shelf:
                shelf.update(records)
            for file in folder.iterdir():
                _sync_file(file)
            _sync_folder(folder)
            _sync_folder(self._path)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            raise

    def shelf_size(self, number: int) -> int:
        """The bytes of that shelf."""
        return sum(file.stat().st_size for file in (self._path / str(number)).glob("*"))

    def replay(self, shelf: int, records: dict[str, Any]) -> int:
        """Brings what the shelf holds up to date; the number of the journal to go on with.

        The last line may end early, or not match its checksum: it was being written when the crash
        came, so nobody was told that it is durable. Any other is damage, a ``StoreError``.
        """
        numbers = self._journals(shelf)
        last = max((n for n in numbers if self.journal(n).stat().st_size), default=shelf)
        for number in numbers:
            whole = _replay(self.journal(number), records, last=number == last)
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


class Journal:
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


def to_line(records: Mapping[str, Any]) -> bytes:
    """One commit as a line of the journal; None stands for a record that was removed.

    All of a commit is one line, so that only the last line can be torn: a power loss may keep any
    pages of what was not synced yet, also later ones without earlier ones.
    """
    content = to_json(records).encode()
    return b"%s %s\n" % (_checksum(content), content)


def _parsed(line: bytes) -> dict[str, Any] | None:
    """What ``to_line`` was given; None when the line is not whole."""
    checksum, _, content = line.removesuffix(b"\n").partition(b" ")
    if not line.endswith(b"\n") or checksum != _checksum(content):
        return None
    return json.loads(content)  # type: ignore[no-any-return]


def _checksum(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=8).hexdigest().encode()


def _replay(file: Path, records: dict[str, Any], *, last: bool) -> bytes:
    """Applies the journal to the records; that of it which is whole."""
    content = file.read_bytes()
    whole = 0
    for number, line in enumerate(io.BytesIO(content), 1):
        changed = _parsed(line)
        if changed is None:
            if not last or whole + len(line) < len(content):
                raise StoreError(f"{file}, line {number} is damaged: restore it from a backup")
            _log.warning("%s: dropped line %d, which a crash left unfinished", file, number)
            break
        _apply(records, changed)
        whole += len(line)
    return content[:whole]


def _apply(records: dict[str, Any], changed: Mapping[str, Any]) -> None:
    for key, value in changed.items():
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value


def _open_shelf(file: Path, flag: Literal["r", "n"]) -> shelve.Shelf[Any]:
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
