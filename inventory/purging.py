"""Lets go for good of what was deleted, and of what nobody asks for any more."""

from __future__ import annotations

import datetime
from functools import partial

from inventory.domain.caller import Caller
from inventory.domain.kinds import JOBS
from inventory.domain.store import Bound, Change, Query, Store, Tombstone, Transaction
from inventory.idempotency import oldest
from inventory.jobs import COUNTS, OVER, PURGE, SUCCEEDED, UPLOADING, drop_parts, until
from inventory.work import Sources, Work

PORTION = 500  # of one piece of work

_OURSELVES = Caller("doorstep", None, "")


def purge(store: Store, sources: Sources, retention: datetime.timedelta) -> int:
    """How many deleted resources are gone for good: those that were deleted before ``retention``.

    Old jobs, replies and broken uploads go as well. A job tells of the resources.
    """
    before = until(sources.now(), -retention)
    identifier, purged = sources.identifier(), 0
    while True:
        count = store.write(partial(_purge_portion, sources, before, identifier, purged))
        purged += count
        if count < PORTION:
            break
    store.write(lambda transaction: transaction.forget_replies(oldest(sources.now())))
    while store.write(lambda transaction: _drop_jobs(transaction, sources.now(), before)):
        pass
    return purged


def _purge_portion(
    sources: Sources, before: str, job: str, purged: int, transaction: Transaction
) -> int:
    found = transaction.tombstones(before, PORTION)
    if not found:
        return 0
    work = Work(transaction, _OURSELVES, sources)
    for tombstone in found:
        transaction.exhume(tombstone.kind, tombstone.entry.uid)
        transaction.record(_change(tombstone, work.now))
    done = purged + len(found)
    work.keep(JOBS, job, {
        "type": PURGE, "status": SUCCEEDED, "principal": _OURSELVES.principal, "errors": [],
        "counts": dict.fromkeys(COUNTS, 0) | {"total": done, "done": done},
        "parts": {"counts": []}, "finished_at": work.now,
    })  # fmt: skip
    return len(found)


def _change(tombstone: Tombstone, now: str) -> Change:
    entry = tombstone.entry
    return Change(
        kind=tombstone.kind,
        identifier=entry.stored.identifier,
        uid=entry.uid,
        tenant=entry.tenant,
        revision=entry.stored.revision,
        action="purged",
        at=now,
        principal=_OURSELVES.principal,
        request_id="",
        before="null",
        after="null",
    )


def _drop_jobs(transaction: Transaction, now: str, before: str) -> int:
    """Drops uploads that did not go on, and jobs that have been over for long."""
    lost = Query(
        limit=PORTION, filters={"status": [UPLOADING]}, bounds=[Bound("lease_until", below=now)]
    )
    old = Query(
        limit=PORTION, filters={"status": sorted(OVER)}, bounds=[Bound("updated_at", below=before)]
    )
    found = [*transaction.find(JOBS.name, lost), *transaction.find(JOBS.name, old)]
    for stored in found:
        drop_parts(transaction, stored.document())
        transaction.remove(JOBS.name, stored.identifier)
    return len(found)
