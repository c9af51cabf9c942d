"""A store of its own for services that are started, of every kind that there is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import create_engine, text

STORES = ("sqlite", "postgresql", "shelve")
SERVER_VARIABLE = "TEST_DATABASE_URL"


class NoServer(RuntimeError):
    """No PostgreSQL server is named."""


@contextmanager
def a_store(kind: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The settings that have the services use it; it is gone afterwards.

    ``NoServer`` when it is PostgreSQL and ``TEST_DATABASE_URL`` does not say where.
    """
    if kind == "postgresql":
        with _a_schema() as url:
            yield {"DATABASE_URL": url}
    elif kind == "shelve":
        # A shelf is one process's alone.
        yield {"DATABASE_URL": f"shelve:{folder / 'shelf'}", "INVENTORY_WORKERS": "1"}
    else:
        yield {}


@contextmanager
def _a_schema() -> Iterator[str]:
    """The URL of a schema on the server that ``TEST_DATABASE_URL`` names."""
    url = os.environ.get(SERVER_VARIABLE)
    if not url:
        raise NoServer(f"{SERVER_VARIABLE} names no PostgreSQL server")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    name = f"test_{secrets.token_hex(6)}"
    with engine.connect() as connection:
        connection.execute(text(f"CREATE SCHEMA {name}"))
    try:
        option = quote(f"-csearch_path={name}", safe="")
        yield f"{url}{'&' if '?' in url else '?'}options={option}"
    finally:
        with engine.connect() as connection:
            connection.execute(text(f"DROP SCHEMA {name} CASCADE"))
        engine.dispose()
