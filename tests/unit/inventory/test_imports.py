"""Imports over a real store: idempotent, atomic, and careful with what they do not know."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from inventory.devices import Devices, Sources
from inventory.domain.preconditions import Preconditions
from inventory.domain.store import ChangeConflict, DeviceQuery
from inventory.imports import Imports
from inventory.stores.sql_store import SQLiteDeviceStore

SOURCES = Sources(
    now=lambda: "2026-05-01T10:00:00.000000Z", uid=lambda: "u", identifier=lambda: "made"
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteDeviceStore]:
    store = SQLiteDeviceStore(tmp_path / "inventory.db", threads=1)
    yield store
    store.close()


@pytest.fixture
def imports(store: SQLiteDeviceStore) -> Imports:
    return Imports(store, SOURCES)


@pytest.fixture
def devices(store: SQLiteDeviceStore) -> Devices:
    return Devices(store, SOURCES)


def files(*rows: dict[str, Any]) -> dict[str, Any]:
    registry = {"version": 1, "minor_version": 12, "key": "core.device_registry"}
    return {"device_registry": registry | {"data": {"devices": list(rows)}}}


def a_row(**members: Any) -> dict[str, Any]:
    return {"id": "a1", "name": "Lamp", "manufacturer": "Signify", "sw_version": "1"} | members


def results(report: dict[str, Any]) -> list[str]:
    return [row["result"] for row in report["rows"]]


def test_a_second_run_changes_nothing(imports: Imports, devices: Devices) -> None:
    imports.home_assistant(files(a_row()), dry_run=False)
    before = devices.get("ha-a1")

    again = imports.home_assistant(files(a_row()), dry_run=False)

    assert results(again) == ["unchanged"]
    assert devices.get("ha-a1") == before


def test_a_dry_run_says_what_would_be_and_changes_nothing(
    imports: Imports, devices: Devices
) -> None:
    report = imports.home_assistant(files(a_row()), dry_run=True)

    assert (results(report), report["dry_run"]) == (["created"], True)
    assert devices.page(DeviceQuery(10)).devices == []


def test_what_changed_in_home_assistant_is_updated(imports: Imports, devices: Devices) -> None:
    imports.home_assistant(files(a_row()), dry_run=False)

    report = imports.home_assistant(files(a_row(sw_version="2", manufacturer=None)), dry_run=False)

    assert results(report) == ["updated"]
    document = devices.get("ha-a1").document()
    assert document["sw_version"] == "2"
    assert "manufacturer" not in document


def test_what_only_we_know_is_kept(imports: Imports, devices: Devices) -> None:
    imports.home_assistant(files(a_row(labels=["theirs"])), dry_run=False)
    ours = {"customer_id": "c1", "labels": ["ours"], "status": "retired", "attributes": {"x": 1}}
    devices.patch("ha-a1", ours, Preconditions())

    report = imports.home_assistant(files(a_row(labels=["theirs"])), dry_run=False)

    document = devices.get("ha-a1").document()
    assert results(report) == ["updated"]
    assert document["labels"] == ["ours", "theirs"]
    assert (document["customer_id"], document["status"]) == ("c1", "retired")
    assert document["attributes"]["x"] == 1


def test_a_device_that_home_assistant_enables_again_is_active(
    imports: Imports, devices: Devices
) -> None:
    imports.home_assistant(files(a_row(disabled_by="user")), dry_run=False)
    assert devices.get("ha-a1").document()["status"] == "disabled"

    imports.home_assistant(files(a_row()), dry_run=False)

    document = devices.get("ha-a1").document()
    assert document["status"] == "active"
    assert "disabled_by" not in document


def test_every_row_is_accounted_for(imports: Imports) -> None:
    body = files(a_row(), a_row(id=None), "no object")
    body["device_registry"]["data"]["deleted_devices"] = [{"id": "gone"}]

    report = imports.home_assistant(body, dry_run=False)

    assert results(report) == ["created", "rejected", "rejected", "skipped"]
    assert sum(report["counts"].values()) == 4
    assert all(row["reason"] for row in report["rows"][1:])


def test_nothing_is_half_imported(
    imports: Imports,
    devices: Devices,
    store: SQLiteDeviceStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second of three statements fails: the first must not stay."""
    statements = iter([None, ChangeConflict("b"), None])
    change = store._change

    def failing(*arguments: Any) -> None:
        fault = next(statements)
        if fault is not None:
            raise fault
        change(*arguments)

    monkeypatch.setattr(store, "_change", failing)
    monkeypatch.setattr("inventory.imports.ATTEMPTS", 1)
    with pytest.raises(Exception, match="Others are changing"):
        imports.home_assistant(files(a_row(id="a"), a_row(id="b"), a_row(id="c")), dry_run=False)

    assert devices.page(DeviceQuery(10)).devices == []
