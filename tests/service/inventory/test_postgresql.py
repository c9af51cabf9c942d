"""The SQL store on PostgreSQL: the port's conformance suite, and what is its own.

And what both databases have to do alike: the migrations. The server is ``TEST_DATABASE_URL``'s.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from hypothesis import settings
from sqlalchemy import Connection, Engine, create_engine, inspect
from sqlalchemy.engine import make_url

from inventory.domain.kinds import DEVICES
from inventory.domain.resource import Document, create, store_form
from inventory.domain.store import Change, ChangeQuery, Query, Store, StoreError, Transaction
from inventory.stores import sql_connections
from inventory.stores.conformance import (
    Reopen,
    StoreConformance,
    an_entry,
    found,
    insert,
)
from inventory.stores.conformance_machine import HISTORIES, store_machine
from inventory.stores.sql_schema import metadata
from inventory.stores.sql_store import SQLStore

SERVER = os.environ.get("TEST_DATABASE_URL")
NAME = f"doorstep_{os.getpid()}"  # the schema of most tests; others have one of their own
ROOT = Path(__file__).parents[3]
PATIENCE = 30  # seconds until what never happens is a failure


def url_of(schema: str) -> str:
    """The server, where ``schema`` is what a connection works in, and is known by."""
    options = {"options": f"-csearch_path={schema}", "application_name": schema}
    url = make_url(SERVER or "").update_query_dict(options)
    return url.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def server() -> Iterator[Connection]:
    """A connection to order what the tests need."""
    if SERVER is None:
        assert not os.environ.get("CI"), "CI has to have PostgreSQL"
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL server")
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextmanager
def a_schema(server: Connection, name: str) -> Iterator[str]:
    server.exec_driver_sql(f"CREATE SCHEMA {name}")
    try:
        yield url_of(name)
    finally:
        server.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture(scope="module")
def url(server: Connection) -> Iterator[str]:
    with a_schema(server, NAME) as url:
        SQLStore(url, threads=1).close()
        yield url


def empty(server: Connection) -> None:
    tables = ", ".join(f"{NAME}.{name}" for name in metadata.tables)
    server.exec_driver_sql(f"TRUNCATE {tables}")


@pytest.fixture
def opened(server: Connection, url: str) -> Iterator[list[Store]]:
    empty(server)
    opened: list[Store] = [SQLStore(url, threads=8)]
    yield opened
    opened[-1].close()


@pytest.fixture
def store(opened: list[SQLStore]) -> SQLStore:
    return opened[0]


class TestOnPostgreSQL(StoreConformance):
    @pytest.fixture
    def reopen(self, opened: list[Store], url: str) -> Reopen:
        def reopen() -> Store:
            opened[-1].close()
            opened.append(SQLStore(url, threads=8))
            return opened[-1]

        return reopen


_histories: set[Path] = set()


def opened_for(folder: Path) -> SQLStore:
    """All histories use the same schema, which is emptied for each."""
    if folder not in _histories:
        _histories.add(folder)
        engine = create_engine(SERVER or "")
        with engine.begin() as connection:
            empty(connection)
        engine.dispose()
    return SQLStore(url_of(NAME), threads=8)


@pytest.mark.usefixtures("url")
class TestAnyHistory(store_machine(opened_for).TestCase):  # type: ignore[misc]
    settings = settings(deadline=None, max_examples=HISTORIES // 4, stateful_step_count=25)


# Several stores in one schema


def test_reads_are_not_local(store: SQLStore) -> None:
    assert not store.reads_are_local


INCREMENTS = """
import sys
from concurrent.futures import ThreadPoolExecutor
from inventory.stores.conformance import a_change, an_entry
from inventory.stores.sql_store import SQLStore

store = SQLStore(sys.argv[1], threads=4)

def work(transaction):
    count = transaction.get("devices", "counter").document()["count"] + 1
    transaction.replace("devices", an_entry("counter", members={"count": count}))
    transaction.record(a_change("counter", after=str(count)))

