"""Two inventories on one database behind a gateway, which come and go under load."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from contracts.services import PATIENCE, Services, free_port, wait_for
from tests.service.databases import a_store
from tests.service.load import Load, check


class Pair:
    """A gateway, and the inventories ``a`` and ``b`` behind it."""

    def __init__(self, data: Path, database: str) -> None:
        ports = [str(free_port()), str(free_port())]
        urls = ",".join(f"http://127.0.0.1:{port}" for port in ports)
        settings = {"INVENTORY_URL": urls, "DATABASE_URL": database}
        self.a = Services(data, {**settings, "INVENTORY_PORT": ports[0]})
        self.b = Services(
            data,
            {**settings, "INVENTORY_PORT": ports[1], "GATEWAY_PORT": str(self.a.gateway_port)},
        )
        data.mkdir(parents=True)

    def start(self) -> None:
        self.a.start("gateway")  # it makes the keys that the inventories look for
        self.start_inventory(self.a)
        self.start_inventory(self.b)
        self.a.wait_until_ready()

    def start_inventory(self, one: Services) -> None:
        one.start("inventory")
        wait_for(lambda: is_ready(one.inventory_url), "the inventory to be ready", one._said)

    def stop(self) -> None:
        self.a.stop()
        self.b.stop()

    def restart(self, one: Services) -> None:
        """As an operator does it: SIGTERM, and a new one when the old one has ended."""
        end(one.processes.pop("inventory"))
        self.start_inventory(one)
        self.wait_until_back(one)

    def wait_until_back(self, one: Services) -> None:
        """Until the gateway says that it uses the instance again."""
        log = self.a.log("gateway")
        left = f"{one.inventory_url} is left out"
        back = f"{one.inventory_url} is back"
        wait_for(lambda: log.read_text().rfind(back) > log.read_text().rfind(left), "it is back")


def end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(PATIENCE)


def is_ready(url: str) -> bool:
    try:
        return requests.get(url + "/health/ready", timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture(params=["sqlite", "postgresql"], scope="module")
def pair(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Pair]:
    """Each test leaves all three of them running."""
    folder = tmp_path_factory.mktemp("pair")
    with a_store(request.param, folder) as settings:
        # Without one, each would have a SQLite file of its own.
        database = settings.get("DATABASE_URL", f"sqlite:///{folder / 'shared.db'}")
        yield from _running(Pair(folder / "data", database))


def _running(pair: Pair) -> Iterator[Pair]:
    try:
        pair.start()
        yield pair
    finally:
        pair.stop()


def test_clients_notice_nothing_when_instances_die_and_are_restarted(pair: Pair) -> None:
    async def events(load: Load) -> None:
        await load.more_answers()
        await asyncio.to_thread(pair.b.kill, "inventory")
        await load.more_answers()
        await asyncio.to_thread(pair.start_inventory, pair.b)
        await asyncio.to_thread(pair.wait_until_back, pair.b)
        await load.more_answers()
        for one in (pair.a, pair.b):
            await asyncio.to_thread(pair.restart, one)
            await load.more_answers()

    load = Load(pair.a)
    asyncio.run(load.during(events))

    assert set(load.answers) <= {"POST 201", "PUT 200", "PUT 201", "GET 200"}, load.answers
    check(load, pair.a)


def test_a_gateway_that_is_told_to_end_answers_all_that_it_took(pair: Pair) -> None:
    async def events(load: Load) -> None:
        await load.more_answers()
        await asyncio.to_thread(end, pair.a.processes.pop("gateway"))

    load = Load(pair.a)
    asyncio.run(load.during(events))
    pair.a.start("gateway")
    pair.a.wait_until_ready()

    expected = {"POST 201", "PUT 200", "PUT 201", "GET 200"}
    refused = {f"{method} refused" for method in ("POST", "PUT", "GET")}
    assert set(load.answers) <= expected | refused, load.answers
    check(load, pair.a)
