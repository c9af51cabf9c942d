"""The inventory's settings, read once from the environment and checked before anything starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from openapi.environment import (
    SettingFault,
    read_data_folder,
    read_log_level,
    read_number,
    read_port,
    read_workers,
    refuse_unknown,
)

KNOWN = ("INVENTORY_HOST", "INVENTORY_PORT", "INVENTORY_WORKERS", "INVENTORY_THREADS",
         "INVENTORY_URL", "RETENTION_DAYS")  # fmt: skip
SHELVE = "shelve:"
SQLITE = "sqlite:///"
POSTGRESQL = "postgresql+psycopg://"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Ports are TCP, ``threads`` is per worker process."""

    data: Path
    database_url: str
    host: str
    port: int
    workers: int
    threads: int
    log_level: str
    retention_days: int = 30

    @property
    def secret(self) -> Path:
        """What cursors are signed with; every process of the inventory shares it."""
        return self.data / "inventory.secret"

    @property
    def metrics(self) -> Path:
        """The folder that the workers of this port count in."""
        return self.data / "metrics" / f"inventory-{self.port}"

    @property
    def key_set(self) -> Path:
        """Where the gateway leaves its public keys."""
        return self.data / "gateway.jwks.json"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in ``environ``, or ``SettingFault``."""
    refuse_unknown(environ, "INVENTORY_", KNOWN)
    data = read_data_folder(environ)
    url = environ.get("DATABASE_URL") or f"{SQLITE}{data / 'inventory.db'}"
    _check_database(url)
    return Settings(
        data=data,
        database_url=url,
        host=environ.get("INVENTORY_HOST") or "127.0.0.1",
        port=read_port(environ, "INVENTORY_PORT", 8081),
        workers=_workers(environ, url),
        threads=read_number(environ, "INVENTORY_THREADS", 16, 1, 256),
        log_level=read_log_level(environ),
        retention_days=read_number(environ, "RETENTION_DAYS", 30, 1, 36_500),
    )


def _workers(environ: Mapping[str, str], database_url: str) -> int:
    if not database_url.startswith(SHELVE):
        return read_workers(environ, "INVENTORY_WORKERS")
    workers = read_number(environ, "INVENTORY_WORKERS", 1, 1, 256)
    if workers > 1:
        raise SettingFault(
            f"INVENTORY_WORKERS is {workers}, but the shelve store serves one process;"
            " set INVENTORY_WORKERS=1"
        )
    return workers


def _check_database(url: str) -> None:
    if not url.startswith((SHELVE, SQLITE, POSTGRESQL)):
        scheme = url.partition(":")[0]  # the rest may hold a password
        raise SettingFault(
            f"DATABASE_URL begins with {scheme}:; sqlite:///file, shelve:folder"
            " or postgresql+psycopg://user:password@host/database is right"
        )
    if url in (SHELVE, SQLITE):
        raise SettingFault(f"DATABASE_URL is {url}, which names no file or folder")
