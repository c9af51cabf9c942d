"""Keeps a file that is sent as the parts of a job, while it is being sent."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from inventory.domain.caller import Caller
from inventory.domain.kinds import JOBS
from inventory.domain.resource import Document
from inventory.domain.store import Store, Transaction
from inventory.jobs import COUNTS, IMPORT, UPLOADING, WAITING, drop_parts, until
from inventory.work import Sources, Work

PART = 1024 * 1024  # bytes
PATIENCE = datetime.timedelta(hours=1)  # in which a part has to come


@dataclass(frozen=True, slots=True)
class Upload:
    """A file whose parts are kept, and the job that nobody sees yet."""

    store: Store
    sources: Sources
    caller: Caller
    document: Document

    def begin(self, work: Work) -> Document:
        """The job, waiting for a worker."""
        waiting = self.document | {"status": WAITING, "lease_until": None}
        work.keep(JOBS, self.document["identifier"], _fields(waiting))
        return work.existing(JOBS, self.document["identifier"])

    def discard(self) -> None:
        """Drops what was kept, unless the job has begun."""

        def work(transaction: Transaction) -> None:
            stored = transaction.get(JOBS.name, self.document["identifier"])
            if stored and stored.document()["status"] == UPLOADING:
                drop_parts(transaction, self.document)
                transaction.remove(JOBS.name, stored.identifier)

        self.store.write(work)


def keep_upload(
    store: Store, sources: Sources, caller: Caller, media_type: str, mode: str,
    chunks: Iterable[bytes],
) -> Upload:  # fmt: skip
    """The upload, when all of it was received. One that breaks off leaves nothing behind."""
    document: Document = {
        "identifier": sources.identifier(), "type": IMPORT, "status": UPLOADING,
        "principal": caller.principal, "customer_id": caller.tenant, "media_type": media_type,
        "parts": {"counts": [0], "mode": mode}, "counts": dict.fromkeys(COUNTS[1:], 0),
        "position": {}, "errors": [], "request_id": caller.request_id,
    }  # fmt: skip
    upload = Upload(store, sources, caller, document)
    try:
        for part in in_parts(chunks):
            store.write(_keeping(upload, part))
            document["parts"]["counts"][0] += 1
    except BaseException:
        upload.discard()
        raise
    return upload


def _keeping(upload: Upload, part: bytes) -> Callable[[Transaction], None]:
    document = upload.document

    def work(transaction: Transaction) -> None:
        doing = Work(transaction, upload.caller, upload.sources)
        transaction.add_part(document["identifier"], document["parts"]["counts"][0], part)
        lease = {"lease_until": until(doing.now, PATIENCE)}
        doing.keep(JOBS, document["identifier"], _fields(document) | lease)

    return work


def in_parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes in parts of one size."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= PART:
            yield bytes(held[:PART])
            del held[:PART]
    if held:
        yield bytes(held)


def _fields(document: Document) -> Document:
    return {member: value for member, value in document.items() if member != "identifier"}
