"""Devices in a SQL database, by SQLAlchemy Core. SQLite is the embedded default."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import (
    BindParameter,
    ClauseElement,
    Connection,
    Engine,
    Select,
    bindparam,
    create_engine,
    delete,
    event,
    false,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.sql.compiler import SQLCompiler

from inventory.domain.device import StoredDevice, store_form
from inventory.domain.store import FILTERS, Change, ChangeConflict, DeviceQuery, StoreError
from inventory.stores.group_commit import GroupCommit
from inventory.stores.sql_schema import devices

BUSY_TIMEOUT = 10_000  # milliseconds that a writer waits for another process's transaction
MAX_VARIABLES = 500  # values in one IN list
MAX_SHAPES = 256  # statements of lists that are kept, one for each combination of filters

# The members to filter by, each with the number of its values: a statement for each shape.
Shape = tuple[tuple[str, int], ...]
Row = tuple[Change, dict[str, Any]]

_MIGRATIONS = Path(__file__).with_name("migrations")
_STORED = (devices.c.identifier, devices.c.revision, devices.c.etag, devices.c.body)
_GET = select(*_STORED).where(devices.c.identifier == bindparam("identifier"))
_AS_EXPECTED = (
    devices.c.identifier == bindparam("key"),
    devices.c.revision == bindparam("expected"),
)
# An identifier that is taken is no error in these words: the statement just changes no row.
_INSERT = (
    insert(devices)
    .values({column: bindparam(column.name) for column in devices.c})
    .on_conflict_do_nothing()
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
        self._get = Prepared(_GET, self._reader)
        self._find: dict[Shape, Prepared] = {}
        self._local = threading.local()
        self._insert = Prepared(_INSERT, self._writer)
        self._update = Prepared(_UPDATE, self._writer)
        self._delete = Prepared(_DELETE, self._writer)
        self._commits = GroupCommit(self._transaction)

    def get(self, identifier: str) -> StoredDevice | None:
        """The device, or None."""
        with _told():
            row = self._connection().execute(self._get.text, (identifier,)).fetchone()
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
        statement = self._statement(_shape(query))
        with _told():
            rows = self._connection().execute(statement.text, statement.values(_values(query)))
            return [StoredDevice(*row) for row in rows]

    def _statement(self, shape: Shape) -> Prepared:
        statement = self._find.get(shape)
        if statement is None:
            if len(self._find) >= MAX_SHAPES:
                self._find.clear()
            statement = self._find[shape] = Prepared(_select(shape), self._reader)
        return statement

    def apply(self, changes: Sequence[Change]) -> None:
        """Applies all changes or none, durably."""
        rows = [(change, _row(change)) for change in changes]
        with _told():
            self._commits.run(lambda connection: self._apply(connection, rows))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction of the group commit's thread, committed and on the disk at its end."""
        with self._writer.begin() as connection:
            driver = connection.connection.driver_connection
            assert driver is not None
            yield driver

    def _apply(self, connection: sqlite3.Connection, rows: list[Row]) -> None:
        if len(rows) == 1:
            self._change(connection, *rows[0])  # one statement does all or nothing by itself
            return
        connection.execute("SAVEPOINT batch")
        try:
            for change, row in rows:
                self._change(connection, change, row)
        except BaseException:
            connection.execute("ROLLBACK TO batch")
            raise
        finally:
            connection.execute("RELEASE batch")

    def _change(self, connection: sqlite3.Connection, change: Change, row: dict[str, Any]) -> None:
        if change.expected is None:
            statement = self._insert
        elif change.document is None:
            statement = self._delete
        else:
            statement = self._update
        if connection.execute(statement.text, statement.values(row)).rowcount != 1:
            raise ChangeConflict(change.identifier)

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


@contextmanager
def _told() -> Iterator[None]:
    """No exception of the library crosses the port."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as exc:
        raise StoreError(f"the database refused: {exc.__class__.__name__}") from exc


class Prepared:
    """A statement that SQLAlchemy wrote once, in the database's own words.

    The frequent reads run it on the driver's connection: SQLAlchemy's way to a row takes 126 µs,
    this one 14.
    """

    def __init__(self, statement: ClauseElement, engine: Engine) -> None:
        compiled = statement.compile(dialect=engine.dialect)
        assert isinstance(compiled, SQLCompiler)
        self.text = str(compiled)
        self._names = list(compiled.positiontup or ())
        self._fixed = compiled.params

    def values(self, given: Mapping[str, Any]) -> list[Any]:
        """The parameters in the order in which the text wants them."""
        return [given.get(name, self._fixed[name]) for name in self._names]


def _portions(identifiers: list[str]) -> Iterator[list[str]]:
    for at in range(0, len(identifiers), MAX_VARIABLES):
        yield identifiers[at : at + MAX_VARIABLES]


def _shape(query: DeviceQuery) -> Shape:
    return tuple((member, len(values)) for member, values in query.filters.items())


def _select(shape: Shape) -> Select[Any]:
    statement = select(*_STORED).where(devices.c.identifier > bindparam("after"))
    for member, count in shape:
        values: list[BindParameter[str]] = [bindparam(f"{member}_{at}") for at in range(count)]
        statement = statement.where(devices.c[member].in_(values) if values else false())
    return statement.order_by(devices.c.identifier).limit(bindparam("limit"))


def _values(query: DeviceQuery) -> dict[str, Any]:
    values: dict[str, Any] = {"after": query.after, "limit": query.limit}
    for member, wanted in query.filters.items():
        values.update((f"{member}_{at}", value) for at, value in enumerate(wanted))
    return values


def _row(change: Change) -> dict[str, Any]:
    """The parameters of whichever statement makes the change."""
    row: dict[str, Any] = {"key": change.identifier, "expected": change.expected}
    if change.document is not None:
        stored = store_form(change.document)
        row.update((member, change.document.get(member)) for member in FILTERS)
        row.update(
            identifier=stored.identifier,
            revision=stored.revision,
            etag=stored.etag,
            body=stored.body,
        )
    return row
