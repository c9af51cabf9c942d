"""Jobs: uploads that become them, workers that take turns with them, and what ends them."""

from __future__ import annotations

import datetime
import json
import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from inventory import import_jobs
from inventory.device_bodies import DeviceBodies
from inventory.domain.errors import JobOver, ResourceNotFound
from inventory.domain.kinds import DEVICES, JOBS
from inventory.domain.store import Query
from inventory.job_loop import JobLoop
from inventory.jobs import Held, LeaseLost, cancel_job, claim, see
from inventory.purging import purge
from inventory.uploads import PART, in_parts, keep_upload
from inventory.work import Work
from openapi import CONTRACT
from openapi.document import load_document

BODIES = DeviceBodies(load_document(CONTRACT).content)
CSV, NDJSON = "text/csv", "application/x-ndjson"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_jobs, "PAUSE", 0)


def rows(count: int, **fields: Any) -> bytes:
    lines = []
    for number in range(count):
        row = {"identifier": f"d{number:05}", "name": "D", "device_type": "light"} | fields
        lines.append(json.dumps({m: value for m, value in row.items() if value is not None}))
    return "\n".join(lines).encode()


def begin(who: Any, content: bytes, media_type: str = NDJSON, mode: str = "upsert") -> str:
    upload = keep_upload(who.store, who.sources, who.caller, media_type, mode, [content])
    return who.do(upload.begin)["identifier"]  # type: ignore[no-any-return]


def never() -> bool:
    return False


def after_a_portion(job: Held) -> Any:
    done = job.document["counts"]["done"]
    return lambda: job.document["counts"]["done"] > done


def held(who: Any) -> Held:
    job = claim(who.store, who.sources)
    assert job is not None
    return job


def run(who: Any) -> None:
    import_jobs.go_on(held(who), BODIES, never)


def job_of(who: Any, identifier: str) -> dict[str, Any]:
    return see(who.reading.get(JOBS, identifier))


def counts(job: dict[str, Any]) -> tuple[int | None, ...]:
    return tuple(job["counts"][name] for name in ("total", "done", "created", "rejected"))


def cancel(who: Any, identifier: str) -> dict[str, Any]:
    return who.store.write(  # type: ignore[no-any-return]
        lambda t: cancel_job(Work(t, who.caller, who.sources), t, identifier)
    )


def test_an_upload_becomes_a_job_that_applies_every_row(admin: Any) -> None:
    identifier = begin(admin, rows(1200))
    waiting = job_of(admin, identifier)

    run(admin)

    job = job_of(admin, identifier)
    assert (waiting["status"], counts(waiting)) == ("waiting", (None, 0, 0, 0))
    assert (job["status"], counts(job), job["errors"]) == ("succeeded", (1200, 1200, 1200, 0), [])
    assert job["finished_at"]
    assert admin.store.part(identifier, 0) is None
    assert admin.store.count(DEVICES.name, Query()) == 1200


def test_a_job_has_no_members_but_the_contracts(admin: Any) -> None:
    assert set(job_of(admin, begin(admin, rows(1)))) == {
        "identifier", "type", "status", "principal", "counts", "errors", "created_at", "updated_at",
    }  # fmt: skip


def test_a_process_that_is_lost_costs_no_row_and_no_row_is_applied_twice(admin: Any) -> None:
    identifier = begin(admin, rows(1700, identifier=None))

    lost = held(admin)
    import_jobs.go_on(lost, BODIES, after_a_portion(lost))  # and no word any more
    while job_of(admin, identifier)["status"] != "succeeded":
        job = claim(admin.store, admin.sources)
        if job is not None:
            import_jobs.go_on(job, BODIES, after_a_portion(job))

    assert counts(job_of(admin, identifier)) == (1700, 1700, 1700, 0)
    assert admin.store.count(DEVICES.name, Query()) == 1700


def test_who_has_lost_the_lease_does_nothing_more(admin: Any) -> None:
    begin(admin, rows(600))
    lost = held(admin)
    for _ in range(40):  # seconds
        admin.sources.now()
    held(admin)

    with pytest.raises(LeaseLost):
        import_jobs.go_on(lost, BODIES, never)

    assert admin.store.count(DEVICES.name, Query()) == 0


def test_the_lease_is_renewed_while_a_row_is_looked_for(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_jobs, "RENEW", 0)
    identifier = begin(admin, b"x" * (3 * PART), CSV)
    job = held(admin)
    lease = job.document["lease_until"]
    leases = []
    monkeypatch.setattr(job, "renew", lambda: leases.append(Held.renew(job)))

    import_jobs.go_on(job, BODIES, never)

    assert len(leases) == 3
    assert job.document.get("lease_until") != lease
    assert job_of(admin, identifier)["status"] == "failed"


