"""Group commit: writers that wait at the same time share one transaction, and so one fsync.

An acknowledged write must survive a power loss, which costs an fsync. One writer at a time would
pay it for each request; here a single thread applies whatever has gathered while the last
transaction was being committed.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar, cast

from inventory.domain.store import StoreError

MAX_GROUP = 64

T = TypeVar("T")
Work = Callable[[Any], Any]


class GroupCommit:
    """Runs pieces of work in shared transactions, on a thread of its own.

    ``begin`` opens a transaction and commits it on a clean exit. A piece of work that raises must
    have undone what it did in it: the others of its group are committed all the same.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Any]]) -> None:
        self._begin = begin
        self._queue: queue.SimpleQueue[tuple[Work, Future[Any]] | None] = queue.SimpleQueue()
        self._closed = False
        self._closing = threading.Lock()  # nothing may be put behind the queue's end
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def run(self, work: Callable[[Any], T]) -> T:
        """What the work returned, when it is committed; raises what it or the commit raised.

        ``StoreError`` after ``close``.
        """
        done: Future[Any] = Future()
        with self._closing:
            if self._closed:
                raise StoreError("the store is closed")
            self._queue.put((work, done))
        return cast(T, done.result())

    def close(self) -> None:
        """Commits what is waiting and ends the thread."""
        with self._closing:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            closing = self._gather(group)
            self._commit(group)
            if closing:
                return

    def _gather(self, group: list[tuple[Work, Future[Any]]]) -> bool:
        """Adds what else is waiting; says whether the end of the queue was among it."""
        while len(group) < MAX_GROUP:
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return False
            if waiting is None:
                return True
            group.append(waiting)
        return False

    def _commit(self, group: list[tuple[Work, Future[Any]]]) -> None:
        tell: list[Callable[[], None]] = []
        try:
            with self._begin() as transaction:
                tell += [_outcome(work, transaction, done) for work, done in group]
        except BaseException as exc:
            # Nothing was committed: nobody may be told otherwise.
            tell = [partial(done.set_exception, exc) for _, done in group]
        for each in tell:
            each()


def _outcome(work: Work, transaction: Any, done: Future[Any]) -> Callable[[], None]:
    """Does the work; what tells its writer of how it ended."""
    try:
        result = work(transaction)
    except Exception as exc:
        return partial(done.set_exception, exc)
    return partial(done.set_result, result)
