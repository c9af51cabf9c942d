"""Connections of the SQL stores: to read with, to write with, and the schema that both find."""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol, cast

import alembic.command
from alembic.config import Config
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).with_name("migrations")
Errors = tuple[type[Exception], ...]  # what SQLAlchemy and the driver raise
WRITERS = 0x646F6F72  # the advisory lock that PostgreSQL's writers take turns by
CACHE = 16 * 1024  # KiB of pages for each connection to SQLite, as far as they are used
BUSY_TIMEOUT = 10_000  # milliseconds that a writer waits for another process's transaction


class Driver(Protocol):
    """What is used of a connection of sqlite3 and of psycopg alike."""

    def execute(self, query: str, parameters: Any = ...) -> Any:
        """A cursor."""
        ...

    def cursor(self) -> Any:
        """A new cursor."""
        ...

    def close(self) -> None:
        """Gives the connection up."""
        ...


class Readers:
    """Connections to read with, in no transaction. As many as are idle are kept for the next."""

    def __init__(self, engine: Engine, errors: Errors, kept: int) -> None:
        self._engine = engine
        self._errors = errors
        self._idle: deque[Driver] = deque()
        self._kept = kept

    def rows(self, text: str, values: Mapping[str, Any]) -> list[Any]:
        """What the statement finds; on a new connection when the server has closed the old one."""
        try:
            driver = self._idle.pop()
        except IndexError:
            driver = self._open()
        try:
            return self._run(driver, text, values)
        except self._errors:
            if not _is_closed(driver):
                raise
        self._close_idle()  # whoever closed this one has closed the others too
        return self._run(self._open(), text, values)

    def close(self) -> None:
        """Closes those that are idle, and each that is in use when it is given back."""
        self._kept = 0
        self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            with suppress(IndexError):  # another thread was quicker
                self._idle.pop().close()

    def _run(self, driver: Driver, text: str, values: Mapping[str, Any]) -> list[Any]:
        try:
            return cast(list[Any], driver.execute(text, values).fetchall())
        finally:
            self._give_back(driver)

    def _give_back(self, driver: Driver) -> None:
        if len(self._idle) < self._kept and not _is_closed(driver):
            self._idle.append(driver)
        else:
            driver.close()

    def _open(self) -> Driver:
        pooled = self._engine.raw_connection()
        driver = cast(Driver, pooled.driver_connection)
        pooled.detach()  # it is ours to close
        return driver


def _is_closed(driver: Driver) -> bool:
    # sqlite3 has no such attribute, and nobody to close its connections.
    return getattr(driver, "closed", False)


def migrate(engine: Engine) -> None:
    """Brings the database to the newest schema. Processes that start together take turns."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def engines(place: URL) -> tuple[Engine, Engine]:
    """One to read, whose connections are in no transaction, and one for the one writer."""
    if place.get_backend_name() == "sqlite":
        options: dict[str, Any] = {"paramstyle": "named"}
        configure, begin = _configure_sqlite, "BEGIN IMMEDIATE"
    else:
        options = {}
        configure, begin = None, f"SELECT pg_advisory_xact_lock({WRITERS})"
    reader = create_engine(place, isolation_level="AUTOCOMMIT", poolclass=NullPool, **options)
    writer = create_engine(place, pool_size=1, max_overflow=0, pool_pre_ping=True, **options)
    if configure is not None:
        event.listen(reader, "connect", configure)
        event.listen(writer, "connect", configure)
    # On SQLite, a transaction that only finds out at its first write that it has to wait may not
    # wait at all; on PostgreSQL, changes have to be committed in the order of their sequences.
    event.listen(writer, "begin", lambda connection: _begin(connection, begin))
    return reader, writer


def _begin(connection: Connection, statement: str) -> None:
    connection.exec_driver_sql(statement)


def _configure_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # Python's driver would begin transactions by its own, late and not for DDL.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{CACHE}")
