"""Reads settings from environment variables. What is not right is refused by its name."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class SettingFault(ValueError):
    """An environment variable is unknown, missing or has no valid value; the message names it."""


def refuse_unknown(environ: Mapping[str, str], prefix: str, known: Collection[str]) -> None:
    """``SettingFault`` when a variable with the prefix is none of the known ones."""
    unknown = [name for name in environ if name.startswith(prefix) and name not in known]
    if unknown:
        raise SettingFault(f"{unknown[0]} is not a setting; there are: {', '.join(known)}")


def read_number(
    environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int
) -> int:
    """A whole number from ``lowest`` to ``highest``."""
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingFault(f"{name} is {text!r}; a number from {lowest} to {highest} is right")
    return int(text)


def read_port(environ: Mapping[str, str], name: str, default: int) -> int:
    """A TCP port."""
    return read_number(environ, name, default, 1, 65535)


def read_workers(environ: Mapping[str, str], name: str) -> int:
    """How many processes: one per two cores, and at least one, when it is not set."""
    return read_number(environ, name, max(1, (os.cpu_count() or 1) // 2), 1, 256)


def read_log_level(environ: Mapping[str, str]) -> str:
    """``LOG_LEVEL``, one of ``LOG_LEVELS``."""
    level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if level not in LOG_LEVELS:
        raise SettingFault(f"LOG_LEVEL is {level!r}; {', '.join(LOG_LEVELS)} are right")
    return level


def read_data_folder(environ: Mapping[str, str]) -> Path:
    """``DOORSTEP_DATA``, which need not exist yet."""
    folder = Path(environ.get("DOORSTEP_DATA") or ".data").absolute()
    if folder.exists() and not folder.is_dir():
        raise SettingFault(f"DOORSTEP_DATA is {folder}, which is not a folder")
    nearest = next(parent for parent in (folder, *folder.parents) if parent.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        raise SettingFault(f"DOORSTEP_DATA is {folder}, which this user cannot write to")
    return folder
