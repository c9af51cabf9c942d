"""What was acknowledged is kept: over restarts and over kill -9, on every store."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from contracts.services import ROOT, Services, wait_for
from tests.service.databases import STORES, a_store

LIGHT = {"name": "Hall light", "device_type": "light"}
HOME = ROOT.parent / "shared" / "data" / "home-assistant"
CREATES = int(os.environ.get("CREATES", "300"))  # in the middle of which a service is killed


@pytest.fixture(params=STORES, scope="module")
def kept(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Services]:
    """Services on a store of this kind. Each test leaves them running."""
    folder = tmp_path_factory.mktemp("kept")
    with (
        a_store(request.param, folder) as settings,
        Services(folder / "data", settings) as services,
    ):
        yield services


def client(services: Services) -> requests.Session:
    session = requests.Session()
    session.headers["X-API-Key"] = services.admin_key
    return session


def answers(services: Services) -> bool:
    with client(services) as session:
        url = services.gateway_url + "/v1/devices?limit=1"
        return session.get(url, timeout=30).status_code == 200


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


def test_both_services_restart_with_all_data(kept: Services) -> None:
    with client(kept) as session:
        for n in range(20):
            session.post(kept.gateway_url + "/v1/devices", json=LIGHT | {"identifier": f"r{n}"})
    before, key = devices(kept), kept.admin_key

    kept.stop()
    for name in ("inventory", "gateway", "worker"):
        kept.start(name)
    kept.wait_until_ready()

    assert devices(kept) == before
    assert {f"r{n}" for n in range(20)} <= set(before)
    assert kept.admin_key == key


def test_kill_9_in_the_middle_of_creates_loses_none_that_was_acknowledged(kept: Services) -> None:
    acknowledged: list[str] = []
    statuses: set[int] = set()

    def create(n: int) -> None:
        answer = requests.post(
            kept.gateway_url + "/v1/devices",
            json=LIGHT | {"identifier": f"d{n}"},
            headers={"X-API-Key": kept.admin_key},
            timeout=60,
        )
        statuses.add(answer.status_code)
        if answer.status_code == 201:
            acknowledged.append(f"d{n}")

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(create, n) for n in range(CREATES)]
        wait_for(lambda: len(acknowledged) > CREATES // 4, "some creates")
        kept.kill("inventory")
        for each in running:
            each.result()
    kept.start("inventory")
    # Ready by its own word is earlier than used again by the gateway, which had left it out.
    wait_for(lambda: answers(kept), "the inventory to be used again")

    assert set(acknowledged) <= set(devices(kept))
    assert statuses == {201, 502}
    assert len(acknowledged) < CREATES


def test_a_walk_while_others_come_gives_each_standing_device_once(kept: Services) -> None:
    with client(kept) as session:
        for n in range(60):
            session.post(kept.gateway_url + "/v1/devices", json=LIGHT | {"identifier": f"s{n:02}"})
    done = threading.Event()
    made: list[str] = []

    def come() -> None:
        with client(kept) as session:
            while not done.is_set():
                answer = session.post(kept.gateway_url + "/v1/devices", json=LIGHT)
                made.append(answer.json()["identifier"])

    thread = threading.Thread(target=come)
    thread.start()
    wait_for(lambda: len(made) > 5, "others to come")
    walked = devices(kept, limit=7)
    done.set()
    thread.join()

    assert len(walked) == len(set(walked))
    assert [name for name in walked if name.startswith("s")] == [f"s{n:02}" for n in range(60)]


def test_a_real_home_comes_in_whole_and_only_once(kept: Services) -> None:
    if not HOME.exists():
        pytest.skip(f"{HOME} is not here")
    names = ("device_registry", "area_registry", "entity_registry")
    body = {name: json.loads((HOME / f"core.{name}").read_text()) for name in names}

    with client(kept) as session:
        url = kept.gateway_url + "/v1/imports/home-assistant"
        looked = session.post(url, json=body, params={"dry_run": "true"}).json()
        first = session.post(url, json=body).json()
        second = session.post(url, json=body).json()

    assert looked["counts"] == first["counts"]
    assert (sum(first["counts"].values()), first["counts"]["rejected"]) == (51, 0)
    assert second["counts"]["unchanged"] == 51
    imported = {row["identifier"] for row in first["rows"]}
    walked = [name for name in devices(kept, limit=7) if name in imported]
    assert len(walked) == len(imported) == 51
