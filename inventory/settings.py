"""The inventory's settings, read once from the environment and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

KNOWN = ("INVENTORY_HOST", "INVENTORY_PORT", "INVENTORY_WORKERS", "INVENTORY_THREADS",
         "INVENTORY_URL")  # fmt: skip
SHELVE = "shelve:"
SQLITE = "sqlite:///"


class SettingFault(ValueError):
    """An environment variable is unknown or has no valid value; the message names it."""


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

    @property
    def key_set(self) -> Path:
        """Where the gateway leaves its public keys."""
        return self.data / "gateway.jwks.json"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in ``environ``, or ``SettingFault``."""
    unknown = [n for n in environ if n.startswith("INVENTORY_") and n not in KNOWN]
    if unknown:
        raise SettingFault(f"{unknown[0]} is not a setting; there are: {', '.join(KNOWN)}")
    data = Path(environ.get("DOORSTEP_DATA") or ".data").absolute()
    settings = Settings(
        data=data,
        database_url=environ.get("DATABASE_URL") or f"{SQLITE}{data / 'inventory.db'}",
        host=environ.get("INVENTORY_HOST") or "127.0.0.1",
        port=_number(environ, "INVENTORY_PORT", 8081, 1, 65535),
        workers=_number(environ, "INVENTORY_WORKERS", max(1, (os.cpu_count() or 1) // 2), 1, 256),
        threads=_number(environ, "INVENTORY_THREADS", 8, 1, 256),
        log_level=_log_level(environ),
    )
    _check_database(settings)
    return settings


def _number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingFault(f"{name} is {text!r}; a number from {lowest} to {highest} is right")
    return int(text)


def _log_level(environ: Mapping[str, str]) -> str:
    level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingFault(f"LOG_LEVEL is {level!r}; DEBUG, INFO, WARNING or ERROR is right")
    return level


def _check_database(settings: Settings) -> None:
    url = settings.database_url
    if not url.startswith((SHELVE, SQLITE)):
        scheme = url.partition(":")[0]  # the rest may hold a password
        raise SettingFault(
            f"DATABASE_URL begins with {scheme}:; sqlite:///file or shelve:folder is right"
        )
    if url.startswith(SHELVE) and settings.workers > 1:
        raise SettingFault(
            f"INVENTORY_WORKERS is {settings.workers}, but the shelve store serves one process;"
            " set INVENTORY_WORKERS=1"
        )
