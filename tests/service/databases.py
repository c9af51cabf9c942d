"""A store of its own for each test, of every kind that there is."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from sqlalchemy import create_engine, text

STORES = ("sqlite", "postgresql", "shelve")


@contextmanager
def a_store(kind: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The settings that have the services use it; it is gone afterwards."""
    if kind == "postgresql":
        with a_schema() as url:
            yield {"DATABASE_URL": url}
    elif kind == "shelve":
        yield {"DATABASE_URL": f"shelve:{folder / 'shelf'}"}
    else:
        yield {}


@contextmanager
def a_schema() -> Iterator[str]:
    """The URL of a schema on the PostgreSQL server that ``TEST_DATABASE_URL`` names."""
    url = os.environ.get("TEST_DATABASE_URL")
    if not url:
        assert not os.environ.get("CI"), "CI has to name a PostgreSQL server in TEST_DATABASE_URL"
        pytest.skip("TEST_DATABASE_URL names no PostgreSQL server")
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
