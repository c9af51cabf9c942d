"""The shelve store: the port's conformance suite, and what its files and its disk can do to it."""

import errno
import os
import re
import shelve
import shutil
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inventory.domain.store import ChangeQuery, Query, Reply, Store, StoreError, Transaction
from inventory.stores.conformance import (
    NOW,
    Reopen,
    StoreConformance,
    a_change,
    an_entry,
    found,
    insert,
    put,
    record,
    remove,
)
from inventory.stores.conformance_machine import store_machine
from inventory.stores.shelve_store import ShelveStore

PATIENCE = 30  # seconds until what never happens is a failure
ALWAYS = 1  # a bound that any journal outgrows, as long as the devices are few


class ShelveConformance(StoreConformance):
    bound: int

    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[list[Store]]:
        opened: list[Store] = [self.open(tmp_path)]
        yield opened
        opened[-1].close()

    @pytest.fixture
    def store(self, opened: list[Store]) -> Store:
        return opened[0]

    @pytest.fixture
    def reopen(self, opened: list[Store], tmp_path: Path) -> Reopen:
        def reopen() -> Store:
            opened[-1].close()
            opened.append(self.open(tmp_path))
            return opened[-1]

        return reopen

    def open(self, tmp_path: Path) -> Store:
        return ShelveStore(tmp_path / "store", journal_bound=self.bound)


class TestShelveStore(ShelveConformance):
    bound = 2**40


class TestShelveStoreThatAlwaysMakesCheckpoints(ShelveConformance):
    bound = ALWAYS


TestAnyHistory = store_machine(ShelveStore).TestCase
TestAnyHistoryOfCheckpoints = store_machine(partial(ShelveStore, journal_bound=ALWAYS)).TestCase


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def store(folder: Path) -> Iterator[ShelveStore]:
    store = ShelveStore(folder)
    yield store
    store.close()


@contextmanager
def crashed(folder: Path) -> Iterator[Path]:
    """The files as a crash at this moment would leave them: a store may be open on ``folder``."""
    copy = folder.with_name("crashed")
    shutil.copytree(folder, copy)
    yield copy
    shutil.rmtree(copy)


def what_is_found(folder: Path) -> list[str]:
    store = ShelveStore(folder)
    try:
        return found(store)
    finally:
        store.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.001)


def no_checkpoint_is_made() -> bool:
    return all(thread.name != "checkpoint" for thread in threading.enumerate())


