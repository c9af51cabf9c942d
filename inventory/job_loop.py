"""Goes on with jobs, one after the other, until it is told to stop."""

from __future__ import annotations

import datetime
import logging
import threading
import time

from inventory import import_jobs
from inventory.device_bodies import DeviceBodies
from inventory.domain.store import Store, StoreError
from inventory.jobs import COUNTS, FAILED, Held, LeaseLost, claim
from inventory.purging import purge
from inventory.work import Sources

POLL = 0.5  # seconds between looks for a job
AFTER_FAILURE = 2.0  # seconds until a store that failed is tried again
PURGE_EVERY = 3600.0  # seconds

logger = logging.getLogger(__name__)


class JobLoop:
    """Several may work on one store: each job is one's at a time."""

    def __init__(
        self, store: Store, sources: Sources, bodies: DeviceBodies, retention_days: int
    ) -> None:
        self._store = store
        self._sources = sources
        self._bodies = bodies
        self._retention = datetime.timedelta(days=retention_days)
        self._stopping = threading.Event()
        self._purge_at = 0.0
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Runs on a thread of its own."""
        self._thread = threading.Thread(target=self.run, name="jobs")
        self._thread.start()

    def stop(self) -> None:
        """Ends after the portion that is under way."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def ask_to_stop(self) -> None:
        """As ``stop``, without waiting: for a signal's handler."""
        self._stopping.set()

    def run(self) -> None:
        """Returns after ``stop``."""
        while not self._stopping.is_set():
            try:
                worked = self.step()
            except StoreError as exc:
                logger.error("the store failed: %s", exc)
                self._stopping.wait(AFTER_FAILURE)
            else:
                if not worked:
                    self._stopping.wait(POLL)

    def step(self) -> bool:
        """Purges when it is time, and works on a job; whether there was one."""
        if time.monotonic() >= self._purge_at:
            self._purge_at = time.monotonic() + PURGE_EVERY
            purged = purge(self._store, self._sources, self._retention)
            if purged:
                logger.info("purged %d devices that were deleted long ago", purged)
        held = claim(self._store, self._sources)
        if held is None:
            return False
        self._work_on(held)
        return True

    def _work_on(self, held: Held) -> None:
        _log(held, "goes on" if held.document["position"] else "begins")
        try:
            import_jobs.go_on(held, self._bodies, self._stopping.is_set)
            if not held.is_over:
                held.let_go()
        except LeaseLost:
            _log(held, "is another's now", logging.WARNING)
            return
        except StoreError:
            raise
        except Exception:  # a fault of ours ends the job, not the worker
            _log(held, "met a fault of ours", logging.ERROR, exc_info=True)
            self._fail(held)
        _log(held, f"has {held.document['status']}" if held.is_over else "is let go")

    def _fail(self, held: Held) -> None:
        row = held.document["position"].get("row", 0) + 1
        reason = "something went wrong here; the rows before this one were applied"
        errors = [*held.document["errors"], {"row": row, "reason": reason}]
        held.end(FAILED, errors=errors[-1000:])


def _log(held: Held, what: str, level: int = logging.INFO, *, exc_info: bool = False) -> None:
    """A line under the request that asked for the job, with how far it is."""
    document = held.document
    counts = ", ".join(f"{document['counts'][name]} {name}" for name in COUNTS[1:])
    extra = {"request_id": document.get("request_id")}
    message = "the job %s %s: %s"
    logger.log(level, message, document["identifier"], what, counts, extra=extra, exc_info=exc_info)
