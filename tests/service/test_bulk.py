"""Bulk work over real processes: files in and out, a worker that is killed, hostile files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contracts.services import Services, wait_for
from inventory.device_imports import AT_ONCE
from inventory.domain.tabular.cells import READ_ONLY
from inventory.stores.sql_store import open_sqlite

CSV, NDJSON, JSON = "text/csv", "application/x-ndjson", "application/json"
ROWS = 6_000  # of a job that is to be met while it is under way
IMPORT, EXPORT = "/v1/imports/devices", "/v1/exports/devices"


class Pair:
    """Services with a data folder of their own, and the admin of them."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self._session = requests.Session()
        self._session.headers["X-API-Key"] = services.admin_key

    def ask(self, method: str, path: str, **options: Any) -> requests.Response:
        url = self.services.gateway_url + path
        return self._session.request(method, url, timeout=60, **options)

    def send(self, content: Any, media_type: str = CSV, **options: Any) -> requests.Response:
        headers = {"Content-Type": media_type} | options.pop("headers", {})
        return self.ask("POST", IMPORT, data=content, headers=headers, **options)

    def export(self, media_type: str = NDJSON) -> bytes:
        return self.ask("GET", EXPORT, headers={"Accept": media_type}).content

    def ended(self, job: str) -> dict[str, Any]:
        """The job, when it has ended."""
        last: dict[str, Any] = {}

        def is_over() -> bool:
            last.update(self.ask("GET", job).json())
            return last["status"] not in ("waiting", "running")

        wait_for(is_over, f"{job} to end")
        return last

    def count(self) -> int:
        total: int = self.ask("GET", "/v1/summaries/devices?by=status").json()["total"]
        return total

    def close(self) -> None:
        self._session.close()


@pytest.fixture
def a_pair(tmp_path: Path) -> Iterator[Callable[[str], Pair]]:
    pairs: list[Pair] = []

    def make(name: str) -> Pair:
        services = Services(tmp_path / name)
        services.__enter__()
        pairs.append(Pair(services))
        return pairs[-1]

    yield make
    for pair in pairs:
        pair.close()
        pair.services.stop()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with Services(tmp_path_factory.mktemp("bulk")) as services:
        pair = Pair(services)
        yield pair
        pair.close()


def lines(count: int, **fields: Any) -> Iterator[bytes]:
    """NDJSON in chunks, so that its length is not known."""
    for start in range(0, count, 1000):
        numbers = range(start, min(start + 1000, count))
        rows = (
            {"identifier": f"d{n:06}", "name": f"D {n}", "device_type": "light"} | fields
            for n in numbers
        )
        yield "".join(json.dumps(row) + "\n" for row in rows).encode()


def writable(ndjson: bytes) -> bytes:
    """The devices without what each inventory says itself, in canonical form."""
    documents = [json.loads(line) for line in ndjson.splitlines()]
    kept = [{m: v for m, v in each.items() if m not in READ_ONLY} for each in documents]
    return "\n".join(json.dumps(each) for each in kept).encode()


