"""Jobs: long work that goes on behind the scenes, as documents that any process can go on with."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

from inventory.domain import resource
from inventory.domain.caller import Caller
from inventory.domain.errors import JobOver, ResourceNotFound
from inventory.domain.kinds import JOBS
from inventory.domain.resource import Document, timestamp
from inventory.domain.store import Bound, Order, Query, Reader, Store, Stored, Transaction
from inventory.work import Sources, Work

IMPORT, PURGE = "device_import", "purge"
UPLOADING = "uploading"  # a job that nobody sees yet
WAITING, RUNNING = "waiting", "running"
SUCCEEDED, FAILED, CANCELLED = "succeeded", "failed", "cancelled"
OVER = frozenset({SUCCEEDED, FAILED, CANCELLED})
SEEN = (WAITING, RUNNING, SUCCEEDED, FAILED, CANCELLED)

COUNTS = ("total", "done", "created", "updated", "unchanged", "rejected")
LEASE = datetime.timedelta(seconds=30)
MAX_ROUNDS = 100  # no chain of devices is longer

_LISTED = ("identifier", "type", "status", "principal", "customer_id", "counts",
           "created_at", "updated_at", "finished_at")  # fmt: skip


class LeaseLost(Exception):
    """Another process goes on with the job, or there is none any more."""


def shown(document: Mapping[str, Any]) -> Document:
    """The contract's ``Job``."""
    return listed(document) | {"errors": document["errors"]}


def listed(document: Mapping[str, Any]) -> Document:
    """The contract's ``JobItem``: a page of jobs would be mostly their errors."""
    job = {member: document[member] for member in _LISTED if member in document}
    counts = document["counts"]
    # What is null is absent from a document.
    return job | {"counts": {"total": None} | {name: counts.get(name) for name in COUNTS}}


def see(stored: Stored) -> Document:
    """The job as it is shown, or ``ResourceNotFound`` while it is not to be seen."""
    document = stored.document()
    if document["status"] == UPLOADING:
        raise ResourceNotFound(JOBS.noun, stored.identifier)
    return shown(document)


def cancel_job(work: Work, transaction: Transaction, identifier: str) -> Document:
    """The job, cancelled at once or before its next rows. ``JobOver`` when it has ended."""
    document = work.existing(JOBS, identifier)
    if document["status"] == UPLOADING:
        raise ResourceNotFound(JOBS.noun, identifier)
    if document["status"] == CANCELLED:
        return shown(document)  # as was asked
    if document["status"] in OVER:
        raise JobOver(identifier, document["status"])
    changes: Document = {"cancel_requested": True}
    if document["status"] == WAITING:
        changes |= ended(CANCELLED, work.now)
        drop_parts(transaction, document)
    work.keep(JOBS, identifier, resource.writable(document) | changes)
    return shown(work.existing(JOBS, identifier))


def ended(status: str, now: str) -> Document:
    """What a job that has ended says of itself."""
    return {"status": status, "finished_at": now, "lease_until": None}


def until(now: str, length: datetime.timedelta) -> str:
    """The moment that is so much later."""
    return timestamp(datetime.datetime.fromisoformat(now) + length)


def parts_of(identifier: str, round_: int) -> str:
    """What the parts of a round are kept under; round 0 reads the file."""
    return f"{identifier}.{round_}" if round_ else identifier


def drop_parts(transaction: Transaction, document: Document) -> None:
    """Drops all that the job works on."""
    for round_ in range(len(document["parts"]["counts"])):
        transaction.drop_parts(parts_of(document["identifier"], round_))


class Held:
    """A job that this process goes on with, as long as nobody else does."""

    def __init__(self, store: Store, sources: Sources, document: Document) -> None:
        self.store = store
        self.sources = sources
        self.document = document

    @property
    def caller(self) -> Caller:
        """Whose job it is."""
        document = self.document
        return Caller(
            document["principal"], document.get("customer_id"), document.get("request_id", "")
        )

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.document["status"] in OVER

    def write(self, act: Callable[[Transaction, Document], Document]) -> None:
        """Does a portion of the job, with what it changes of the job, and renews the lease.

        A job that was to be cancelled ends instead. ``LeaseLost`` when it is not ours any more;
        nothing was done then.
        """

        def work(transaction: Transaction) -> Document:
            document = self._own(transaction)
            doing = Work(transaction, self.caller, self.sources)
            if document.get("cancel_requested"):
                changes = ended(CANCELLED, doing.now)
            else:
                changes = {"lease_until": until(doing.now, LEASE), **act(transaction, document)}
            if changes.get("status") in OVER:
                drop_parts(transaction, document)
            return _kept(doing, transaction, document, changes)

        self.document = self.store.write(work)

    def renew(self) -> None:
        """Goes on holding the job."""
        self.write(lambda _transaction, _document: {})

    def end(self, status: str, **changes: Any) -> None:
        """The job is over."""
        self.write(lambda _t, _d: ended(status, self.sources.now()) | changes)

    def let_go(self) -> None:
        """Lets another process go on at once."""
        self.write(lambda _t, _d: {"lease_until": self.sources.now()})

    def _own(self, transaction: Transaction) -> Document:
        stored = transaction.get(JOBS.name, self.document["identifier"])
        document = stored.document() if stored else {}
        held = document.get("status") == RUNNING
        if not held or document["lease_until"] != self.document["lease_until"]:
            raise LeaseLost
        return document


def claim(store: Store, sources: Sources) -> Held | None:
    """A job that waits, or whose process was lost; None when there is none."""
    if _claimable(store, sources.now()) is None:
        return None  # the store is not written to without need

    def work(transaction: Transaction) -> Document | None:
        stored = _claimable(transaction, sources.now())
        if stored is None:
            return None
        document = stored.document()
        caller = Caller(document["principal"], document.get("customer_id"), "")
        doing = Work(transaction, caller, sources)
        changes = {"status": RUNNING, "lease_until": until(doing.now, LEASE)}
        return _kept(doing, transaction, document, changes)

    claimed = store.write(work)
    return Held(store, sources, claimed) if claimed else None


def _claimable(reader: Reader, now: str) -> Stored | None:
    # What waits comes first: a job that takes its process down with it does not stop the others.
    for status, bounds in ((WAITING, ()), (RUNNING, (Bound("lease_until", below=now),))):
        query = Query(
            limit=1,
            filters={"type": [IMPORT], "status": [status]},
            bounds=bounds,
            sort=[Order("created_at")],
        )
        found = reader.find(JOBS.name, query)
        if found:
            return found[0]
    return None


def _kept(
    work: Work, transaction: Transaction, document: Document, changes: Mapping[str, Any]
) -> Document:
    identifier = document["identifier"]
    work.keep(JOBS, identifier, {**resource.writable(document), **changes})
    stored = transaction.get(JOBS.name, identifier)
    assert stored is not None  # it was just kept
    return stored.document()
