"""Many who write at once: nothing is lost, nothing happens twice."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contracts.services import Services, wait_for
from tests.service.databases import STORES, a_store

WRITERS = 8
INCREMENTS = int(os.environ.get("INCREMENTS", "8"))  # that each of them makes
CREATED = int(os.environ.get("CREATED", "160"))
LIGHT = {"name": "Hall light", "device_type": "light"}


@pytest.fixture(params=STORES, scope="module")
def crowded(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Services on a store of this kind. Each test leaves them running."""
    folder = tmp_path_factory.mktemp("crowded")
    with a_store(request.param, folder) as settings:
        several = {} if request.param == "shelve" else {"INVENTORY_WORKERS": "2"}
        with Services(folder / "data", {**settings, **several}) as services:
            yield services


def a_client(services: Services) -> requests.Session:
    session = requests.Session()
    session.headers["X-API-Key"] = services.admin_key
    return session


def test_no_update_is_lost_that_names_the_state_it_expects(crowded: Services) -> None:
    url = crowded.gateway_url + "/v1/devices/counter"
    with a_client(crowded) as session:
        session.put(url, json=LIGHT | {"attributes": {"count": 0}}).raise_for_status()

    def increment(_writer: int) -> list[int]:
        seen, done = [], 0
        with a_client(crowded) as session:
            while done < INCREMENTS:
                now = session.get(url, timeout=30)
                count = now.json()["attributes"]["count"] + 1
                answer = session.patch(
                    url,
                    json={"attributes": {"count": count}},
                    headers={"If-Match": now.headers["ETag"]},
                    timeout=30,
                )
                seen.append(answer.status_code)
                done += answer.status_code == 200
        return seen

    with ThreadPoolExecutor(WRITERS) as pool:
        statuses = [status for seen in pool.map(increment, range(WRITERS)) for status in seen]

    with a_client(crowded) as session:
        final = session.get(url).json()
    assert set(statuses) <= {200, 412}
    assert final["attributes"]["count"] == WRITERS * INCREMENTS
    assert final["revision"] == WRITERS * INCREMENTS + 1


def test_what_is_sent_again_with_its_key_happens_once(crowded: Services) -> None:
    """The inventory is killed in the middle, and the clients try again until they are answered."""
    answered: list[str] = []

    def create(number: int) -> None:
        with a_client(crowded) as session:
            while True:
                try:
                    answer = session.post(
                        crowded.gateway_url + "/v1/devices",
                        json=LIGHT,  # without an identifier: each that happens twice is one more
                        headers={"Idempotency-Key": f"key-{number}"},
                        timeout=30,
                    )
                except requests.RequestException:
                    continue
                if answer.status_code == 201:
                    answered.append(answer.json()["identifier"])
                    return
                assert answer.status_code in (502, 503, 504), answer.text
                threading.Event().wait(0.05)  # between attempts, as Retry-After would have it

    with ThreadPoolExecutor(16) as pool:
        running = [pool.submit(create, number) for number in range(CREATED)]
        wait_for(lambda: len(answered) > CREATED // 4, "some to be created")
        crowded.kill("inventory")
        crowded.start("inventory")
        for each in running:
            each.result()

    with a_client(crowded) as session:
        session.delete(crowded.gateway_url + "/v1/devices/counter")
        there = session.get(
            crowded.gateway_url + "/v1/exports/devices",
            headers={"Accept": "application/x-ndjson"},
            timeout=60,
        )
    identifiers = [json.loads(line)["identifier"] for line in there.text.splitlines()]
    assert len(identifiers) == len(set(answered)) == CREATED
    assert set(identifiers) == set(answered)
