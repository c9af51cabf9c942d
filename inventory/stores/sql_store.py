"""Devices in a SQL database, by SQLAlchemy Core. SQLite is the embedded default."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import (
    Connection,
    Engine,
    Select,
    bindparam,
    create_engine,
    delete,
    event,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from inventory.domain.device import StoredDevice, store_form
from inventory.domain.store import FILTERS, Change, ChangeConflict, DeviceQuery, StoreError
from inventory.stores.group_commit import GroupCommit, Work
from inventory.stores.sql_schema import devices

BUSY_TIMEOUT = 10_000  # milliseconds that a writer waits for another process's transaction
MAX_VARIABLES = 500  # values in one IN list

_MIGRATIONS = Path(__file__).with_name("migrations")
_STORED = (devices.c.identifier, devices.c.revision, devices.c.etag, devices.c.body)
_GET = select(*_STORED).where(devices.c.identifier == bindparam("identifier"))
_INSERT = insert(devices)
_AS_EXPECTED = (
    devices.c.identifier == bindparam("key"),
    devices.c.revision == bindparam("expected"),
)
_UPDATE = update(devices).where(*_AS_EXPECTED)
_DELETE = delete(devices).where(*_AS_EXPECTED)


class SQLiteDeviceStore:
    """The ``DeviceStore`` on one SQLite file, for any number of processes of one machine.

    Writes of one process are committed in groups; write-ahead logging lets readers go on
    meanwhile, and ``synchronous=FULL`` makes an acknowledged write survive a power loss.
    """

    reads_are_local = True

    def __init__(self, file: Path, *, threads: int) -> None:
        """Opens the file, makes it when there is none, and brings it to the newest schema."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        url = URL.create("sqlite", database=str(file))
        self._reader = create_engine(
            url, isolation_level="AUTOCOMMIT", pool_size=threads, max_overflow=threads
        )
        self._writer = create_engine(url, pool_size=1, max_overflow=0)
        event.listen(self._reader, "connect", _configure)
        event.listen(self._writer, "connect", _configure_writer)
        event.listen(self._writer, "begin", _begin_immediate)
        with _told():
            migrate(self._writer)
        self._get = _text(_GET, self._reader)
        self._local = threading.local()
        self._commits = GroupCommit(self._writer.begin, _in_savepoint)

    def get(self, identifier: str) -> StoredDevice | None:
        """The device, or None."""
        # The most frequent read: SQLAlchemy wrote the statement once, at start, and the driver
        # runs it on a connection that this thread keeps (11 instead of 126 µs).
        with _told():
            row = self._connection().execute(self._get, (identifier,)).fetchone()
        return StoredDevice(*row) if row else None

    def _connection(self) -> sqlite3.Connection:
        try:
            connection: sqlite3.Connection = self._local.connection
        except AttributeError:
            self._local.pooled = self._reader.raw_connection()
            connection = self._local.connection = self._local.pooled.driver_connection
        return connection

    def get_many(self, identifiers: Collection[str]) -> dict[str, StoredDevice]:
        """Those of the devices that exist, by identifier."""
        found: dict[str, StoredDevice] = {}
        with _told(), self._reader.connect() as connection:
            for some in _portions(list(identifiers)):
                rows = connection.execute(select(*_STORED).where(devices.c.identifier.in_(some)))
                found.update((row.identifier, StoredDevice(*row)) for row in rows)
        return found

    def find(self, query: DeviceQuery) -> list[StoredDevice]:
        """The devices that the query asks for, in the order of their identifiers."""
        with _told(), self._reader.connect() as connection:
            return [StoredDevice(*row) for row in connection.execute(_select(query))]

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies all changes or none, durably."""
        with _told():
            self._commits.run(lambda connection: _apply(connection, changes))

    def ping(self) -> None:
        """Returns when the database answers."""
        with _told(), self._reader.connect() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Commits what is waiting and closes the connections."""
        self._commits.close()
        self._reader.dispose()
        self._writer.dispose()


def migrate(engine: Engine) -> None:
    """Brings the database to the newest schema. Processes that start together take turns."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _configure(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    cursor.close()


def _configure_writer(connection: Any, record: Any) -> None:
    # Python's driver would begin transactions by its own, late and not for DDL.
    connection.isolation_level = None
    _configure(connection, record)


def _begin_immediate(connection: Connection) -> None:
    # A transaction that only finds out at its first write that it has to wait may not wait at all.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _in_savepoint(connection: Connection, work: Work) -> None:
    with connection.begin_nested():
        work(connection)


@contextmanager
def _told() -> Iterator[None]:
    """No exception of the library crosses the port."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as exc:
        raise StoreError(f"the database refused: {exc.__class__.__name__}") from exc


def _text(statement: Select[Any], engine: Engine) -> str:
    """The statement in the words of the engine's database, its parameters by position."""
    return str(statement.compile(dialect=engine.dialect))


def _portions(identifiers: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(identifiers), MAX_VARIABLES):
        yield identifiers[at : at + MAX_VARIABLES]


def _select(query: DeviceQuery) -> Select[Any]:
    statement = select(*_STORED).order_by(devices.c.identifier).limit(query.limit)
    if query.after:
        statement = statement.where(devices.c.identifier > query.after)
    for member, values in query.filters.items():
        statement = statement.where(devices.c[member].in_(values))
    return statement


def _apply(connection: Connection, changes: Sequence[Change]) -> None:
    inserts = [change for change in changes if change.expected is None]
    if inserts:
        _insert(connection, inserts)
    for change in changes:
        if change.expected is not None:
            _change(connection, change)


def _insert(connection: Connection, changes: Sequence[Change]) -> None:
    try:
        connection.execute(_INSERT, [_row(change) for change in changes])
    except IntegrityError as exc:
        raise ChangeConflict(changes[0].identifier) from exc


def _change(connection: Connection, change: Change) -> None:
    key = {"key": change.identifier, "expected": change.expected}
    if change.document is None:
        result = connection.execute(_DELETE, key)
    else:
        result = connection.execute(_UPDATE, _row(change) | key)
    if result.rowcount != 1:
        raise ChangeConflict(change.identifier)


def _row(change: Change) -> dict[str, Any]:
    if change.document is None:
        raise ValueError("a change that expects no device has to bring one")
    stored = store_form(change.document)
    row: dict[str, Any] = {member: change.document.get(member) for member in FILTERS}
    row.update(
        identifier=stored.identifier, revision=stored.revision, etag=stored.etag, body=stored.body
    )
    return row
