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
from typing import Any

MAX_GROUP = 64

Work = Callable[[Any], None]


class GroupCommit:
    """Runs pieces of work in shared transactions, on a thread of its own.

    ``begin`` opens a transaction and commits it on a clean exit. A piece of work that raises must
    have undone what it did in it: the others of its group are committed all the same.
    """

    def __init__(self, begin: Callable[[], AbstractContextManager[Any]]) -> None:
        self._begin = begin
        self._queue: queue.SimpleQueue[tuple[Work, Future[None]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="group-commit", daemon=True)
        self._thread.start()

    def run(self, work: Work) -> None:
        """Returns when the work is committed; raises what the work or the commit raised."""
        done: Future[None] = Future()
        self._queue.put((work, done))
        done.result()

    def close(self) -> None:
        """Commits what is waiting and ends the thread."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            group = [first]
            closing = self._gather(group)
            self._commit(group)
            if closing:
                return

    def _gather(self, group: list[tuple[Work, Future[None]]]) -> bool:
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

    def _commit(self, group: list[tuple[Work, Future[None]]]) -> None:
        outcomes: list[tuple[Future[None], BaseException | None]] = []
        try:
            with self._begin() as transaction:
                for work, done in group:
                    outcomes.append((done, self._try(transaction, work)))
        except BaseException as exc:
            # Nothing was committed: nobody may be told otherwise.
            outcomes = [(done, exc) for _, done in group]
        for done, error in outcomes:
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)

    def _try(self, transaction: Any, work: Work) -> BaseException | None:
        try:
            work(transaction)
        except Exception as exc:
            return exc
        return None