def failing(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


# What is acknowledged survives


def test_what_was_acknowledged_survives_a_crash(store: ShelveStore, folder: Path) -> None:
    insert(store, an_entry("lamp"), an_entry("plug"), an_entry("lock"))
    new = an_entry("lamp", name="new", revision=2)

    def work(transaction: Transaction) -> int:
        transaction.replace("devices", new)
        transaction.remove("devices", "plug")
        return transaction.record(a_change("lamp"))

    sequence = store.write(work)

    with crashed(folder) as copy:
        survivor = ShelveStore(copy)

        assert survivor.get("devices", "lamp") == new.stored
        assert [change.sequence for change in survivor.changes(ChangeQuery())] == [sequence]
        assert found(survivor) == ["lamp", "lock"]
        survivor.close()


STEPS = ("mkdir", "rmdir", "unlink", "rename", "replace", "fsync", "fdatasync")


def test_a_crash_before_any_step_on_the_disk_loses_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = History(folder)
    with monkeypatch.context() as disk:
        for step in STEPS:
            disk.setattr(os, step, history.crash_before(getattr(os, step)))
        for name in ("a", "b"):
            store = ShelveStore(folder)
            for number in range(2):
                history.insert(store, f"{name}{number}")
            store.close()

    assert len(history.crashes) > 20
    for copy, acknowledged, sent in history.crashes:
        survivors = set(what_is_found(copy))
        assert acknowledged <= survivors <= sent


class History:
    """What a crash would have left at each moment, and what was acknowledged and sent by then."""

    def __init__(self, folder: Path) -> None:
        self.crashes: list[tuple[Path, set[str], set[str]]] = []
        self._folder = folder
        self._acknowledged: set[str] = set()
        self._sent: set[str] = set()
        self._copying = False

    def insert(self, store: ShelveStore, identifier: str) -> None:
        self._sent.add(identifier)
        insert(store, an_entry(identifier))
        self._acknowledged.add(identifier)

    def crash_before(self, step: Callable[..., None]) -> Callable[..., None]:
        def crashing(*args: object, **options: object) -> None:
            if self._folder.exists() and not self._copying:
                self._crash()
            step(*args, **options)

        return crashing

    def _crash(self) -> None:
        self._copying = True
        copy = self._folder.with_name(f"crash-{len(self.crashes)}")
        shutil.copytree(self._folder, copy)
        self.crashes.append((copy, set(self._acknowledged), set(self._sent)))
        self._copying = False


def test_nothing_is_acknowledged_or_seen_before_it_is_synced(
    store: ShelveStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert(store, an_entry("lamp"))
    syncing, go_on = threading.Event(), threading.Event()

    def wait(_: int) -> None:
        syncing.set()
        go_on.wait(PATIENCE)

    monkeypatch.setattr(os, "fdatasync", wait)

    with ThreadPoolExecutor() as pool:
        writing = pool.submit(insert, store, an_entry("plug"))
        assert syncing.wait(PATIENCE)
        assert not writing.done()
        assert found(store) == ["lamp"]
        assert store.get("devices", "plug") is None
        assert store.count("devices", Query()) == 1
        go_on.set()
        writing.result(PATIENCE)

    assert found(store) == ["lamp", "plug"]


def test_writers_that_wait_share_an_fsync(
    store: ShelveStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    sync = os.fdatasync

    def count(handle: int) -> None:
        syncs.append(handle)
        sync(handle)

    monkeypatch.setattr(os, "fdatasync", count)
    threads, times = 8, 50

    def write(thread: int) -> None:
        for number in range(times):
            insert(store, an_entry(f"d{thread}-{number}"))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))

    assert len(found(store)) == threads * times
    assert len(syncs) < threads * times
    with crashed(folder) as copy:
        assert what_is_found(copy) == found(store)


# The journal's end, and its damages


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal of three lines: a and b; c; b deleted."""
    folder = tmp_path_factory.mktemp("journal") / "store"
    store = ShelveStore(folder)
    insert(store, an_entry("a", name="Lamp"), an_entry("b", name="🏠"))
    insert(store, an_entry("c", name="Lamp"))
    remove(store, "b")
    content = (folder / "0.journal").read_bytes()
    store.close()
    assert content.count(b"\n") == 3
    return content


STATES: tuple[list[str], ...] = ([], ["a", "b"], ["a", "b", "c"], ["a", "c"])


def a_store_with(journal: bytes, folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    ShelveStore(folder).close()
    (folder / "0.journal").write_bytes(journal)
    return folder


@settings(deadline=None, max_examples=150)
@given(data=st.data())
def test_a_journal_cut_anywhere_holds_its_whole_lines(
    data: st.DataObject, journal: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ends = [at for at, byte in enumerate(journal, 1) if byte == ord("\n")]
    near_ends = [end + by for end in ends for by in (-2, -1, 0, 1) if end + by <= len(journal)]
    cut = data.draw(st.sampled_from(near_ends) | st.integers(0, len(journal)))
    folder = a_store_with(journal[:cut], tmp_path_factory.getbasetemp() / "cut")

    whole = journal[:cut].count(b"\n")
    assert what_is_found(folder) == STATES[whole]


@pytest.mark.parametrize("torn", [b"0", b"0123456789abcdef {", b"\x00" * 4096, b"\n", b"0 {}\n"])
def test_a_torn_last_line_is_dropped_and_writing_goes_on_after_it(
    journal: bytes, folder: Path, torn: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    a_store_with(journal + torn, folder)

    store = ShelveStore(folder)
    assert found(store) == ["a", "c"]
    insert(store, an_entry("d"))
    with crashed(folder) as copy:
        assert what_is_found(copy) == ["a", "c", "d"]
    store.close()

    assert "0.journal: dropped line 4" in caplog.text


def test_a_last_line_that_does_not_match_its_checksum_is_dropped(
    journal: bytes, folder: Path
) -> None:
    lines = journal.splitlines(keepends=True)
    a_store_with(lines[0] + lines[1].replace(b"Lamp", b"Lump"), folder)

    assert what_is_found(folder) == ["a", "b"]


@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("damage", [b"\x00", b"", b"\n"])
def test_a_damaged_line_before_the_last_is_an_error_that_names_it(
    journal: bytes, folder: Path, line: int, damage: bytes
) -> None:
    lines = journal.splitlines(keepends=True)
    lines[line - 1] = lines[line - 1].replace(b"m", damage, 1)
    damaged = b"".join(lines)
    a_store_with(damaged, folder)

    with pytest.raises(StoreError, match=rf"0\.journal, line {line} is damaged"):
        ShelveStore(folder)

    assert (folder / "0.journal").read_bytes() == damaged


def test_a_torn_line_is_damage_when_a_later_journal_was_begun(journal: bytes, folder: Path) -> None:
    a_store_with(journal[:-1], folder)
    (folder / "1.journal").write_bytes(journal.splitlines(keepends=True)[0])

    with pytest.raises(StoreError, match=r"0\.journal, line 3 is damaged"):
        ShelveStore(folder)


def test_a_torn_line_is_dropped_when_the_next_journal_is_still_empty(
    journal: bytes, folder: Path
) -> None:
    a_store_with(journal[:-1], folder)
    (folder / "1.journal").touch()

    assert what_is_found(folder) == what_is_found(folder) == ["a", "b", "c"]


def test_a_missing_journal_is_an_error_that_names_it(journal: bytes, folder: Path) -> None:
    a_store_with(journal, folder)
    (folder / "1.journal").write_bytes(b"")
    (folder / "0.journal").unlink()

    with pytest.raises(StoreError, match=r"0\.journal is missing"):
        ShelveStore(folder)


def test_a_folder_that_lost_its_current_file_is_refused_and_left_alone(
    journal: bytes, folder: Path
) -> None:
    a_store_with(journal, folder)
    (folder / "CURRENT").unlink()

    with pytest.raises(StoreError, match="CURRENT"):
        ShelveStore(folder)

    assert (folder / "0.journal").read_bytes() == journal


@pytest.mark.parametrize("content", [b"", b"seven\n", b"\xff", b"-1"])
def test_a_damaged_current_file_is_an_error_that_names_it(folder: Path, content: bytes) -> None:
    ShelveStore(folder).close()
    (folder / "CURRENT").write_bytes(content)

    with pytest.raises(StoreError, match="CURRENT is damaged"):
        ShelveStore(folder)


def test_a_folder_of_other_files_is_refused_and_left_alone(folder: Path) -> None:
    folder.mkdir()
    (folder / "letter.txt").write_text("Dear")

    with pytest.raises(StoreError, match=r"letter\.txt"):
        ShelveStore(folder)

    assert (folder / "letter.txt").read_text() == "Dear"


def test_a_folder_that_a_crash_left_half_founded_is_opened(folder: Path) -> None:
    folder.mkdir()
    for name in ("LOCK", "0.journal", "CURRENT.new"):
        (folder / name).touch()

    assert what_is_found(folder) == []


def test_a_path_that_is_no_folder_is_a_store_error(folder: Path) -> None:
    folder.write_text("a file")

    with pytest.raises(StoreError, match="store"):
        ShelveStore(folder)


# One process


def test_a_folder_that_is_served_is_refused(store: ShelveStore, folder: Path) -> None:
    with pytest.raises(StoreError, match="one process only: stop the other one"):
        ShelveStore(folder)

    insert(store, an_entry("lamp"))
    assert found(store) == ["lamp"]


def test_a_folder_whose_opening_failed_can_be_opened_once_repaired(
    journal: bytes, folder: Path
) -> None:
    a_store_with(b"damaged\n" + journal, folder)
    with pytest.raises(StoreError, match="line 1"):
        ShelveStore(folder)

    (folder / "0.journal").write_bytes(journal)

    assert what_is_found(folder) == ["a", "c"]


def test_a_closed_store_refuses_to_serve(folder: Path) -> None:
    store = ShelveStore(folder)
    store.close()
    store.close()

    with pytest.raises(StoreError, match="closed"):
        store.ping()
    with pytest.raises(StoreError, match="closed"):
        insert(store, an_entry("lamp"))


# The disk fails


def write_half(handle: int, content: bytes) -> int:
    """Writes as the last bytes of a full disk allow."""
    if len(content) < 2:
        failing()
    return os_write(handle, content[: len(content) // 2])


os_write = os.write


@pytest.mark.parametrize(
    ("call", "fails"), [("write", failing), ("write", write_half), ("fdatasync", failing)]
)
def test_a_write_that_fails_is_not_acknowledged_and_no_other_is_taken(
    store: ShelveStore,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    fails: Callable[..., int],
) -> None:
    insert(store, an_entry("lamp"))
    with monkeypatch.context() as disk:
        disk.setattr(os, call, fails)
        with pytest.raises(StoreError, match="No space left on device"):
            remove(store, "lamp")

    with pytest.raises(StoreError, match="start the service again"):
        insert(store, an_entry("plug"))
    with pytest.raises(StoreError, match="start the service again"):
        store.ping()
    assert store.get("devices", "lamp") == an_entry("lamp").stored
    assert found(store) == ["lamp"]


@pytest.mark.parametrize(("call", "fails"), [("write", failing), ("write", write_half)])
def test_a_store_is_reopened_after_a_full_disk_without_what_was_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, call: str, fails: Callable[..., int]
) -> None:
    store = ShelveStore(folder)
    insert(store, an_entry("lamp"))
    with monkeypatch.context() as disk:
        disk.setattr(os, call, fails)
        with pytest.raises(StoreError):
            insert(store, an_entry("plug"))
        store.close()

    reopened = ShelveStore(folder)

    assert found(reopened) == ["lamp"]
    insert(reopened, an_entry("plug"))
    assert found(reopened) == ["lamp", "plug"]
    reopened.close()


def test_what_is_replayed_is_written_and_synced_anew(
    journal: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # An fsync that failed may leave pages that are only in memory, and no second one writes them.
    a_store_with(journal, folder)
    before = (folder / "0.journal").stat().st_ino
    synced = record_syncs(monkeypatch)

    ShelveStore(folder)._folder.close()

    after = (folder / "0.journal").stat().st_ino
    assert after != before
    assert after in synced
    assert (folder / "0.journal").read_bytes() == journal


# Checkpoints


def record_syncs(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """The inodes of what is synced from now on."""
    synced: set[int] = set()

    def recording(sync: Callable[[int], None]) -> Callable[[int], None]:
        def record(handle: int) -> None:
            synced.add(os.fstat(handle).st_ino)
            sync(handle)

        return record

    monkeypatch.setattr(os, "fsync", recording(os.fsync))
    monkeypatch.setattr(os, "fdatasync", recording(os.fdatasync))
    return synced


def open_shelf(folder: Path) -> shelve.Shelf[Any]:
    """The shelf that counts, as the standard library opens it."""
    return shelve.open(str(folder / (folder / "CURRENT").read_text().strip() / "records"))


def test_a_closed_store_leaves_everything_on_a_plain_shelf(folder: Path) -> None:
    store = ShelveStore(folder)
    entries = {one: an_entry(one, name="🏠") for one in ("lamp", "plug")}
    insert(store, *entries.values())
    record(store, a_change())
    store.write(lambda transaction: transaction.add_part("job", 0, b"\xff"))
    store.write(lambda transaction: transaction.keep_reply(Reply("a", "k", "f", "1", "{}")))

    store.close()

    with open_shelf(folder) as shelf:
        bodies = {one: shelf[f'["entry","devices","{one}"]'][3] for one in entries}
        keys = set(shelf)
    assert bodies == {one: entry.stored.body for one, entry in entries.items()}
    assert len(keys) == len(entries) + 3
    assert keys > {'["change",1]', '["part","job",0]', '["reply","a","k"]'}
    current = (folder / "CURRENT").read_text().strip()
    assert (folder / f"{current}.journal").read_bytes() == b""
    assert sorted(file.name for file in folder.iterdir()) == sorted(
        ["LOCK", "CURRENT", current, f"{current}.journal"]
    )


def test_a_store_that_was_not_written_to_is_not_written_down_again(folder: Path) -> None:
    store = ShelveStore(folder)
    insert(store, an_entry("lamp"))
    store.close()
    current = (folder / "CURRENT").read_text()

    what_is_found(folder)

    assert (folder / "CURRENT").read_text() == current


def test_a_journal_that_outgrows_its_bound_is_folded_into_a_new_shelf(folder: Path) -> None:
    store = ShelveStore(folder, journal_bound=1000)
    for revision in range(1, 200):
        put(store, an_entry("lamp", revision=revision))

    wait_until(lambda: (folder / "CURRENT").read_text() != "0\n" and no_checkpoint_is_made())

    assert sum(file.stat().st_size for file in folder.glob("*.journal")) < 199 * 200
    store.close()
    assert what_is_found(folder) == ["lamp"]


@pytest.fixture
def slow_checkpoint(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, ...]]:
    """Says when a shelf is half written, and lets it be finished."""
    begun, go_on = threading.Event(), threading.Event()
    sync = shelve.Shelf.sync

    def wait(shelf: shelve.Shelf[Any]) -> None:
        begun.set()
        go_on.wait(PATIENCE)
        sync(shelf)

    monkeypatch.setattr(shelve.Shelf, "sync", wait)
    yield begun, go_on
    go_on.set()


def test_writes_go_on_while_a_checkpoint_is_made(
    folder: Path, slow_checkpoint: tuple[threading.Event, ...]
) -> None:
    begun, go_on = slow_checkpoint
    store = ShelveStore(folder, journal_bound=ALWAYS)
    insert(store, an_entry("before"))
    assert begun.wait(PATIENCE)

    insert(store, an_entry("meanwhile"))
    remove(store, "before")

    assert found(store) == ["meanwhile"]
    with crashed(folder) as copy:
        go_on.set()
        assert what_is_found(copy) == ["meanwhile"]
        assert what_is_found(copy) == ["meanwhile"]
    store.close()
    assert what_is_found(folder) == ["meanwhile"]


def test_a_shelf_counts_only_when_all_of_it_is_synced(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = ShelveStore(folder)
    insert(store, an_entry("lamp"))
    synced = record_syncs(monkeypatch)
    rename, unsynced = Path.replace, []

    def check(self: Path, target: Path) -> Path:
        if target.name == "CURRENT":
            shelf = folder / self.read_text().strip()
            parts = [folder, shelf, self, *shelf.iterdir()]
            unsynced.append([part.name for part in parts if part.stat().st_ino not in synced])
        return rename(self, target)

    monkeypatch.setattr(Path, "replace", check)
    store.close()

    assert unsynced == [[]]


def test_a_checkpoint_that_fails_loses_nothing_and_is_tried_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = ShelveStore(folder, journal_bound=ALWAYS)
    with monkeypatch.context() as disk:
        disk.setattr(shelve.Shelf, "__setitem__", failing)
        insert(store, an_entry("a"))
        wait_until(lambda: "checkpoint failed" in caplog.text)
        insert(store, an_entry("b"))
        wait_until(no_checkpoint_is_made)

    with crashed(folder) as copy:
        assert what_is_found(copy) == ["a", "b"]
    store.ping()
    store.close()
    assert (folder / "CURRENT").read_text() != "0\n"
    assert what_is_found(folder) == ["a", "b"]


@pytest.mark.parametrize("name", ["CURRENT.new", "1.journal.new"])
def test_a_checkpoint_whose_files_cannot_be_made_loses_nothing(
    folder: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    store = ShelveStore(folder, journal_bound=ALWAYS)
    (folder / name).mkdir()  # in the way of a file
    insert(store, an_entry("a"))
    wait_until(lambda: "checkpoint failed" in caplog.text)
    insert(store, an_entry("b"))
    (folder / name).rmdir()

    store.close()

    assert what_is_found(folder) == ["a", "b"]


def test_a_damaged_shelf_is_a_store_error(folder: Path) -> None:
    store = ShelveStore(folder)
    insert(store, an_entry("lamp"))
    store.close()
    current = (folder / "CURRENT").read_text().strip()
    (folder / current / "records.dat").write_bytes(b"\x00" * 1000)

    with pytest.raises(StoreError, match="cannot be read"):
        ShelveStore(folder)


RECORDS = (
    ('["entry","devices","lamp"]', "{"),
    ('["entry","devices","lamp"]', ["lamp", 1]),
    ('["entry","rockets","lamp"]', ["lamp", 1, "", "", "", "", {}, [], ""]),
    ('["grave","devices","u"]', [NOW]),
    ('["reply","alice","k"]', ["f"]),
    ('["part","job",0]', "*"),
    ('["change",1]', "[]"),
    ('["letter"]', "Dear"),
    ("lamp", "{}"),
)


@pytest.mark.parametrize(("key", "value"), RECORDS)
def test_a_record_on_the_shelf_that_is_none_is_a_store_error(
    folder: Path, key: str, value: Any
) -> None:
    store = ShelveStore(folder)
    insert(store, an_entry("lamp"))
    store.close()
    with open_shelf(folder) as shelf:
        shelf[key] = value

    with pytest.raises(StoreError, match=rf"{re.escape(key)} is damaged"):
        ShelveStore(folder)


# Who may read


def test_nobody_else_may_read_the_files(folder: Path) -> None:
    mask = os.umask(0)
    try:
        store = ShelveStore(folder)
        insert(store, an_entry("lamp"))
        store.close()
        store = ShelveStore(folder)
        insert(store, an_entry("plug"))
    finally:
        os.umask(mask)

    modes = {file: file.stat().st_mode for file in [folder, *folder.rglob("*")]}
    store.close()
    folders = {file for file, mode in modes.items() if stat.S_ISDIR(mode)}
    assert {folder.name for folder in folders} == {"store", "1"}
    assert {stat.S_IMODE(modes[folder]) for folder in folders} == {0o700}
    assert {stat.S_IMODE(mode) for file, mode in modes.items() if file not in folders} == {0o600}
