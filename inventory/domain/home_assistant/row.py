"""What became of one item of a device registry.

``pointer`` says where it stands in the request's body (JSON Pointer, RFC 6901); ``name`` is its
display name in the file, None when it has none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Mapped:
    """A resource; ``fields`` are the contract's NewDevice or NewArea, without nulls."""

    pointer: str
    name: str | None
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something that is rightly left alone."""

    pointer: str
    name: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """Something that cannot be kept as it is; ``pointer`` names the member at fault, if one is."""

    pointer: str
    name: str | None
    reason: str


Row = Mapped | Skipped | Rejected
