"""How the services start and stop."""

from __future__ import annotations

import os
import socket
import stat
import time
from pathlib import Path

import psutil
import pytest
import requests

from contracts.services import NotReady, Services, free_port


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GATEWAY_PROT", "80", "GATEWAY_PROT is not a setting"),
        ("GATEWAY_PORT", "http", "GATEWAY_PORT is 'http'"),
        ("INVENTORY_WORKERS", "0", "INVENTORY_WORKERS is '0'"),
        ("DATABASE_URL", "mysql://user:secret@host/db", "DATABASE_URL begins with mysql:"),
        ("DATABASE_URL", "shelve:", "DATABASE_URL is shelve:, which names no file or folder"),
        ("INVENTORY_URL", "localhost:8081", "INVENTORY_URL is not an address"),
        ("DOORSTEP_DATA", "/dev/null", "DOORSTEP_DATA is /dev/null, which is not a folder"),
    ],
)
def test_a_bad_setting_stops_the_start_with_its_name(
    tmp_path: Path, name: str, value: str, says: str
) -> None:
    services = Services(tmp_path / "data")
    services._environ[name] = value

    with pytest.raises(NotReady) as told, services:
        pass

    assert says in str(told.value)
    assert "Traceback" not in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize(
    ("file", "says"),
    [("gateway.key", "gateway.key holds no private key"), ("gateway.db", "is not a database"),
     ("inventory.db", "inventory.db cannot be used")],
)  # fmt: skip
def test_a_damaged_file_stops_the_start_with_its_name(tmp_path: Path, file: str, says: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / file).write_bytes(b"garbage" * 1000)

    with pytest.raises(NotReady) as told, Services(tmp_path / "data"):
        pass

    assert says in str(told.value)
    assert "Traceback" not in str(told.value)


@pytest.mark.parametrize("variable", ["GATEWAY_PORT", "INVENTORY_PORT"])
def test_a_taken_port_stops_the_start_with_its_setting(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {variable: str(taken.getsockname()[1])}

        with (
            pytest.raises(NotReady, match=f"is in use: set {variable}"),
            Services(tmp_path / "data", settings),
        ):
            pass


def test_an_ipv6_address_can_be_listened_on(tmp_path: Path) -> None:
    port = free_port()
    settings = {
        "INVENTORY_HOST": "::1",
        "INVENTORY_PORT": str(port),
        "INVENTORY_URL": f"http://[::1]:{port}",
    }

    with Services(tmp_path / "data", settings) as services:
        ready = requests.get(services.gateway_url + "/health/ready", timeout=10)

    assert ready.status_code == 200


def test_the_shelve_store_wants_one_process(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"shelve:{tmp_path / 'shelf'}", "INVENTORY_WORKERS": "2"}

    with pytest.raises(NotReady, match="INVENTORY_WORKERS=1"), Services(tmp_path / "d", settings):
        pass


def test_a_second_process_on_the_shelf_is_refused(tmp_path: Path) -> None:
    settings = {"DATABASE_URL": f"shelve:{tmp_path / 'shelf'}"}

    with (
        Services(tmp_path / "one", settings),
        pytest.raises(NotReady, match="one process"),
        Services(tmp_path / "two", settings),
    ):
        pass


def test_the_first_start_makes_the_admins_key_and_does_not_tell_it(tmp_path: Path) -> None:
    with Services(tmp_path / "data", {"GATEWAY_WORKERS": "2"}) as services:
        file = services.data / "admin.key"
        log = services.log("gateway").read_text()

        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert services.admin_key.startswith("dsk_")
        assert log.count(f"written to {file}") == 1
        assert services.admin_key not in log


def test_sigterm_leaves_no_process_behind(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        family = [
            process
            for parent in services.processes.values()
            for process in (psutil.Process(parent.pid), *psutil.Process(parent.pid).children(True))
        ]
        started = time.monotonic()
        services.stop()

    assert time.monotonic() - started < 5
    assert [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert os.listdir(tmp_path / "data")