def increment(_):
    for _ in range(25):
        store.write(work)

with ThreadPoolExecutor(4) as pool:
    list(pool.map(increment, range(4)))
store.close()
"""
PROCESSES, TIMES = 2, 100


def test_increments_of_processes_are_followed_in_order_and_none_is_lost(
    store: SQLStore, url: str
) -> None:
    insert(store, an_entry("counter", members={"count": 0}))
    writers = [
        subprocess.Popen([sys.executable, "-c", INCREMENTS, url], cwd=ROOT)
        for _ in range(PROCESSES)
    ]

    followed = list(follow(store, lambda: all(w.poll() is not None for w in writers)))

    assert [writer.returncode for writer in writers] == [0] * PROCESSES
    assert [int(change.after) for change in followed] == list(range(1, PROCESSES * TIMES + 1))


def follow(store: SQLStore, is_over: Callable[[], bool]) -> Iterator[Change]:
    """Each change once, as it comes."""
    after, last = 0, False
    while not last:
        last = is_over()
        while changes := store.changes(ChangeQuery(7, after=after)):
            yield from changes
            after = changes[-1].sequence


def test_a_commit_that_fails_is_told_with_what_the_database_says(
    server: Connection, store: SQLStore
) -> None:
    server.exec_driver_sql(REFUSING.format(schema=NAME))
    try:
        with pytest.raises(StoreError, match="the database refused: not today"):
            insert(store, an_entry("lamp"))
    finally:
        server.exec_driver_sql(f"DROP TRIGGER refusing ON {NAME}.devices")

    assert found(store) == []
    insert(store, an_entry("lamp"))
    assert found(store) == ["lamp"]


REFUSING = """
CREATE OR REPLACE FUNCTION {schema}.refuse() RETURNS trigger AS
$$ BEGIN RAISE EXCEPTION 'not today'; END $$ LANGUAGE plpgsql;
CREATE CONSTRAINT TRIGGER refusing AFTER INSERT ON {schema}.devices
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {schema}.refuse();
"""


def test_what_the_database_refuses_is_told(store: SQLStore) -> None:
    insert(store, an_entry("lamp"))

    with pytest.raises(StoreError, match="refused: duplicate key value violates"):
        insert(store, an_entry("plug"), an_entry("lamp"))

    assert found(store) == ["lamp"]


def test_what_cannot_be_reached_is_told() -> None:
    with pytest.raises(StoreError, match="nowhere cannot be used: connection"):
        SQLStore("postgresql+psycopg://127.0.0.1:1/nowhere", threads=1)


# Connections that the server closes


def terminate(server: Connection) -> None:
    """Ends what the server does for the store, and returns when it has ended."""
    of_store = f"FROM pg_stat_activity WHERE application_name = '{NAME}'"
    server.exec_driver_sql(f"SELECT pg_terminate_backend(pid) {of_store}")
    deadline = time.monotonic() + PATIENCE
    while server.exec_driver_sql(f"SELECT count(*) {of_store}").scalar():
        assert time.monotonic() < deadline, "the connections are still there"
        time.sleep(0.01)


def test_connections_that_were_terminated_are_replaced(server: Connection, store: SQLStore) -> None:
    insert(store, an_entry("lamp"))
    barrier = threading.Barrier(4)

    def read(_: int) -> object:
        barrier.wait(PATIENCE)
        return [store.get("devices", "lamp") for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read, range(4)))
        terminate(server)
        list(pool.map(read, range(4)))

    terminate(server)
    insert(store, an_entry("plug"))
    assert found(store) == ["lamp", "plug"]
    terminate(server)
    store.ping()


def test_work_that_lost_its_connection_is_told_and_the_next_is_done(
    server: Connection, store: SQLStore
) -> None:
    def work(transaction: Transaction) -> None:
        transaction.insert("devices", an_entry("lamp"))
        terminate(server)
        transaction.insert("devices", an_entry("plug"))

    with pytest.raises(StoreError, match="the database refused: "):
        store.write(work)

    insert(store, an_entry("lock"))
    assert found(store) == ["lock"]


def test_a_commit_that_lost_its_connection_is_told(server: Connection, store: SQLStore) -> None:
    def work(transaction: Transaction) -> None:
        transaction.insert("devices", an_entry("lamp"))

    with pytest.raises(StoreError):
        store.write(lambda transaction: (work(transaction), terminate(server)))

    assert found(store) == []


# The migrations


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'inventory.db'}"
        return
    with a_schema(request.getfixturevalue("server"), f"{NAME}_migrated") as url:
        yield url


def an_old_device(number: int) -> Document:
    """A device with something in every column that there is now."""
    said = {name: f"{name}: {number}" for name in DEVICES.columns}
    lists = {
        "labels": ["attic", f"l{number}"],
        "identifiers": [{"domain": "hue", "value": f"Bulb-{number}"}],
        "connections": [{"type": "mac", "value": f"aa:bb:cc:dd:ee:0{number}"}],
        "external_refs": [{"system": "erp", "id": str(number)}],
    }
    fields = {name: text for name, text in said.items() if not name.endswith("ated_at")} | lists
    uid = f"7f0d9a52-6f0a-4f0e-8a53-00000000000{number}"
    identifier = "aBcD"[number] + "-device"  # in no order that ignores cases
    return create(DEVICES, fields, identifier=identifier, uid=uid, now=f"2026-01-0{number + 1}")


def make_0001(engine: Engine, documents: list[Document]) -> None:
    config = Config()
    config.set_main_option("script_location", str(sql_connections.MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "0001")
        for document in documents:
            stored = store_form(document)
            row: dict[str, Any] = {
                "identifier": stored.identifier, "revision": stored.revision, "etag": stored.etag,
                "body": stored.body, "home_id": document["home_id"],
            }  # fmt: skip
            names = ", ".join(row)
            texts = ", ".join(f"'{value}'" for value in row.values())
            connection.exec_driver_sql(f"INSERT INTO devices ({names}) VALUES ({texts})")


def test_devices_of_the_first_revision_are_found_by_everything(database: str) -> None:
    documents = [an_old_device(number) for number in range(4)]
    engine = create_engine(database)
    make_0001(engine, documents)
    engine.dispose()

    store = SQLStore(database, threads=2)

    assert found(store) == sorted(document["identifier"] for document in documents)
    for number, document in enumerate(documents):
        those = [store_form(document)]
        assert store.get("devices", document["identifier"]) == those[0]
        for column in DEVICES.columns:
            assert store.find("devices", Query(filters={column: [document[column]]})) == those
        tenant = document["customer_id"]
        assert store.find("devices", Query(tenant=tenant, keys=[["label:attic"]])) == those
        assert store.find("devices", Query(keys=[[f"external_ref:erp:{number}"]])) == those
        assert store.find("devices", Query(words=["bulb", str(number)])) == those
    store.close()


def test_the_migrations_make_the_schema_that_the_code_uses(
    database: str,
) -> None:
    SQLStore(database, threads=1).close()
    engine = create_engine(database)
    with engine.begin() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
        migrated = shape_of(connection)
        metadata.drop_all(connection)
        metadata.create_all(connection)
        made = shape_of(connection)
    engine.dispose()

    assert differences == []
    assert migrated == made
    assert set(metadata.tables) <= set(made)


def shape_of(connection: Connection) -> dict[str, Any]:
    """Each table's columns, in their order, with their types and collations, and its indexes."""
    inspector = inspect(connection)
    return {
        name: json.dumps(
            [
                [{k: str(v) for k, v in column.items()} for column in inspector.get_columns(name)],
                inspector.get_pk_constraint(name),
                sorted(inspector.get_indexes(name), key=lambda index: str(index["name"])),
                inspector.get_table_options(name),
            ],
            default=str,
        )
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }
