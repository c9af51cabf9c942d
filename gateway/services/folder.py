"""Finds the documents of the plugged-in services: the files of one folder, by their names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

from gateway.services.findings import Finding
from openapi import CONTRACT

SUFFIXES = (".yaml", ".yml", ".json")
# Their <SERVICE>_URL is taken, or begins as the gateway's own settings do.
RESERVED = ("database", "gateway", "oidc", "openapi", "redis", "unlimited")
_OURS = (CONTRACT, CONTRACT.with_name("x-gateway.schema.json"))
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


def documents_in(folder: Path) -> list[Path]:
    """The files of the folder that are documents, by name; those of the contract are not."""
    ours = {file.resolve() for file in _OURS}
    files = sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES)
    # An editor's, or a container mount's, hidden files are not meant.
    return [f for f in files if f.resolve() not in ours and not f.name.startswith(".")]


def name_findings(files: Iterable[Path], taken: Collection[str]) -> Iterable[Finding]:
    """Names that no service can have; ``taken``: those of the contract's own services."""
    seen: dict[str, Path] = {}
    for file in files:
        name = file.stem
        if not _NAME.fullmatch(name):
            message = f"no service can be called {name!r}: small letters, digits and - are right"
            yield Finding(file, 1, "its name", message)
        elif name in RESERVED:
            yield Finding(file, 1, "its name", f"{name} is not free: {_variable(name)} is taken")
        elif name in taken:
            yield Finding(file, 1, "its name", f"{name} is a service of the contract already")
        elif seen.setdefault(name, file) is not file:
            yield Finding(file, 1, "its name", f"{seen[name].name} is of the same service")


def _variable(name: str) -> str:
    return f"{name.upper()}_URL"
