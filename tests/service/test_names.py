"""An inventory that is found by its name in DNS, and moves under load."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from contracts.services import PATIENCE, Services, free_port, wait_for
from tests.name_server import NameServer
from tests.service.load import Load, check

OLD, NEW = "127.0.0.1", "127.0.0.2"


class Moving:
    """A gateway that knows the inventory by name, and an inventory at each of two addresses."""

    def __init__(self, data: Path, names: NameServer) -> None:
        self.names = names
        port = str(free_port())
        settings = {
            "INVENTORY_PORT": port,
            "INVENTORY_URL": f"http://inventory.test:{port}",
            "DNS_SERVERS": f"127.0.0.1:{names.port}",
        }
        self.old = Services(data, {**settings, "INVENTORY_HOST": OLD})
        self.new = Services(data, {**settings, "INVENTORY_HOST": NEW})
        data.mkdir()

    def start_new(self) -> None:
        self.new.start("inventory")
        url = f"http://{NEW}:{self.new.inventory_port}/health/ready"
        wait_for(lambda: is_ready(url), "the new inventory to be ready", self.new._said)

    def stop_old(self) -> None:
        process = self.old.processes.pop("inventory")
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(PATIENCE)

    def wait_for_gateway(self, words: str) -> None:
        log = self.old.log("gateway")
        wait_for(lambda: words in log.read_text(), f"the gateway to say: {words}", self.old._said)


def is_ready(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def moving(tmp_path: Path) -> Iterator[Moving]:
    with NameServer(ttl=1) as names:
        names.records["inventory.test", "A"] = [OLD]
        moving = Moving(tmp_path / "data", names)
        try:
            moving.old.start("gateway")
            moving.old.start("inventory")
            moving.old.wait_until_ready()
            yield moving
        finally:
            moving.old.stop()
            moving.new.stop()


def test_clients_notice_nothing_when_an_instance_moves(moving: Moving) -> None:
    async def events(load: Load) -> None:
        await load.more_answers()
        await asyncio.to_thread(moving.start_new)
        moving.names.records["inventory.test", "A"] = [OLD, NEW]
        await asyncio.to_thread(moving.wait_for_gateway, f"http://{NEW}:{port} is ready")
        moving.names.records["inventory.test", "A"] = [NEW]
        await asyncio.to_thread(moving.wait_for_gateway, f"not at http://{OLD}:{port} any more")
        await asyncio.to_thread(moving.stop_old)
        moving.names.is_silent = True  # what was found last stands
        await asyncio.to_thread(moving.wait_for_gateway, "DNS does not say where")
        await load.more_answers()

    port = moving.old.inventory_port
    load = Load(moving.old)
    asyncio.run(load.during(events))

    assert set(load.answers) <= {"POST 201", "PUT 200", "PUT 201", "GET 200"}, load.answers
    check(load, moving.old)
