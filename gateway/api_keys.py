"""API keys: made, kept as hashes, and looked up. A key is ``dsk_<id>_<secret>``."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from gateway import moments
from gateway.key_database import EVERY_SCOPE, KeyDatabaseFault, api_keys, open_database

__all__ = ["ApiKey", "ApiKeys", "KeyDatabaseFault", "KeyRecord"]

REMEMBERED = 4096  # keys that were looked up lately
FRESH = 1.0  # seconds after which a key is looked up again, so that a revocation is seen
USES_WRITTEN = 60.0  # seconds between two writes of when a key was last used

_KEY = re.compile(r"dsk_([0-9a-f]{16})_([A-Za-z0-9_-]{43})")

_LIVE = select(api_keys).where(
    api_keys.c.id == bindparam("key_id"),
    api_keys.c.revoked_at.is_(None),
    or_(api_keys.c.expires_at.is_(None), api_keys.c.expires_at > bindparam("now")),
)
_KNOWN = select(api_keys).where(api_keys.c.revoked_at.is_(None))
_USED = (
    update(api_keys)
    .where(
        api_keys.c.id == bindparam("used"),
        or_(api_keys.c.last_used_at.is_(None), api_keys.c.last_used_at <= bindparam("before")),
    )
    .values(last_used_at=bindparam("at"))
)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key that is good, without its secret. ``customer``: the one that it is bound to.

    ``unlimited``: no rate limit holds for it.
    """

    id: str
    name: str
    scopes: frozenset[str]
    customer: str | None = None
    unlimited: bool = False


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What is kept of a key that was not revoked, without its secrets. Moments are RFC 3339.

    ``previous_until``: how long the secret before the last rotation is good. ``first``: it is the
    one that the first start made.
    """

    id: str
    name: str
    scopes: frozenset[str]
    customer: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None
    previous_until: str | None
    first: bool


Check = Callable[[KeyRecord], None]


class ApiKeys:
    """The keys in the gateway's own SQLite file, shared by all of its workers."""

    def __init__(self, file: Path, every_scope: Collection[str] = ()) -> None:
        """Opens the file, makes it when there is none, and brings it to the newest schema.

        ``every_scope``: what a key with all scopes has.
        """
        self._every_scope = frozenset(every_scope)
        self._engine = open_database(file)
        self._reader = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._lately: dict[str, tuple[float, ApiKey | None]] = {}
        self._used: dict[str, str] = {}

    def create(
        self,
        name: str,
        scopes: Collection[str],
        customer: str | None = None,
        expires_at: str | None = None,
        *,
        unlimited: bool = False,
    ) -> str:
        """Makes a key and returns it: the only time that its secret is seen.

        ``scopes``: ``EVERY_SCOPE`` alone for all, also those that the contract gets later.
        ``customer``: whose things alone it opens; None: everybody's. ``expires_at``: as ``moments``
        writes them. ``unlimited``: no rate limit holds for it.
        """
        with self._engine.begin() as connection:
            more = {"customer": customer, "expires_at": expires_at, "unlimited": unlimited}
            return _create(connection, name, scopes, more)

    def create_first(self, name: str, file: Path) -> bool:
        """Makes the first key, with all scopes and no rate limit, and writes it to ``file`` (0600).

        False when there is, or was, one.

        Workers that start together take turns, and a crash leaves no key that nobody knows.
        """
        with self._engine.begin() as connection:
            if connection.execute(select(api_keys.c.id).where(api_keys.c.first)).first():
                return False
            file.unlink(missing_ok=True)
            file.touch(mode=0o600)
            more = {"first": True, "unlimited": True}
            file.write_text(_create(connection, name, [EVERY_SCOPE], more) + "\n")
        return True

    def revoke(self, key_id: str, check: Check | None = None) -> bool:
        """Ends a key; False when there is no such key, or it was ended before."""
        return self.change(key_id, {"revoked_at": moments.now()}, check)

    def rotate(self, key_id: str, overlap: float, check: Check | None = None) -> str | None:
        """The key with a new secret; None when there is no such key.

        The secret that it had is good for ``overlap`` seconds more; the one before it no longer.
        """
        secret = secrets.token_urlsafe(32)
        values = {
            "previous_hash": api_keys.c.secret_hash,  # SQL's SET sees the row as it was
            "secret_hash": _hash(secret),
            "previous_until": moments.now(overlap),
        }
        return f"dsk_{key_id}_{secret}" if self.change(key_id, values, check) else None

    def change(self, key_id: str, values: Mapping[str, Any], check: Check | None = None) -> bool:
        """Sets columns of a key; False when there is no such key.

        ``check`` gets the key as it is and may raise: nobody changes the key in between.
        """
        with self._engine.begin() as connection:
            row = connection.execute(_KNOWN.where(api_keys.c.id == key_id)).first()
            if row is None:
                return False
            if check is not None:
                check(self._record(row))
            connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(**values))
        return True

    def all(self) -> list[dict[str, Any]]:
        """Every key that there ever was, oldest first, without hashes."""
        hidden = ("secret_hash", "previous_hash", "first")
        columns = [column for column in api_keys.c if column.name not in hidden]
        statement = select(*columns).order_by(api_keys.c.created_at)
        with self._reader.connect() as connection:
            return [dict(row._mapping) for row in connection.execute(statement)]

    def record(self, key_id: str) -> KeyRecord | None:
        """What is kept of the key, if there is one and it was not revoked."""
        with self._reader.connect() as connection:
            row = connection.execute(_KNOWN.where(api_keys.c.id == key_id)).first()
        return self._record(row) if row else None

    def page(self, after: str, limit: int, customer: str | None) -> list[KeyRecord]:
        """Keys that were not revoked, by their ids; ``customer``: of that customer alone."""
        statement = _KNOWN.where(api_keys.c.id > after).order_by(api_keys.c.id).limit(limit)
        if customer is not None:
            statement = statement.where(api_keys.c.customer == customer)
        with self._reader.connect() as connection:
            return [self._record(row) for row in connection.execute(statement)]

    def verify(self, key: str) -> ApiKey | None:
        """The key, if its secret is right, and it is neither revoked nor expired."""
        match = _KEY.fullmatch(key)
        return self._verify(match[1], match[2]) if match else None

    def verify_parts(self, key_id: str, secret: str) -> ApiKey | None:
        """As ``verify``, of a key that comes in its two parts."""
        if not _KEY.fullmatch(f"dsk_{key_id}_{secret}"):
            return None
        return self._verify(key_id, secret)

    def _verify(self, key_id: str, secret: str) -> ApiKey | None:
        cached = f"{key_id} {secret}"
        at, found = self._lately.get(cached, (-FRESH, None))
        if time.monotonic() - at < FRESH:
            return found
        found = self._look_up(key_id, secret)
        if len(self._lately) >= REMEMBERED:
            self._lately.clear()
        self._lately[cached] = (time.monotonic(), found)
        return found

    def find(self, key_id: str) -> ApiKey | None:
        """The key, if there is one, and it is neither revoked nor expired."""
        now = moments.now()
        with self._reader.connect() as connection:
            row = connection.execute(_LIVE, {"key_id": key_id, "now": now}).first()
        return self._key(row, now) if row else None

    def _look_up(self, key_id: str, secret: str) -> ApiKey | None:
        now = moments.now()
        with self._reader.connect() as connection:
            row = connection.execute(_LIVE, {"key_id": key_id, "now": now}).first()
        given = _hash(secret)
        # The hash is compared even with no row, so that time does not tell which ids exist.
        right = hmac.compare_digest(given, row.secret_hash if row else "")
        before = hmac.compare_digest(given, (row.previous_hash if row else None) or "")
        if row is None or not (right or (before and row.previous_until > now)):
            return None
        return self._key(row, now)

    def write_uses(self) -> None:
        """Writes when keys were last used: in one transaction, each at most once a minute.

        A use is only noted in memory until then, where a key is looked up.
        """
        used, self._used = self._used, {}
        before = moments.now(-USES_WRITTEN)
        uses = [{"used": key_id, "at": at, "before": before} for key_id, at in used.items()]
        if uses:
            with self._engine.begin() as connection:
                connection.execute(_USED, uses)

    def close(self) -> None:
        """Closes the connections."""
        self._engine.dispose()

    def _key(self, row: Any, now: str) -> ApiKey:
        self._used[row.id] = now
        return ApiKey(row.id, row.name, self._scopes(row), row.customer, row.unlimited)

    def _record(self, row: Any) -> KeyRecord:
        return KeyRecord(
            row.id,
            row.name,
            self._scopes(row),
            row.customer,
            row.created_at,
            row.expires_at,
            row.last_used_at,
            row.previous_until,
            bool(row.first),
        )

    def _scopes(self, row: Any) -> frozenset[str]:
        return self._every_scope if row.scopes == EVERY_SCOPE else frozenset(row.scopes.split())


def _create(
    connection: Connection, name: str, scopes: Collection[str], more: Mapping[str, Any]
) -> str:
    key_id, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    row = {
        "id": key_id,
        "secret_hash": _hash(secret),
        "name": name,
        "scopes": " ".join(sorted(scopes)),
        "created_at": moments.now(),
    }
    connection.execute(insert(api_keys), row | dict(more))
    return f"dsk_{key_id}_{secret}"


def _hash(secret: str) -> str:
    # 256 random bits cannot be guessed, so a slow password hash would protect nothing.
    return hashlib.sha256(secret.encode()).hexdigest()
