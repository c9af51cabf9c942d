"""Reads a list's parameters, as the contract declares them, as the store's query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from inventory.domain.device import address, in_utc
from inventory.domain.entries import words
from inventory.domain.kinds import Kind
from inventory.domain.store import Bound, Order, Query
from inventory.reading import MAX_LIMIT

# Parameters whose values are keys of a device, by what the keys begin with.
_KEYS: Mapping[str, str] = {
    "label": "label:",
    "connection": "connection:",
    "external_ref": "external_ref:",
}
_SINCE: Mapping[str, str] = {
    "updated_since": "updated_at",
    "created_since": "created_at",
    "seen_since": "last_seen_at",
    "purchased_since": "purchased_on",
}
_BEFORE: Mapping[str, str] = {"warranty_expires_before": "warranty_expires_on"}


@dataclass(frozen=True, slots=True)
class ListRequest:
    """What a list was asked for. ``of``: all that makes it this list, for its cursors."""

    query: Query
    of: Mapping[str, Any]
    fields: tuple[str, ...]
    wants_total: bool
    parameters: tuple[tuple[str, str], ...]

    def after(self, position: Sequence[str]) -> Query:
        """The query of the page after a position."""
        return replace(self.query, after=position)


def read_list(
    kind: Kind,
    tenant: str | None,
    *,
    limit: int,
    sort: str | None = None,
    fields: str | None = None,
    prefer: str | None = None,
    **filters: Any,
) -> ListRequest:
    """The request, but for its cursor."""
    given = {name: value for name, value in filters.items() if value is not None}
    order = _order(sort)
    query = _query(kind, given, min(limit, MAX_LIMIT), order)
    named = {"sort": sort, "fields": fields}
    parameters = [("limit", str(limit)), *((n, v) for n, v in named.items() if v)]
    parameters += [(name, text) for name, value in given.items() for text in _texts(value)]
    return ListRequest(
        query=query,
        of={"kind": kind.name, "tenant": tenant, "sort": sort, "filters": given},
        fields=tuple(fields.split(",")) if fields else (),
        wants_total="return=total-count" in (prefer or "").replace(" ", "").lower().split(","),
        parameters=tuple(parameters),
    )


def read_filters(kind: Kind, filters: Mapping[str, Any]) -> Query:
    """The filters alone, for what is no list."""
    given = {name: value for name, value in filters.items() if value is not None}
    return _query(kind, given, 1, ())


def _order(sort: str | None) -> tuple[Order, ...]:
    order = []
    for part in sort.split(",") if sort else ():
        order.append(Order(part.removeprefix("-"), descending=part.startswith("-")))
    return tuple(order)


def _query(kind: Kind, given: Mapping[str, Any], limit: int, order: tuple[Order, ...]) -> Query:
    asked = words(given.get("q", ""))
    return Query(
        limit=limit,
        filters={name: given[name] for name in kind.columns if isinstance(given.get(name), list)},
        bounds=(
            *(Bound(c, at_least=_moment(given[n])) for n, c in _SINCE.items() if n in given),
            *(Bound(c, below=_moment(given[n])) for n, c in _BEFORE.items() if n in given),
        ),
        keys=[
            *([_key(name, text) for text in given[name]] for name in _KEYS if name in given),
            *([[]] if "q" in given and not asked else []),  # nothing has a word of no words
        ],
        words=asked,
        stale=given.get("stale"),
        sort=order,
    )


def _key(parameter: str, text: str) -> str:
    if parameter == "connection":
        kind, _, value = text.partition(":")
        text = f"{kind}:{address(kind, value)}"
    return _KEYS[parameter] + text


def _moment(text: str) -> str:
    return in_utc(text) if len(text) > len("2026-01-31") else text


def _texts(value: Any) -> list[str]:
    if isinstance(value, list):
        return [str(item) for item in value]
    return [str(value).lower() if isinstance(value, bool) else str(value)]
