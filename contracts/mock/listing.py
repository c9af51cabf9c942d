"""Lists: filters named after members, words, an order, and pages that a cursor goes through."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from contracts.mock.kinds import Kind
from contracts.mock.records import Record

MAX_LIMIT = 1000
START = "start"  # the cursor of a list's first page
_NO_FILTERS = frozenset(("limit", "cursor", "sort", "fields", "q"))
_DAYS = ("_at", "_on", "")  # how a moment or a day is called after its filter's name
_WORD = re.compile(r"\w+")


class ForeignCursor(ValueError):
    """The cursor is not from this list."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; ``next``: the cursor of the one after it, or None; ``total``: on all pages."""

    items: Sequence[Record]
    next: str | None
    total: int


def list_page(kind: Kind, records: Iterable[Record], parameters: Mapping[str, Any]) -> Page:
    """The page that the parameters ask for, or ``ForeignCursor``."""
    order = _order(kind, parameters.get("sort"))
    found = [record for record in records if _fits(kind, record, parameters)]
    found.sort(key=functools.cmp_to_key(partial(_compare_records, order)))
    total = len(found)
    if after := read_cursor(order, parameters.get("cursor")):
        found = [record for record in found if _compare(order, _keys(order, record), after) > 0]
    limit = min(parameters.get("limit") or MAX_LIMIT, MAX_LIMIT)
    more = len(found) > limit
    following = write_cursor(_keys(order, found[limit - 1])) if more else None
    return Page(found[:limit], following, total)


def only(record: Record, kind: Kind, fields: str | None) -> Record:
    """The record with the members that were asked for, and its name."""
    if not fields:
        return record
    wanted = {kind.identity, *fields.split(",")}
    return {name: value for name, value in record.items() if name in wanted}


Order = Sequence[tuple[str, bool]]  # members, and whether they are descending


def _order(kind: Kind, sort: Any) -> Order:
    named = [name for name in str(sort).split(",") if name] if sort else []
    order = [(name.lstrip("-+"), name.startswith("-")) for name in named]
    return [*order, (kind.identity, False)]


def _keys(order: Order, record: Mapping[str, Any]) -> list[Any]:
    return [record.get(name) for name, _ in order]


def _compare_records(order: Order, one: Record, other: Record) -> int:
    return _compare(order, _keys(order, one), _keys(order, other))


def _compare(order: Order, one: Sequence[Any], other: Sequence[Any]) -> int:
    for (_, descending), a, b in zip(order, one, other, strict=True):
        if a != b:
            less = _less(a, b)
            return -1 if less != descending else 1
    return 0


def _less(a: Any, b: Any) -> bool:
    if a is None or b is None:
        return b is None  # what is not set comes last
    return bool(a < b) if type(a) is type(b) else str(a) < str(b)


def write_cursor(keys: Sequence[Any]) -> str:
    """The cursor of what comes after these values."""
    content = json.dumps(list(keys), separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def read_cursor(order: Order, cursor: Any) -> list[Any]:
    """The values to go on after, none for the first page; ``ForeignCursor``."""
    if not cursor or cursor == START:
        return []
    try:
        content = base64.urlsafe_b64decode(f"{cursor}{'=' * (-len(cursor) % 4)}")
        keys = json.loads(content)
    except ValueError as exc:
        raise ForeignCursor from exc
    if not isinstance(keys, list) or len(keys) != len(order):
        raise ForeignCursor
    return keys


def _fits(kind: Kind, record: Record, parameters: Mapping[str, Any]) -> bool:
    words = parameters.get("q")
    if words and not _has_words(record, str(words)):
        return False
    given = {n: v for n, v in parameters.items() if v is not None and n not in _NO_FILTERS}
    return all(_fits_one(kind, record, name, value) for name, value in given.items())


def _fits_one(kind: Kind, record: Record, name: str, value: Any) -> bool:
    """What a parameter of an unknown name asks for is not in the contract: it is passed over."""
    for suffix, later in (("_since", True), ("_before", False)):
        if name.endswith(suffix):
            return _fits_moment(kind, record, name.removesuffix(suffix), str(value), later)
    member = next((each for each in (name, f"{name}s") if each in kind.members), None)
    if member is None:
        return True
    wanted = value if isinstance(value, list) else [value]
    has = record.get(member)
    return any(each in wanted for each in (has if isinstance(has, list) else [has]))


def _fits_moment(kind: Kind, record: Record, stem: str, value: str, later: bool) -> bool:
    names = [f"{stem}{day}" for day in _DAYS if f"{stem}{day}" in kind.members]
    if not names:
        return True
    has = record.get(names[0])
    return has is not None and (str(has) >= value if later else str(has) < value)


def _has_words(record: Record, words: str) -> bool:
    texts = " ".join(value for value in record.values() if isinstance(value, str)).lower()
    there = _WORD.findall(texts)
    return all(any(each.startswith(w) for each in there) for w in _WORD.findall(words.lower()))
