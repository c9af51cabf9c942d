"""Operations on many devices at once, and on the jobs that go on with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import flask
from flask import Response

from inventory import jobs, replies
from inventory.batches import apply_batch
from inventory.device_imports import AT_ONCE, Importing, checked_rows, import_now
from inventory.domain.kinds import DEVICES, JOBS
from inventory.domain.resource import to_json
from inventory.domain.store import Transaction
from inventory.exports import export, negotiate
from inventory.handling import Handler, Handling, caller, scope
from inventory.imports import import_home_assistant
from inventory.incoming import IncomingFile
from inventory.queries import read_filters, read_list
from inventory.replies import Answer
from inventory.uploads import Upload, keep_upload
from inventory.work import Work

SMALL = 1024 * 1024  # bytes of a file that is imported while the client waits
MAX_DRY_RUN = 16 * 1024 * 1024  # bytes of a file that is only looked at, for which nobody waits


class BulkHandlers(Handling):
    """Imports, exports, batches and jobs."""

    @property
    def operations(self) -> Mapping[str, Handler]:
        """The handlers by operationId."""
        return {
            "import_home_assistant": self.import_home_assistant,
            "batch_devices": self.batch_devices,
            "import_devices": self.import_devices,
            "export_devices": self.export_devices,
            "list_jobs": self.list_jobs,
            "get_job": self.get_job,
            "cancel_job": self.cancel_job,
        }

    def import_home_assistant(
        self,
        body: dict[str, Any],
        dry_run: bool,
        home_id: str | None,
        idempotency_key: str | None,
    ) -> Response:
        """What became of each device of a Home Assistant's registry."""
        once = self.once(idempotency_key)
        report = import_home_assistant(
            self.store, caller(), self.sources, body, home_id, dry_run=dry_run, once=once
        )
        return report.response()

    def batch_devices(
        self, body: dict[str, Any], atomic: bool, idempotency_key: str | None
    ) -> Response:
        """What became of each item."""
        request_id = caller().request_id

        def batch(work: Work) -> Answer:
            results = apply_batch(
                work, self.bodies, body["items"], atomic=atomic, request_id=request_id
            )
            return Answer(207, to_json({"atomic": atomic, "results": results}))

        return self.write(batch, idempotency_key)

    def import_devices(
        self, body: Any, mode: str, dry_run: bool, prefer: str | None, idempotency_key: str | None
    ) -> Response:
        """What became of the rows, or the job that goes on with them."""
        upload = IncomingFile(scope(), flask.request.environ["wsgi.input"])
        importing = Importing(caller(), self.sources, self.bodies, mode)
        wants_job = "respond-async" in _preferences(prefer)
        if not dry_run and (wants_job or not upload.is_known_to_have(SMALL)):
            kept = self._keep(upload, upload.chunks(), mode)
            return self._begin_import(kept, upload, idempotency_key, wants_job)
        content = [b"".join(upload.up_to(MAX_DRY_RUN))]
        rows = checked_rows(importing, upload.media_type, content)
        once = None if dry_run else self.once(idempotency_key, upload.fingerprint)
        if once and len(rows) > AT_ONCE:
            kept = self._keep(upload, content, mode)
            return self._begin_import(kept, upload, idempotency_key, wants_job)
        return import_now(self.store, importing, rows, dry_run=dry_run, once=once).response()

    def _keep(self, upload: IncomingFile, chunks: Iterable[bytes], mode: str) -> Upload:
        return keep_upload(self.store, self.sources, caller(), upload.media_type, mode, chunks)

    def _begin_import(
        self, kept: Upload, upload: IncomingFile, key: str | None, wants_job: bool
    ) -> Response:
        """202 with the job."""

        def begin(work: Work, _transaction: Transaction) -> Answer:
            job = jobs.shown(kept.begin(work))
            return Answer(
                202,
                to_json(job),
                location=replies.path_of(JOBS, job["identifier"]),
                applied="respond-async" if wants_job else None,
            )

        try:
            return self.transact(begin, key, upload.fingerprint)
        finally:
            kept.discard()  # when the same request was answered before, or the key was another's

    def export_devices(self, **filters: Any) -> Response:
        """All devices that the filters ask for."""
        media = negotiate(flask.request.accept_mimetypes)
        return export(self.reading(), read_filters(DEVICES, filters), media)

    def list_jobs(self, limit: int, cursor: str | None, status: list[str] | None) -> Response:
        """A page of jobs."""
        asked = read_list(JOBS, caller().tenant, limit=limit, status=status)
        query = replace(
            asked.after(self.cursors.read(asked.of, cursor)),
            filters={"status": status or jobs.SEEN},
        )
        page = self.reading().page(JOBS, query)
        return replies.page(
            [to_json(jobs.listed(stored.document())) for stored in page.items],
            self.cursors.write(asked.of, page.last) if page.last else None,
            flask.request.path,
            asked.parameters,
        )

    def get_job(self, identifier: str) -> Response:
        """How far the job is."""
        return replies.json(jobs.see(self.reading().get(JOBS, identifier)))

    def cancel_job(self, identifier: str, idempotency_key: str | None) -> Response:
        """The job, which is cancelled soon."""

        def cancel(work: Work, transaction: Transaction) -> Answer:
            return Answer(200, to_json(jobs.cancel_job(work, transaction, identifier)))

        return self.transact(cancel, idempotency_key)


def _preferences(prefer: str | None) -> list[str]:
    return (prefer or "").replace(" ", "").lower().split(",")
