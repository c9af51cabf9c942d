"""What was acknowledged is kept: over restarts and over kill -9, on every store."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from contracts.services import ROOT, Services, wait_for
from tests.service.databases import STORES, a_store

LIGHT = {"name": "Hall light", "device_type": "light"}
HOME = ROOT.parent / "shared" / "data" / "home-assistant"


@pytest.fixture(params=STORES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Services]:
    with (
        a_store(request.param, tmp_path) as settings,
        Services(tmp_path / "data", settings) as services,
    ):
        yield services


def client(services: Services) -> requests.Session:
    session = requests.Session()
    session.headers["X-API-Key"] = services.admin_key
    return session


def devices(services: Services, limit: int = 200) -> list[str]:
    """The identifiers of all devices, page by page."""
    found: list[str] = []
    parameters: dict[str, str | int] = {"limit": limit}
    with client(services) as session:
        while True:
            url = services.gateway_url + "/v1/devices"
            page = session.get(url, params=parameters, timeout=30).json()
            found += [item["identifier"] for item in page["items"]]
            if page["next"] is None:
                return found
            parameters["cursor"] = page["next"]


def test_both_services_restart_with_all_data(fresh: Services) -> None:
    with client(fresh) as session:
        for n in range(20):
            session.post(fresh.gateway_url + "/v1/devices", json=LIGHT | {"identifier": f"d{n}"})
    before, key = devices(fresh), fresh.admin_key

    fresh.stop()
    for name in ("inventory", "gateway"):
        fresh.start(name)
    fresh.wait_until_ready()

    assert devices(fresh) == before
    assert len(before) == 20
    assert fresh.admin_key == key


def test_kill_9_in_the_middle_of_creates_loses_none_that_was_acknowledged(fresh: Services) -> None:
    acknowledged: list[str] = []
    statuses: set[int] = set()

    def create(n: int) -> None:
        answer = requests.post(
            fresh.gateway_url + "/v1/devices",
            json=LIGHT | {"identifier": f"d{n}"},
            headers={"X-API-Key": fresh.admin_key},
            timeout=60,
        )
        statuses.add(answer.status_code)
        if answer.status_code == 201:
            acknowledged.append(f"d{n}")

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(create, n) for n in range(1000)]
        wait_for(lambda: len(acknowledged) > 300, "some creates")
        fresh.kill("inventory")
        for each in running:
            each.result()
    fresh.start("inventory")
    fresh.wait_until_ready()

    assert set(acknowledged) <= set(devices(fresh))
    assert statuses == {201, 502}
    assert len(acknowledged) < 1000


def test_a_walk_while_others_come_gives_each_standing_device_once(fresh: Services) -> None:
    with client(fresh) as session:
        for n in range(60):
            session.post(fresh.gateway_url + "/v1/devices", json=LIGHT | {"identifier": f"s{n:02}"})
    done = threading.Event()
    made: list[str] = []

    def come() -> None:
        with client(fresh) as session:
            while not done.is_set():
                answer = session.post(fresh.gateway_url + "/v1/devices", json=LIGHT)
                made.append(answer.json()["identifier"])

    thread = threading.Thread(target=come)
    thread.start()
    wait_for(lambda: len(made) > 5, "others to come")
    walked = devices(fresh, limit=7)
    done.set()
    thread.join()

    assert len(walked) == len(set(walked))
    assert [name for name in walked if name.startswith("s")] == [f"s{n:02}" for n in range(60)]


def test_a_real_home_comes_in_whole_and_only_once(fresh: Services) -> None:
    if not HOME.exists():
        pytest.skip(f"{HOME} is not here")
    names = ("device_registry", "area_registry", "entity_registry")
    body = {name: json.loads((HOME / f"core.{name}").read_text()) for name in names}

    with client(fresh) as session:
        url = fresh.gateway_url + "/v1/imports/home-assistant"
        looked = session.post(url, json=body, params={"dry_run": "true"}).json()
        first = session.post(url, json=body).json()
        second = session.post(url, json=body).json()

    assert looked["counts"] == first["counts"]
    assert (sum(first["counts"].values()), first["counts"]["rejected"]) == (51, 0)
    assert second["counts"]["unchanged"] == 51
    walked = devices(fresh, limit=7)
    assert len(walked) == 51
    assert set(walked) == {row["identifier"] for row in first["rows"]}
