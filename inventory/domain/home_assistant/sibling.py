"""The registry files beside the device registry, of which any may be missing or odd."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def entries(registry: object, member: str) -> Iterator[dict[str, Any]]:
    """The objects of the list ``data.member`` of a registry file; whatever else is passed over."""
    return (entry for _, entry in numbered_entries(registry, member))


def numbered_entries(registry: object, member: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """As ``entries``, each with its place in the list."""
    data = registry.get("data") if isinstance(registry, dict) else None
    found = data.get(member) if isinstance(data, dict) else None
    if isinstance(found, list):
        yield from ((n, entry) for n, entry in enumerate(found) if isinstance(entry, dict))
