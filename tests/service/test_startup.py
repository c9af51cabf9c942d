"""How the services start and stop."""

from __future__ import annotations

import os
import stat
import time
from pathlib import Path

import psutil
import pytest

from contracts.services import NotReady, Services


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GATEWAY_PROT", "80", "GATEWAY_PROT is not a setting"),
        ("GATEWAY_PORT", "http", "GATEWAY_PORT is 'http'"),
        ("INVENTORY_WORKERS", "0", "INVENTORY_WORKERS is '0'"),
        ("DATABASE_URL", "mysql://user:secret@host/db", "DATABASE_URL begins with mysql:"),
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
        assert log.count(str(file)) == 1
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
