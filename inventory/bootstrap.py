"""What the service and the worker are both built on."""

from __future__ import annotations

import datetime
import secrets
import uuid
from pathlib import Path

from inventory.attribute_schemas import CompiledSchemas
from inventory.domain.resource import timestamp
from inventory.domain.store import Store
from inventory.settings import SHELVE, SQLITE, Settings
from inventory.stores.shelve_store import ShelveStore
from inventory.stores.sql_store import SQLStore, open_sqlite
from inventory.work import Sources


def open_store(settings: Settings, threads: int) -> Store:
    """The store that ``DATABASE_URL`` names, for as many threads at once."""
    url = settings.database_url
    if url.startswith(SHELVE):
        return ShelveStore(Path(url.removeprefix(SHELVE)))
    if url.startswith(SQLITE):
        return open_sqlite(Path(url.removeprefix(SQLITE)), threads=threads)
    return SQLStore(url, threads=threads)


def real_sources() -> Sources:
    """The time and chance of this machine."""
    return Sources(
        now=_now,
        uid=lambda: str(uuid.uuid4()),
        identifier=lambda: secrets.token_hex(12),
        schemas=CompiledSchemas(),
    )


def _now() -> str:
    return timestamp(datetime.datetime.now(datetime.UTC))
