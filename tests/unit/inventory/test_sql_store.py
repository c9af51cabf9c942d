"""The SQL store on SQLite: the port's conformance suite, and what is its own."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, select

from inventory.domain.store import (
    ChangeQuery,
    Order,
    Query,
    Store,
    StoreError,
    Transaction,
)
from inventory.stores.conformance import (
    Refused,
    Reopen,
    StoreConformance,
    a_change,
    an_entry,
    found,
    insert,
    put,
    record,
    remove,
)
from inventory.stores.conformance_machine import store_machine
from inventory.stores.sql_queries import change_values, values_of
from inventory.stores.sql_statements import Prepared
from inventory.stores.sql_store import SQLStore, open_sqlite

PATIENCE = 30  # seconds until what never happens is a failure


def opened_in(folder: Path) -> SQLStore:
    return open_sqlite(folder / "inventory.db", threads=8)


class TestOnSQLite(StoreConformance):
    @pytest.fixture
    def opened(self, tmp_path: Path) -> Iterator[list[Store]]:
        opened: list[Store] = [opened_in(tmp_path)]
        yield opened
        opened[-1].close()

    @pytest.fixture
    def store(self, opened: list[Store]) -> Store:
        return opened[0]

    @pytest.fixture
    def reopen(self, opened: list[Store], tmp_path: Path) -> Reopen:
        def reopen() -> Store:
            opened[-1].close()
            opened.append(opened_in(tmp_path))
            return opened[-1]

        return reopen


TestAnyHistory = store_machine(opened_in).TestCase


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLStore]:
    store = opened_in(tmp_path)
    yield store
    store.close()


@pytest.fixture
def other(store: SQLStore, tmp_path: Path) -> Iterator[SQLStore]:
    """Another store on the same file, as another process would have it."""
    other = opened_in(tmp_path)
    yield other
    other.close()


# The file


def test_a_closed_store_is_one_file_of_its_owner(tmp_path: Path) -> None:
    store = opened_in(tmp_path)
    insert(store, an_entry("lamp"))
    with ThreadPoolExecutor(2) as pool:
        pool.submit(store.get, "devices", "lamp").result()
    store.get("devices", "lamp")
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    store.close()

    assert modes == {0o600}
    (file,) = tmp_path.iterdir()
    with sqlite3.connect(file) as copy:
        assert copy.execute("SELECT identifier FROM devices").fetchall() == [("lamp",)]
    copy.close()


def test_stores_that_open_one_new_file_at_once_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        stores = list(pool.map(lambda _: opened_in(tmp_path), range(4)))

    insert(stores[0], an_entry("lamp"))
    assert stores[3].get("devices", "lamp") is not None
    for each in stores:
        each.close()


def test_an_acknowledged_write_is_on_the_disk(store: SQLStore) -> None:
    with store._writer.begin() as connection:
        synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar()
        journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar()

    assert (synchronous, journal) == (2, "wal")  # 2 is FULL


def test_threads_that_ended_leave_their_connections_to_others(store: SQLStore) -> None:
    for _ in range(50):
        thread = threading.Thread(target=store.get, args=("devices", "lamp"))
        thread.start()
        thread.join()

    assert len(store._readers._idle) == 1


# Plans


def plan_of(store: SQLStore, query: Query, kind: str = "devices") -> str:
    statement = store._statements.find(kind, query)
    rows = store._readers.rows(
        f"EXPLAIN QUERY PLAN {statement.text}", statement.values(values_of(query))
    )
    return "\n".join(row[3] for row in rows)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(), "sqlite_autoindex_devices_1"),
        (Query(after=["x"]), "sqlite_autoindex_devices_1 (identifier>?)"),
        (Query(filters={"home_id": ["h"]}), "ix_devices_home_id (home_id=?)"),
        (Query(tenant="t"), "ix_devices_tenant (tenant=?)"),
        (Query(tenant="t", after=["x"]), "ix_devices_tenant (tenant=? AND identifier>?)"),
        (Query(sort=[Order("name")]), "ix_devices_name"),
        (
            Query(sort=[Order("name")], after=["n", "x"]),
            "ix_devices_name ((name,identifier)>(?,?))",
        ),
        (
            Query(filters={"device_type": ["light"], "status": ["active"]}),
            "ix_devices_summary (device_type=? AND status=?)",
        ),
    ],
)
def test_a_list_walks_an_index_in_the_order_of_its_answer(
    store: SQLStore, query: Query, index: str
) -> None:
    plan = plan_of(store, query)

    assert plan.endswith(f"USING INDEX {index}")
    assert "\n" not in plan  # nothing is sorted


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (Query(filters={"device_type": ["light"], "home_id": ["h"]}), "ix_devices_home_id"),
        (Query(tenant="t", sort=[Order("name")]), "ix_devices_tenant"),
        (Query(keys=[["label:x"]]), "sqlite_autoindex_devices_1 (identifier=?)"),
        (Query(keys=[["label:x"]], sort=[Order("name")]), "sqlite_autoindex_devices_1"),
    ],
)
def test_the_condition_that_leaves_the_fewest_is_looked_up(
    store: SQLStore, query: Query, index: str
) -> None:
    assert f"SEARCH devices USING INDEX {index}" in plan_of(store, query)


def test_a_key_is_looked_up_with_its_tenant(store: SQLStore) -> None:
    plan = plan_of(store, Query(tenant="t", keys=[["label:x"]]))

    assert "ix_keys_key (kind=? AND key=? AND tenant=?" in plan


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (ChangeQuery(kinds=["homes"]), "ix_changes_kind (kind=?)"),
        (ChangeQuery(kinds=["homes"], after=1), "ix_changes_kind (kind=? AND sequence>?)"),
        (ChangeQuery(kinds=["homes", "areas"]), "ix_changes_kind (kind=?)"),
        (ChangeQuery(tenant="t"), "ix_changes_tenant (tenant=? AND kind=?)"),
        (ChangeQuery(tenant="t", kinds=["homes"]), "ix_changes_tenant (tenant=? AND kind=?)"),
        (
            ChangeQuery(tenant="t", kinds=["homes"], identifier="h", before=9, newest_first=True),
            "ix_changes_resource (kind=? AND identifier=? AND sequence<?)",
        ),
    ],
)
def test_changes_are_walked_for_each_kind_in_their_order(
    store: SQLStore, query: ChangeQuery, index: str
) -> None:
    statement = store._statements.changes(query)
    given = statement.values(change_values(query))
    plan = [row[3] for row in store._readers.rows(f"EXPLAIN QUERY PLAN {statement.text}", given)]

    assert {step for step in plan if "changes" in step} == {f"SEARCH changes USING INDEX {index}"}
    assert len(plan) == 1 or plan[0] == "MERGE (UNION ALL)"  # one walk, or several side by side


def test_keys_that_stay_are_not_written_again(store: SQLStore) -> None:
    insert(store, an_entry("lamp", keys=["label:a", "label:b"]))
    statements: list[str] = []

    def work(transaction: Any) -> None:
        transaction._driver.set_trace_callback(statements.append)
        transaction.replace("devices", an_entry("lamp", revision=2, keys=["label:a", "label:c"]))
        transaction._driver.set_trace_callback(None)

    store.write(work)

    written = [text for text in statements if not text.startswith("SELECT")]
    assert [text.split()[0] for text in written] == ["UPDATE", "DELETE", "INSERT"]


# What goes wrong


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "inventory.db").write_bytes(b"this is no database" * 100)

    with pytest.raises(StoreError, match=r"inventory\.db cannot be used: file is not a database"):
        opened_in(tmp_path)


def test_what_the_database_refuses_is_told(store: SQLStore) -> None:
    insert(store, an_entry("lamp"))

    with pytest.raises(StoreError, match=r"refused: UNIQUE constraint failed: devices\.identifier"):
        insert(store, an_entry("plug"), an_entry("lamp"))
    with pytest.raises(StoreError, match="refused: no such column"):
        store._rows(Prepared(select(column("nowhere")), store._writer.dialect), {})

    assert found(store) == ["lamp"]


def in_one_group(store: SQLStore, *works: Any) -> list[Any]:
    """What became of the works, which were waiting while another one was done."""
    begun, go_on = threading.Event(), threading.Event()

    def wait(_: Transaction) -> None:
        begun.set()
        assert go_on.wait(PATIENCE)

    with ThreadPoolExecutor(len(works) + 1) as pool:
        first = pool.submit(store.write, wait)
        assert begun.wait(PATIENCE)
        futures = [pool.submit(store.write, work) for work in works]
        while store._commits._queue.qsize() < len(works):
            pass
        go_on.set()
        first.result(PATIENCE)
        return [future.exception(PATIENCE) for future in futures]


def inserting(identifier: str, **members: Any) -> Any:
    return lambda transaction: transaction.insert("devices", an_entry(identifier, **members))


def test_a_commit_that_fails_is_told_to_everyone_who_waits(
    store: SQLStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = store._writer.dialect.do_commit
    commits = iter([commit, failing])
    monkeypatch.setattr(
        store._writer.dialect, "do_commit", lambda connection: next(commits)(connection)
    )

    told = in_one_group(store, *map(inserting, "abc"))

    assert [str(exc) for exc in told] == ["the database refused: disk I/O error"] * 3
    monkeypatch.undo()
    assert found(store) == []
    insert(store, an_entry("a"))
    assert found(store) == ["a"]


def failing(_: object) -> None:
    raise sqlite3.OperationalError("disk I/O error")


def test_a_full_disk_is_told_to_all_whose_work_it_undid(store: SQLStore) -> None:
    """SQLite rolls back the whole transaction then, not only what did not find room."""
    insert(store, an_entry("before"))
    with store._writer.begin() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 20}")

    def undone(transaction: Transaction) -> None:
        inserting("c")(transaction)
        raise Refused

    large = inserting("b", members={"attributes": "x" * 1_000_000})
    told = in_one_group(store, inserting("a"), large, undone, inserting("d"))

    survivors = found(store)
    assert str(told[1]) == "the database refused: database or disk is full"
    assert [one for one, exc in zip("ad", (told[0], told[3]), strict=True) if not exc] == [
        one for one in survivors if one != "before"
    ]
    assert "before" in survivors
    insert(store, an_entry("after"))
    assert store.get("devices", "after") is not None


def test_a_transaction_that_is_lost_is_told_to_all_whose_work_it_undid(store: SQLStore) -> None:
    insert(store, an_entry("before"))

    def losing(transaction: Any) -> None:
        transaction.insert("devices", an_entry("b"))
        transaction._driver.execute("ROLLBACK")  # as SQLite does on a full disk
        raise Refused

    told = in_one_group(store, inserting("a"), losing, inserting("c"))

    assert [type(exc) for exc in told] == [StoreError] * 3
    assert found(store) == ["before"]
    insert(store, an_entry("after"))
    assert found(store) == ["after", "before"]


# Several stores on one file


def test_increments_by_two_stores_are_not_lost(store: SQLStore, other: SQLStore) -> None:
    insert(store, an_entry("counter", members={"count": 0}))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(partial(increment, times=25), [store, other] * 2))

    expected = list(range(1, 101))
    assert [int(change.after) for change in store.changes(ChangeQuery(1000))] == expected
    assert [int(change.after) for change in other.changes(ChangeQuery(1000))] == expected


def increment(store: SQLStore, times: int) -> None:
    """Each increment records a change that says what was counted."""

    def work(transaction: Transaction) -> None:
        stored = transaction.get("devices", "counter")
        assert stored is not None
        count = stored.document()["count"] + 1
        transaction.replace("devices", an_entry("counter", members={"count": count}))
        transaction.record(a_change("counter", after=str(count)))

    for _ in range(times):
        store.write(work)


def test_what_one_store_commits_the_other_sees(store: SQLStore, other: SQLStore) -> None:
    insert(store, an_entry("lamp"), an_entry("plug"))
    remove(other, "plug")
    put(store, an_entry("lamp", revision=2))
    sequences = [*record(store, a_change("lamp")), *record(other, a_change("lamp"))]

    assert [one.revision for one in other.find("devices", Query())] == [2]
    assert [change.sequence for change in store.changes(ChangeQuery())] == sequences