def test_a_worker_that_is_to_end_leaves_the_job_where_it_is(admin: Any) -> None:
    identifier = begin(admin, rows(600))

    import_jobs.go_on(held(admin), BODIES, lambda: True)

    assert job_of(admin, identifier)["counts"]["done"] == 0


def test_a_job_is_one_workers_at_a_time(admin: Any) -> None:
    begin(admin, rows(1))
    held(admin)

    assert claim(admin.store, admin.sources) is None


def test_a_job_that_is_let_go_is_taken_at_once(admin: Any) -> None:
    begin(admin, rows(1))
    held(admin).let_go()

    assert claim(admin.store, admin.sources) is not None


def test_rows_may_stand_before_what_they_are_connected_by(admin: Any) -> None:
    # Each waits for one that stands in a later portion, the last one for nobody.
    devices = [
        {"identifier": f"d{n:05}", "name": "D", "device_type": "light",
         **({"via_device": f"d{n + 600:05}"} if n < 1800 else {})}
        for n in range(2400)
    ]  # fmt: skip
    content = "\n".join(map(json.dumps, devices)).encode()
    identifier = begin(admin, content)

    run(admin)

    job = job_of(admin, identifier)
    assert (job["status"], counts(job)) == ("succeeded", (2400, 2400, 2400, 0))
    assert admin.store.part(f"{identifier}.1", 0) is None


def test_a_row_whose_hub_never_comes_is_rejected_in_the_end(admin: Any) -> None:
    identifier = begin(admin, rows(3, via_device="nobody"))

    run(admin)

    job = job_of(admin, identifier)
    assert (job["status"], counts(job)) == ("succeeded", (3, 3, 0, 3))
    assert [(error["row"], error["column"]) for error in job["errors"]] == [
        (1, "via_device"), (2, "via_device"), (3, "via_device"),
    ]  # fmt: skip


def test_a_file_that_cannot_be_read_fails_the_job(admin: Any) -> None:
    identifier = begin(admin, b"identifier,colour\na,red\n", CSV)

    run(admin)

    job = job_of(admin, identifier)
    assert job["status"] == "failed"
    assert "colour" in job["errors"][0]["reason"]


def test_of_many_rejected_rows_the_first_thousand_are_told(admin: Any) -> None:
    identifier = begin(admin, rows(1600, name=""))

    run(admin)

    job = job_of(admin, identifier)
    assert counts(job) == (1600, 1600, 0, 1600)
    assert [error["row"] for error in job["errors"]] == list(range(1, 1001))


def test_a_waiting_job_is_cancelled_at_once(admin: Any) -> None:
    identifier = begin(admin, rows(1))

    cancelled = cancel(admin, identifier)

    assert cancelled["status"] == "cancelled"
    assert cancel(admin, identifier) == cancelled
    assert claim(admin.store, admin.sources) is None
    assert admin.store.part(identifier, 0) is None


def test_a_running_job_is_cancelled_before_its_next_rows(admin: Any) -> None:
    identifier = begin(admin, rows(1200))
    job = held(admin)
    import_jobs.go_on(job, BODIES, after_a_portion(job))

    said = cancel(admin, identifier)
    import_jobs.go_on(job, BODIES, never)

    assert said["status"] == "running"
    ended = job_of(admin, identifier)
    assert (ended["status"], ended["counts"]["done"]) == ("cancelled", 500)
    assert admin.store.count(DEVICES.name, Query()) == 500


def test_a_job_that_is_over_cannot_be_cancelled(admin: Any) -> None:
    identifier = begin(admin, rows(1))
    run(admin)

    with pytest.raises(JobOver, match="has succeeded"):
        cancel(admin, identifier)


