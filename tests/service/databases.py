"""A store of its own for each test; a test is skipped where its server is missing."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.stores import SERVER_VARIABLE, STORES
from contracts.stores import a_store as a_store_of_its_own

__all__ = ["STORES", "a_store"]


@contextmanager
def a_store(kind: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """The settings that have the services use it; it is gone afterwards."""
    if kind == "postgresql" and not os.environ.get(SERVER_VARIABLE):
        assert not os.environ.get("CI"), f"CI has to name a PostgreSQL server in {SERVER_VARIABLE}"
        pytest.skip(f"{SERVER_VARIABLE} names no PostgreSQL server")
    with a_store_of_its_own(kind, folder) as settings:
        yield settings
