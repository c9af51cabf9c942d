"""What is particular to devices: how their values are written, and how much they may hold."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any

from inventory.domain.errors import AttributesTooLarge, SelfReference, TooManyItems
from inventory.domain.resource import Document, timestamp, to_json

MAX_ATTRIBUTES = 32 * 1024  # bytes of canonical JSON
MAX_ITEMS: Mapping[str, int] = {
    "identifiers": 50, "connections": 50, "labels": 50, "external_refs": 50,
}  # fmt: skip

_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}")
_LINKS = ("via_device", "parent_device")


def normal(fields: Mapping[str, Any]) -> Document:
    """The fields with addresses and moments written in the one way that is compared."""
    document = dict(fields)
    if document.get("connections"):
        document["connections"] = [_connection(one) for one in document["connections"]]
    if document.get("last_seen_at"):
        document["last_seen_at"] = in_utc(document["last_seen_at"])
    return document


def check(document: Document) -> None:
    """``InventoryError`` when a schema could not say what is wrong with the device."""
    for member in _LINKS:
        if document.get(member) == document["identifier"]:
            message = f"The device {document['identifier']} cannot be its own {member}."
            raise SelfReference(member, message)
    for member, limit in MAX_ITEMS.items():
        count = len(document.get(member, ()))
        if count > limit:
            raise TooManyItems(member, count, limit)
    size = len(to_json(document.get("attributes", {})).encode())
    if size > MAX_ATTRIBUTES:
        raise AttributesTooLarge(size, MAX_ATTRIBUTES)


def address(kind: str, value: str) -> str:
    """The value of a connection of this type, written in the one way that is compared."""
    if kind != "mac" or not _MAC.fullmatch(value):
        return value
    digits = re.sub("[^0-9a-f]", "", value.lower())
    return ":".join(digits[at : at + 2] for at in range(0, 12, 2))


def _connection(connection: Mapping[str, str]) -> dict[str, str]:
    kind = connection["type"]
    return {"type": kind, "value": address(kind, connection["value"])}


def in_utc(text: str) -> str:
    """A valid RFC 3339 time in UTC with ``Z``.

    What Python's calendar does not hold (leap seconds, and the ends of year 1 and 9999 in other
    zones) stays as it was sent: it is valid, and nothing is computed with it.
    """
    try:
        return timestamp(datetime.datetime.fromisoformat(text.upper()).astimezone(datetime.UTC))
    except (ValueError, OverflowError):
        return text