def test_the_jobs_of_other_customers_are_not_found(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    identifier = begin(a_caller("acme"), rows(1))

    assert job_of(admin, identifier)["customer_id"] == "acme"
    with pytest.raises(ResourceNotFound):
        job_of(a_caller("other"), identifier)
    with pytest.raises(ResourceNotFound):
        cancel(a_caller("other"), identifier)


def test_the_import_of_a_customers_principal_runs_as_that(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    begin(a_caller("acme"), rows(1))

    run(admin)

    assert admin.document("d00000")["customer_id"] == "acme"
    assert admin.changes[-1].principal == "acme"


def test_an_upload_that_breaks_off_leaves_nothing(admin: Any) -> None:
    def broken() -> Iterator[bytes]:
        yield bytes(PART + 1)
        raise ConnectionError

    with pytest.raises(ConnectionError):
        keep_upload(admin.store, admin.sources, admin.caller, CSV, "upsert", broken())

    assert admin.store.find(JOBS.name, Query()) == []


def test_nobody_sees_an_upload_that_is_not_whole(admin: Any) -> None:
    upload = keep_upload(admin.store, admin.sources, admin.caller, CSV, "upsert", [b"x"])
    identifier = upload.document["identifier"]

    with pytest.raises(ResourceNotFound):
        job_of(admin, identifier)
    with pytest.raises(ResourceNotFound):
        cancel(admin, identifier)
    assert claim(admin.store, admin.sources) is None


def test_parts_are_of_one_size_however_the_bytes_come() -> None:
    content = bytes(range(256)) * 10_000

    for size in (7_000, PART, 3 * PART):
        chunks = [content[at : at + size] for at in range(0, len(content), size)]
        parts = list(in_parts(chunks))
        assert [len(part) for part in parts] == [PART, PART, len(content) - 2 * PART]
        assert b"".join(parts) == content


def test_what_was_deleted_long_ago_is_purged_with_a_change(admin: Any) -> None:
    admin.device("old")
    admin.delete(DEVICES, "old")
    for _ in range(100):
        admin.sources.now()
    admin.device("young")
    admin.delete(DEVICES, "young")

    assert purge(admin.store, admin.sources, datetime.timedelta(seconds=50)) == 1

    purged = admin.changes[-1]
    assert (purged.action, purged.identifier) == ("purged", "old")
    with pytest.raises(ResourceNotFound):
        admin.restore("old")
    assert admin.restore("young")
    (job,) = admin.store.find(JOBS.name, Query())
    assert see(job)["type"] == "purge"
    assert counts(see(job))[:2] == (1, 1)


def test_a_purge_of_nothing_is_no_job(admin: Any) -> None:
    assert purge(admin.store, admin.sources, datetime.timedelta(days=30)) == 0
    assert admin.store.find(JOBS.name, Query()) == []


def test_what_stood_before_is_read_through_the_purge_of_another(admin: Any) -> None:
    admin.device("lamp")
    admin.delete(DEVICES, "lamp")
    again = admin.device("lamp", name="Again").document()
    for _ in range(100):
        admin.sources.now()
    purge(admin.store, admin.sources, datetime.timedelta(seconds=50))

    assert admin.reading.get_at(DEVICES, "lamp", again["created_at"]).document() == again


def test_old_jobs_and_broken_uploads_are_dropped(admin: Any) -> None:
    identifier = begin(admin, rows(1))
    run(admin)
    keep_upload(admin.store, admin.sources, admin.caller, CSV, "upsert", [b"x"])
    for _ in range(3700):
        admin.sources.now()

    purge(admin.store, admin.sources, datetime.timedelta(seconds=3600))

    assert admin.store.find(JOBS.name, Query()) == []
    assert admin.store.part(identifier, 0) is None


def test_the_loop_purges_and_works_until_nothing_waits(admin: Any) -> None:
    begin(admin, rows(1))
    loop = JobLoop(admin.store, admin.sources, BODIES, retention_days=30)

    assert loop.step() is True
    assert loop.step() is False
    assert admin.document("d00000")


def test_the_log_tells_a_jobs_way_under_the_request_that_asked_for_it(
    admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "inventory.job_loop")
    identifier = begin(admin, rows(700) + b'\n{"identifier": "nameless"}')
    lost = held(admin)
    import_jobs.go_on(lost, BODIES, after_a_portion(lost))
    lost.let_go()

    JobLoop(admin.store, admin.sources, BODIES, retention_days=30).step()

    assert caplog.messages == [
        f"the job {identifier} goes on: 500 done, 500 created, 0 updated, 0 unchanged, 0 rejected",
        f"the job {identifier} has succeeded:"
        " 701 done, 700 created, 0 updated, 0 unchanged, 1 rejected",
    ]
    asked = {vars(record)["request_id"] for record in caplog.records}
    assert asked == {admin.caller.request_id} != {""}


def test_an_error_of_ours_fails_the_job_and_not_the_worker(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = begin(admin, rows(1))
    monkeypatch.setattr(import_jobs, "_told", None)

    JobLoop(admin.store, admin.sources, BODIES, retention_days=30).step()

    job = job_of(admin, identifier)
    assert (job["status"], job["errors"][0]["row"]) == ("failed", 1)


def test_the_loop_ends_when_it_is_told_to(admin: Any) -> None:
    loop = JobLoop(admin.store, admin.sources, BODIES, retention_days=30)
    loop.start()
    begin(admin, rows(1))

    loop.stop()

    assert not any(thread.name == "jobs" for thread in threading.enumerate())
