"""The gateway's own SQLite file: its tables, and how it is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    MetaData,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.engine import URL
from sqlalchemy.exc import SQLAlchemyError

MAX_NAME = 200  # characters

_MIGRATIONS = Path(__file__).with_name("migrations")

metadata = MetaData()
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("name", String(MAX_NAME), nullable=False),
    Column("scopes", Text, nullable=False),  # with a space between them, or EVERY_SCOPE
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
    Column("customer", String(128)),
    Column("expires_at", String(32)),
    Column("last_used_at", String(32)),
    Column("previous_hash", String(64)),  # of the secret before the last rotation
    Column("previous_until", String(32)),
    Column("first", Boolean),  # the one that the first start made
    Column("unlimited", Boolean, nullable=False, default=False),  # by rate limits
)
EVERY_SCOPE = "*"


class KeyDatabaseFault(Exception):
    """The file of the keys cannot be used; the message says why."""


def open_database(file: Path) -> Engine:
    """Opens the file, makes it when there is none (0600), and brings it to the newest schema."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(URL.create("sqlite", database=str(file)))
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin_immediate)
    file.touch(mode=0o600)
    try:
        _migrate(engine)
    except SQLAlchemyError as exc:
        raise KeyDatabaseFault(f"{file} cannot be used: {exc.__cause__ or exc}") from exc
    return engine


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")


def _configure(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_immediate(connection: Connection) -> None:
    if connection.get_execution_options().get("isolation_level") != "AUTOCOMMIT":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
