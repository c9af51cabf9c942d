"""Finds values that should be one device's and are several devices' of one customer."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from inventory.domain.kinds import DEVICES
from inventory.domain.store import Reader

# What the values of each kind begin with among a device's keys.
PREFIXES: Mapping[str, str] = {
    "mac": "connection:mac:",
    "serial_number": "serial_number:",
    "identifier": "identifier:",
}
MAX_DEVICES = 10_000  # of a page, from which on it takes no further value

# What makers write where there is nothing to say: zeros, and these words.
_EMPTY = re.compile(r"[0\W_]*|(ff[:-]?)+|x+")
_WORDS = frozenset(
    ("unknown", "none", "null", "n/a", "na", "not available", "not specified", "unspecified",
     "default", "default string", "serial", "serial number", "to be filled by o.e.m.", "undefined",
     "test", "1234", "123456", "12345678", "123456789", "1234567890")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Some values. ``last``: the key to go on after; empty when there are no more."""

    items: list[dict[str, Any]]
    last: str


def find_duplicates(
    reader: Reader, tenant: str | None, kinds: Collection[str], after: str, limit: int
) -> Duplicates:
    """The first ``limit`` values after ``after``, or somewhat more: a key is not divided."""
    prefixes = [PREFIXES[kind] for kind in PREFIXES if kind in kinds]
    items: list[dict[str, Any]] = []
    devices = 0
    while len(items) < limit and devices < MAX_DEVICES:
        found, more = _whole_keys(reader, prefixes, tenant, after, limit - len(items))
        items += [_told(key, holders) for key, holders in found if _says_something(key)]
        devices += sum(len(holders) for _, holders in found)
        after = found[-1][0] if more else ""
        if not more:
            break
    return Duplicates(_with_customers(reader, items), after)


def _whole_keys(
    reader: Reader, prefixes: list[str], tenant: str | None, after: str, limit: int
) -> tuple[list[tuple[str, list[str]]], bool]:
    """Keys with all the customers that have them: a cursor cannot stand between two of these."""
    while True:
        found = reader.shared_keys(prefixes, tenant, after, limit + 1)
        if len(found) <= limit:
            return found, False
        divided = found[-1][0]
        whole = [(key, holders) for key, holders in found if key != divided]
        if whole:
            return whole, True
        limit *= 2


def _told(key: str, holders: list[str]) -> dict[str, Any]:
    kind = next(kind for kind, prefix in PREFIXES.items() if key.startswith(prefix))
    return {"by": kind, "value": key.removeprefix(PREFIXES[kind]), "devices": holders}


def _says_something(key: str) -> bool:
    # A serial number stands behind its maker's name, an identifier behind its domain.
    text = key.split(":", 2)[2].strip().casefold()
    return _EMPTY.fullmatch(text) is None and text not in _WORDS


def _with_customers(reader: Reader, items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    first = reader.get_many(DEVICES.name, {item["devices"][0] for item in items})
    for item in items:
        stored = first.get(item["devices"][0])
        customer = stored.document().get("customer_id") if stored else None
        if customer:
            item["customer_id"] = customer
    return items