def full(identifier: str, **fields: Any) -> dict[str, Any]:
    return {
        "identifier": identifier, "name": 'Lämp, "the" one; it=is', "device_type": "light",
        "manufacturer": "=1+1", "model": "'quoted", "labels": ["attic", "b"],
        "connections": [{"type": "mac", "value": "aa:bb:cc:dd:ee:ff"}],
        "identifiers": [{"domain": "hue", "value": "a;b=c\\d"}],
        "attributes": {"a": [1, 2.5, None, "\n"], "ü": {"b": True}}, "external_refs": [],
        "purchased_on": "2026-01-31", "matter_device_type": 256,
    } | fields  # fmt: skip


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Services with 700 devices."""
    # Each fifty are a chain, and each but the last stands before what it is connected by.
    hubs = [{"via_device": f"d{n + 1:04}"} if n % 50 != 49 else {} for n in range(700)]
    items = [full(f"d{n:04}", **hub) for n, hub in enumerate(hubs)]
    with Services(tmp_path_factory.mktemp("filled")) as services:
        pair = Pair(services)
        assert pair.ask("POST", IMPORT, json={"items": items}).json()["counts"]["created"] == 700
        yield pair
        pair.close()


@pytest.mark.parametrize("media_type", [CSV, NDJSON, JSON])
def test_what_is_exported_is_imported_as_it_was(
    a_pair: Callable[[str], Pair], filled: Pair, media_type: str
) -> None:
    other = a_pair("other")
    file = filled.export(media_type)
    headers = {"Prefer": "respond-async"}
    accepted = other.send(file, media_type, headers=headers)

    assert accepted.headers["Preference-Applied"] == "respond-async"
    job = other.ended(accepted.headers["Location"])
    assert (job["status"], job["counts"]["created"], job["errors"]) == ("succeeded", 700, [])
    assert writable(other.export()) == writable(filled.export())
    again = other.send(file, media_type, headers=headers).headers["Location"]
    assert other.ended(again)["counts"]["unchanged"] == 700


def test_a_worker_that_is_killed_loses_no_row_and_applies_none_twice(
    a_pair: Callable[[str], Pair],
) -> None:
    pair = a_pair("killed")
    job = pair.send(lines(ROWS), NDJSON).headers["Location"]

    for seen in (1, ROWS // 4):
        wait_for(lambda s=seen: pair.ask("GET", job).json()["counts"]["done"] >= s, "rows")
        pair.services.kill("worker")
        _end_lease(pair, job)
        pair.services.start("worker")

    ended = pair.ended(job)
    assert (ended["status"], ended["counts"]["done"]) == ("succeeded", ROWS)
    assert ended["counts"]["created"] == pair.count() == ROWS
    page = pair.ask("GET", "/v1/changes?kind=devices&limit=1000").json()
    assert {item["data"]["revision"] for item in page["items"]} <= {1}


def _end_lease(pair: Pair, job: str) -> None:
    """As if the 30 s were over that a worker is given."""
    from inventory.domain.entries import entry_of
    from inventory.domain.kinds import JOBS

    store = open_sqlite(pair.services.data / "inventory.db", threads=1)
    identifier = job.rpartition("/")[2]

    def work(transaction: Any) -> None:
        document = transaction.get(JOBS.name, identifier).document()
        document["lease_until"] = "2000-01-01T00:00:00.000000Z"
        transaction.replace(JOBS.name, entry_of(JOBS, document))

    store.write(work)
    store.close()


def test_a_job_is_cancelled_and_keeps_what_it_has_done(a_pair: Callable[[str], Pair]) -> None:
    pair = a_pair("cancelled")
    job = pair.send(lines(ROWS), NDJSON).headers["Location"]
    wait_for(lambda: pair.ask("GET", job).json()["counts"]["done"] > 0, "rows")

    said = pair.ask("POST", job + "/cancel")

    assert said.status_code == 200
    ended = pair.ended(job)
    assert ended["status"] == "cancelled"
    assert 0 < ended["counts"]["created"] == pair.count() < ROWS
    assert pair.ask("POST", job + "/cancel").json() == ended


def test_with_a_shelve_store_the_inventory_does_the_workers_work(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"shelve:{tmp_path / 'shelf'}"}
    with Services(tmp_path / "data", settings) as services:
        pair = Pair(services)

        job = pair.ended(pair.send(lines(1200), NDJSON).headers["Location"])

        assert (job["status"], pair.count()) == ("succeeded", 1200)
        assert services.processes["worker"].poll() is None
        pair.close()


def test_a_worker_that_is_told_to_end_leaves_the_rest_to_the_next(
    a_pair: Callable[[str], Pair],
) -> None:
    pair = a_pair("told")
    job = pair.send(lines(ROWS), NDJSON).headers["Location"]
    wait_for(lambda: pair.ask("GET", job).json()["counts"]["done"] > 0, "rows")

    worker = pair.services.processes.pop("worker")
    worker.terminate()

    assert worker.wait(10) == 0
    assert pair.ask("GET", job).json()["status"] == "running"
    pair.services.start("worker")  # which need not wait until a lease is over
    ended = pair.ended(job)
    assert ended["counts"]["created"] == pair.count() == ROWS


def test_the_same_upload_with_the_same_key_is_one_job(shared: Pair) -> None:
    headers = {"Idempotency-Key": "one-job", "Prefer": "respond-async"}

    first = shared.send(b"".join(lines(3)), NDJSON, headers=headers)
    again = shared.send(b"".join(lines(3)), NDJSON, headers=headers)
    other = shared.send(b"".join(lines(4)), NDJSON, headers=headers)

    assert first.headers["Location"] == again.headers["Location"]
    assert (first.status_code, other.status_code) == (202, 422)


def test_with_a_key_what_is_too_much_for_one_transaction_is_one_job(shared: Pair) -> None:
    content, headers = b"".join(lines(AT_ONCE + 1)), {"Idempotency-Key": "too-much"}

    at_once = shared.send(b"".join(lines(AT_ONCE)), NDJSON, headers={"Idempotency-Key": "fits"})
    first, again = (shared.send(content, NDJSON, headers=headers) for _ in range(2))

    assert (at_once.status_code, first.status_code, again.status_code) == (200, 202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    assert shared.ended(first.headers["Location"])["counts"]["done"] == AT_ONCE + 1


HEADER = b"identifier,name,device_type,attributes\r\n"
HOSTILE = {
    "bom": b"\xef\xbb\xbf" + HEADER + b"bom,N,light,\r\n",
    "line ends": HEADER.replace(b"\r\n", b"\n") + b"\n\r\nends,N,light,\r",
    "quoted newlines": HEADER + b'quoted,"N\r\nM",light,"{""a"":\r\n1}"\r\n',
    "unknown column": b"identifier,colour\r\na,red\r\n",
    "formula": HEADER + b"=1+1,=cmd|x,@SUM,{}\r\n",
    "bad UTF-8": HEADER + b"bad\xff,N\xfe,light,\r\nlatin,\xe9t\xe9,light,\r\n",
    "bad UTF-8 header": b"identifier,\xff\r\n",
    "nul": HEADER + b"nul,N\x00,light,\r\n",
    "one long line": HEADER + b"x" * 20_000_000,
    "one long cell": HEADER + b'long,"' + b'""' * 10_000_000,
    "many cells": HEADER + b"," * 900_000,
    "header alone": HEADER,
    "header of commas": b"," * 100_000,
    "open quote": HEADER + b'open,"N',
    "deep attributes": HEADER + b"deep,N,light," + b'"' + b"[" * 100_000 + b'"',
    "large number": HEADER + b'large,N,light,"{""a"":' + b"9" * 5000 + b'}"',
    "blank": b"\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("headers", [{}, {"Prefer": "respond-async"}], ids=["now", "job"])
def test_a_hostile_file_is_answered(shared: Pair, name: str, headers: dict[str, str]) -> None:
    answer = shared.send(HOSTILE[name], headers=headers)

    assert answer.status_code in (200, 202, 409)
    if answer.status_code == 202:
        assert shared.ended(answer.headers["Location"])["status"] in ("succeeded", "failed")
    assert shared.ask("GET", "/health/ready").status_code == 200


@pytest.mark.parametrize(
    "content",
    [b"\xff\xfe\n{}\n[]\n1\n", b"[" * 1_000_000, b'{"a":' * 100_000, b"x" * 20_000_000],
    ids=["not JSON", "deep", "deep objects", "one long line"],
)
def test_hostile_ndjson_is_answered(shared: Pair, content: bytes) -> None:
    answer = shared.send(content, NDJSON, headers={"Prefer": "respond-async"})

    assert answer.status_code == 202
    job = shared.ended(answer.headers["Location"])
    assert (job["status"], job["counts"]["created"]) == ("succeeded", 0)


def test_a_dry_run_of_a_file_that_is_too_large_is_refused(shared: Pair) -> None:
    answer = shared.send(lines(400_000), NDJSON, params={"dry_run": "true"})

    assert answer.status_code == 413


def test_an_empty_file_is_refused_even_if_its_length_is_not_known(shared: Pair) -> None:
    assert shared.send(iter([b""])).status_code == 400


def test_an_export_is_streamed_as_the_client_likes_it_best(shared: Pair) -> None:
    csv = shared.ask("GET", EXPORT, headers={"Accept": "text/*;q=0.9, application/json;q=0.1"})
    refused = shared.ask("GET", EXPORT, headers={"Accept": "image/png, text/csv;q=0"})

    assert csv.headers["Content-Type"].startswith(CSV)
    assert csv.headers["Content-Disposition"] == 'attachment; filename="devices.csv"'
    assert csv.headers["Transfer-Encoding"] == "chunked"
    assert refused.status_code == 406


def test_a_list_of_jobs_leaves_the_rejected_rows_to_each_job(shared: Pair) -> None:
    headers = {"Prefer": "respond-async"}
    accepted = shared.send("identifier,name\nd-1,D\n", headers=headers)
    job = shared.ended(accepted.headers["Location"])

    items = shared.ask("GET", "/v1/jobs?limit=1000&status=succeeded").json()["items"]

    assert [error["row"] for error in job["errors"]] == [1]
    (item,) = (item for item in items if item["identifier"] == job["identifier"])
    assert item == {member: value for member, value in job.items() if member != "errors"}


def test_an_upload_that_breaks_off_leaves_nothing(shared: Pair) -> None:
    before = shared.ask("GET", "/v1/jobs?limit=1000").json()["items"]

    def broken() -> Iterator[bytes]:
        yield bytes(3_000_000)
        raise ConnectionError

    with pytest.raises((ConnectionError, requests.RequestException)):
        shared.send(broken())

    assert shared.ask("GET", "/v1/jobs?limit=1000").json()["items"] == before
    store = open_sqlite(shared.services.data / "inventory.db", threads=1)
    wait_for(lambda: not store.find("jobs", _uploading()), "the upload to be dropped")
    store.close()


def _uploading() -> Any:
    from inventory.domain.store import Query

    return Query(filters={"status": ["uploading"]})
