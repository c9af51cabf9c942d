"""Writers that wait at the same time share a transaction."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from inventory.domain.store import StoreError
from inventory.stores.group_commit import GroupCommit

PATIENCE = 30  # seconds until what never happens is a failure


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)  # between looks at the condition


class Log:
    """Stands for a database: a transaction is a list that is kept when it ends well."""

    def __init__(self) -> None:
        self.committed: list[list[str]] = []
        self.begins = threading.Event()
        self.may_begin = threading.Event()
        self.may_begin.set()
        self.fails = False

    @contextmanager
    def begin(self) -> Iterator[list[str]]:
        self.begins.set()
        self.may_begin.wait()
        entries: list[str] = []
        yield entries
        if self.fails:
            raise OSError("no space left")
        self.committed.append(entries)


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def commits(log: Log) -> Iterator[GroupCommit]:
    commits = GroupCommit(log.begin)
    yield commits
    log.may_begin.set()
    commits.close()


def test_work_is_committed_when_run_returns(log: Log, commits: GroupCommit) -> None:
    commits.run(lambda entries: entries.append("a"))

    assert log.committed == [["a"]]


def test_those_who_wait_share_a_transaction(log: Log, commits: GroupCommit) -> None:
    log.may_begin.clear()

    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(commits.run, lambda entries: entries.append("0"))]
        # The first must have its transaction, or it would share it with those that come next.
        assert log.begins.wait(PATIENCE)
        waiting += [
            pool.submit(commits.run, lambda entries, n=n: entries.append(str(n)))
            for n in range(1, 8)
        ]
        wait_until(lambda: commits._queue.qsize() == 7)
        log.may_begin.set()
        for each in waiting:
            each.result()

    assert len(log.committed) == 2
    assert sorted(entry for group in log.committed for entry in group) == list("01234567")


def test_work_that_fails_fails_alone(log: Log, commits: GroupCommit) -> None:
    def failing(_entries: list[str]) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        commits.run(failing)
    commits.run(lambda entries: entries.append("a"))

    assert log.committed[-1] == ["a"]


def test_nobody_is_told_yes_when_the_commit_fails(log: Log, commits: GroupCommit) -> None:
    log.fails = True

    with pytest.raises(OSError, match="no space"):
        commits.run(lambda entries: entries.append("a"))

    assert log.committed == []


def test_closing_commits_what_waits(log: Log, commits: GroupCommit) -> None:
    log.may_begin.clear()
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(commits.run, lambda entries: entries.append("a"))
        assert log.begins.wait(PATIENCE)
        second = pool.submit(commits.run, lambda entries: entries.append("b"))
        wait_until(lambda: commits._queue.qsize() == 1)
        closing = pool.submit(commits.close)
        log.may_begin.set()
        for each in (first, second, closing):
            each.result(PATIENCE)

    assert log.committed == [["a"], ["b"]]


def test_work_that_comes_after_closing_is_refused(log: Log, commits: GroupCommit) -> None:
    commits.close()

    with pytest.raises(StoreError, match="closed"):
        commits.run(lambda entries: entries.append("a"))
    commits.close()

    assert log.committed == []
