"""The SQLite store: the port's conformance suite, and what is its own."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import alembic.command
import pytest
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

from inventory.domain.store import DeviceStore, StoreError
from inventory.stores import sql_store
from inventory.stores.conformance import (
    DeviceStoreConformance,
    Reopen,
    a_document,
    insert,
    insertion,
    store_machine,
)
from inventory.stores.sql_schema import metadata
from inventory.stores.sql_store import SQLiteDeviceStore


def opened_store(folder: Path) -> SQLiteDeviceStore:
    return SQLiteDeviceStore(folder / "inventory.db", threads=8)


class TestConformance(DeviceStoreConformance):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[list[DeviceStore]]:
        opened: list[DeviceStore] = [opened_store(tmp_path)]
        yield opened
        opened[-1].close()

    @pytest.fixture
    def store(self, opened: list[DeviceStore]) -> DeviceStore:
        return opened[0]

    @pytest.fixture
    def reopen(self, opened: list[DeviceStore], tmp_path: Path) -> Reopen:
        def reopen() -> DeviceStore:
            opened[-1].close()
            opened.append(opened_store(tmp_path))
            return opened[-1]

        return reopen


TestAgainstAModel = store_machine(opened_store).TestCase


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteDeviceStore]:
    store = opened_store(tmp_path)
    yield store
    store.close()


def test_the_migrations_make_the_schema_that_the_code_uses(
    store: SQLiteDeviceStore, tmp_path: Path
) -> None:
    from alembic.autogenerate import compare_metadata

    engine = create_engine(f"sqlite:///{tmp_path / 'inventory.db'}")
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()

    assert differences == []


def test_the_migrations_go_down_and_up_again(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'inventory.db'}")
    config = Config()
    config.set_main_option("script_location", str(sql_store._MIGRATIONS))

    with engine.begin() as connection:
        config.attributes["connection"] = connection
        for target in ("head", "base", "head"):
            (alembic.command.downgrade if target == "base" else alembic.command.upgrade)(
                config, target
            )
        tables = connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars().all()
    engine.dispose()

    assert "devices" in tables


def test_stores_that_open_one_new_file_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: opened_store(tmp_path), range(4)))

    insert(stores[0], [a_document("lamp")])
    assert stores[3].get("lamp") is not None
    for each in stores:
        each.close()


def test_an_acknowledged_write_is_on_the_disk(store: SQLiteDeviceStore) -> None:
    with store._writer.begin() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()

    assert (synchronous, journal) == (2, "wal")  # 2 is FULL


def test_a_list_by_a_filter_walks_an_index_in_the_order_of_its_answer(
    store: SQLiteDeviceStore,
) -> None:
    statement = store._statement((("device_type", 1),))
    values = statement.values({"after": "", "device_type_0": "light", "limit": 50})

    plan = store._connection().execute(f"EXPLAIN QUERY PLAN {statement.text}", values).fetchall()

    assert ["USING INDEX ix_devices_device_type" in row[3] for row in plan] == [True]


def test_what_the_database_refuses_is_told_without_its_words(tmp_path: Path) -> None:
    (tmp_path / "inventory.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreError, match="DatabaseError") as told:
        opened_store(tmp_path)

    assert isinstance(told.value.__cause__.__cause__ or told.value.__cause__, Exception)
    assert "inventory.db" not in str(told.value)


def test_a_commit_that_fails_is_told_to_everyone_who_waits(
    store: SQLiteDeviceStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing() -> object:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(store._commits, "_begin", failing)

    with pytest.raises(StoreError):
        store.apply([insertion(a_document("lamp"))])
    monkeypatch.undo()

    assert store.get("lamp") is None
    insert(store, [a_document("lamp")])
