"""What the shelve store acknowledged is there after ``kill -9``, at whatever moment it came."""

import os
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import inventory
from inventory.domain.store import StoreError
from inventory.stores.conformance import found
from inventory.stores.shelve_store import ShelveStore

ROUNDS = 6
WRITERS = 4
PATIENCE = 60  # seconds until a writer that says nothing is a failure
NEVER, ALWAYS = 2**40, 1  # bounds of the journal

# Each thread creates devices, and deletes every third again; it tells of each once it is durable.
WRITER = """
import itertools, os, sys, threading
from pathlib import Path
from inventory.stores.conformance import an_entry, insert, remove
from inventory.stores.shelve_store import ShelveStore

folder, bound, round, writers = Path(sys.argv[1]), *map(int, sys.argv[2:])
store = ShelveStore(folder, journal_bound=bound)

def tell(what, identifier):
    os.write(1, f"{what} {identifier}\\n".encode())

def write(thread):
    for number in itertools.count():
        identifier = f"{round}-{thread}-{number}"
        insert(store, an_entry(identifier))
        tell("created", identifier)
        if number % 3 == 0:
            tell("deletes", identifier)
            remove(store, identifier)
            tell("deleted", identifier)

for thread in range(writers):
    threading.Thread(target=write, args=(thread,)).start()
"""


class Acknowledged:
    """What the writers have told, of all rounds."""

    def __init__(self) -> None:
        self._last: dict[str, str] = {}

    def hear(self, line: str) -> None:
        what, identifier = line.split()
        self._last[identifier] = what

    def told(self, what: str) -> set[str]:
        return {identifier for identifier, last in self._last.items() if last == what}


@contextmanager
def a_writer(folder: Path, bound: int, number: int) -> Iterator[subprocess.Popen[str]]:
    """A process that writes until it is killed, which it is at the end at the latest."""
    command = [sys.executable, "-c", WRITER, *map(str, (folder, bound, number, WRITERS))]
    source = str(Path(inventory.__file__).parents[1])
    writer = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": source}
    )
    stuck = threading.Timer(PATIENCE, writer.kill)
    stuck.start()
    try:
        yield writer
    finally:
        stuck.cancel()
        writer.kill()
        writer.communicate()


def hear(writer: subprocess.Popen[str], acknowledged: Acknowledged, *, times: int) -> None:
    assert writer.stdout is not None
    for _ in range(times):
        line = writer.stdout.readline()
        assert line, "the writer ended by itself"
        acknowledged.hear(line)


def kill(writer: subprocess.Popen[str], acknowledged: Acknowledged) -> None:
    """Kills it, and hears what it told until then."""
    writer.kill()
    assert writer.stdout is not None
    for line in writer.stdout:
        if line.endswith("\n"):
            acknowledged.hear(line)
    assert writer.wait() == -9


def check(folder: Path, acknowledged: Acknowledged) -> None:
    store = ShelveStore(folder)
    there = set(found(store))
    texts = [stored.body for stored in store.get_many("devices", there).values()]
    store.close()
    assert acknowledged.told("created") - there == set()
    assert acknowledged.told("deleted") & there == set()
    assert len(texts) == len(there)


@pytest.mark.parametrize("bound", [NEVER, ALWAYS])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_acknowledged_survives_kill_9(tmp_path: Path, seed: int, bound: int) -> None:
    chance, folder, acknowledged = random.Random(seed), tmp_path / "store", Acknowledged()

    for number in range(ROUNDS):
        with a_writer(folder, bound, number) as writer:
            hear(writer, acknowledged, times=chance.randrange(1, 800))
            kill(writer, acknowledged)
        check(folder, acknowledged)

    assert len(acknowledged.told("created")) > ROUNDS


def test_what_was_acknowledged_survives_kill_9_in_a_checkpoint(tmp_path: Path) -> None:
    folder, acknowledged = tmp_path / "store", Acknowledged()
    cut_short = 0

    for number in range(10 * ROUNDS):
        with a_writer(folder, ALWAYS, number) as writer:
            hear(writer, acknowledged, times=200)
            while not is_writing_a_shelf(folder):
                hear(writer, acknowledged, times=1)
            kill(writer, acknowledged)
        cut_short += is_writing_a_shelf(folder)
        check(folder, acknowledged)
        if cut_short == ROUNDS // 2:
            return

    pytest.fail("hardly a checkpoint was cut short")


def is_writing_a_shelf(folder: Path) -> bool:
    current = int((folder / "CURRENT").read_text())
    return any((folder / str(number)).exists() for number in range(current + 1, current + 3))


def test_a_folder_is_refused_while_another_process_serves_it_and_free_after_kill_9(
    tmp_path: Path,
) -> None:
    folder, acknowledged = tmp_path / "store", Acknowledged()

    with a_writer(folder, NEVER, 0) as writer:
        hear(writer, acknowledged, times=1)
        with pytest.raises(StoreError, match="one process only"):
            ShelveStore(folder)
        kill(writer, acknowledged)

    check(folder, acknowledged)
