"""API keys: made, kept as hashes, and looked up. A key is ``dsk_<id>_<secret>``."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import alembic.command
from alembic.config import Config
from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    String,
    Table,
    Text,
    bindparam,
    create_engine,
    event,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.engine import URL

REMEMBERED = 4096  # keys that were looked up lately
FRESH = 1.0  # seconds after which a key is looked up again, so that a revocation is seen

_KEY = re.compile(r"dsk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")
_MIGRATIONS = Path(__file__).with_name("migrations")

metadata = MetaData()
api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("secret_hash", String(64), nullable=False),
    Column("name", String(200), nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", String(32), nullable=False),
    Column("revoked_at", String(32)),
)
_LIVE = select(api_keys).where(
    api_keys.c.id == bindparam("key_id"), api_keys.c.revoked_at.is_(None)
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is good, without its secret."""

    id: str
    name: str
    scopes: frozenset[str]


class ApiKeys:
    """The keys in the gateway's own SQLite file, shared by all of its workers."""

    def __init__(self, file: Path) -> None:
        """Opens the file, makes it when there is none, and brings it to the newest schema."""
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._engine = create_engine(URL.create("sqlite", database=str(file)))
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin_immediate)
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lately: dict[str, tuple[float, ApiKey | None]] = {}
        _migrate(self._engine)
        file.chmod(0o600)

    def create(self, name: str, scopes: Collection[str]) -> str:
        """Makes a key and returns it: the only time that its secret is seen."""
        with self._engine.begin() as connection:
            return _create(connection, name, scopes)

    def create_first(self, name: str, scopes: Collection[str], file: Path) -> bool:
        """Makes the first key of all and writes it to ``file`` (0600); False when there is one.

        Workers that start together take turns, and a crash leaves no key that nobody knows.
        """
        with self._engine.begin() as connection:
            if connection.execute(select(func.count()).select_from(api_keys)).scalar_one():
                return False
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
            file.write_text(_create(connection, name, scopes) + "\n")
        return True

    def revoke(self, key_id: str) -> bool:
        """Ends a key; False when there is no such key, or it was ended before."""
        statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
        with self._engine.begin() as connection:
            return connection.execute(statement.values(revoked_at=_now())).rowcount == 1

    def all(self) -> list[dict[str, Any]]:
        """Every key that there ever was, oldest first, without hashes."""
        columns = [column for column in api_keys.c if column.name != "secret_hash"]
        statement = select(*columns).order_by(api_keys.c.created_at)
        with self._reader.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(statement)]

    def verify(self, key: str) -> ApiKey | None:
        """The key, if its secret is right and it was not revoked."""
        match = _KEY.fullmatch(key)
        return self.verify_parts(match[1], match[2]) if match else None

    def verify_parts(self, key_id: str, secret: str) -> ApiKey | None:
        """As ``verify``, of a key that comes in its two parts."""
        cached = f"{key_id} {secret}"
        at, found = self._lately.get(cached, (-FRESH, None))
        if time.monotonic() - at < FRESH:
            return found
        found = self._look_up(key_id, secret)
        if len(self._lately) >= REMEMBERED:
            self._lately.clear()
        self._lately[cached] = (time.monotonic(), found)
        return found

    def is_live(self, key_id: str) -> bool:
        """Whether there is such a key and it was not revoked."""
        with self._reader.connect() as connection:
            return connection.execute(_LIVE, {"key_id": key_id}).first() is not None

    def _look_up(self, key_id: str, secret: str) -> ApiKey | None:
        with self._reader.connect() as connection:
            row = connection.execute(_LIVE, {"key_id": key_id}).first()
        # The hash is compared even with no row, so that time does not tell which ids exist.
        expected = row.secret_hash if row else ""
        if not hmac.compare_digest(_hash(secret), expected) or row is None:
            return None
        return ApiKey(row.id, row.name, frozenset(row.scopes.split()))

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()


def _create(connection: Connection, name: str, scopes: Collection[str]) -> str:
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "secret_hash": _hash(secret),
        "name": name,
        "scopes": " ".join(sorted(scopes)),
        "created_at": _now(),
    }
    connection.execute(insert(api_keys), row)
    return f"dsk_{key_id}_{secret}"


def _hash(secret: str) -> str:
    # 256 random bits cannot be guessed, so a slow password hash would protect nothing.
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _migrate(engine: Any) -> None:
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
