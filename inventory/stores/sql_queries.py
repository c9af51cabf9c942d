"""What the port's queries are in SQL: for each shape of conditions one statement, for each query
the values that it takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    Table,
    and_,
    bindparam,
    case,
    false,
    func,
    not_,
    or_,
    select,
    tuple_,
    union_all,
)

from inventory.domain.kinds import KINDS
from inventory.domain.store import ChangeQuery, Order, Query
from inventory.stores import sql_schema as schema

LIKE_ESCAPE = "!"  # a backslash is special to some of PostgreSQL's strings

Values = dict[str, Any]
Ordered = TypeVar("Ordered", Select[Any], CompoundSelect[Any])


def values_of(query: Query) -> Values:
    """The values of a query's statements."""
    values: Values = {"limit": query.limit, "tenant": query.tenant}
    for number, texts in enumerate(query.filters.values()):
        values.update(named(f"f{number}_", texts))
    for number, bound in enumerate(query.bounds):
        values |= {f"b{number}": bound.at_least, f"e{number}": bound.below}
    for number, group in enumerate(query.keys):
        values.update(named(f"k{number}_", group))
    values.update((f"w{number}", like(word)) for number, word in enumerate(query.words))
    for number, (device_type, cutoff) in enumerate(query.cutoffs.items()):
        values |= {f"t{number}": device_type, f"c{number}": cutoff}
    return values | named("a", query.after)


def named(prefix: str, texts: Any) -> Values:
    """The texts by the prefix and their number."""
    return {f"{prefix}{number}": text for number, text in enumerate(texts)}


def like(word: str) -> str:
    """The pattern of words one of which begins so."""
    for special in (LIKE_ESCAPE, "%", "_"):
        word = word.replace(special, LIKE_ESCAPE + special)
    return f"% {word}%"


def stored(table: Table) -> list[Any]:
    """The columns of a ``Stored``."""
    return [table.c.identifier, table.c.revision, table.c.etag, table.c.body]


def shape(query: Query) -> tuple[Any, ...]:
    return (
        query.tenant is not None,
        tuple((column, len(texts)) for column, texts in query.filters.items()),
        tuple((bound.column, bool(bound.at_least), bool(bound.below)) for bound in query.bounds),
        tuple(len(group) for group in query.keys),
        len(query.words),
        query.stale,
        len(query.cutoffs),
    )


def find(kind: str, query: Query) -> Select[Any]:
    table = schema.resources[kind]
    statement = select(*stored(table)).where(*conditions(kind, query))
    order = [*query.sort, Order("identifier")]
    if query.after:
        statement = statement.where(_after(table, order))
    for by in order:
        column = table.c[by.column]
        statement = statement.order_by(column.desc() if by.descending else column)
    return statement.limit(bindparam("limit"))


def _after(table: Table, order: Sequence[Order]) -> ColumnElement[bool]:
    """Keyset paging: behind the row of these texts in this order."""
    columns = [table.c[by.column] for by in order]
    texts = _numbered("a", len(order))
    if not any(by.descending for by in order):
        return tuple_(*columns) > tuple_(*texts)  # from where an index is walked
    ways = []
    for number, by in enumerate(order):
        same = [column == text for column, text in zip(columns, texts, strict=True)][:number]
        column, text = columns[number], texts[number]
        ways.append(and_(*same, column < text if by.descending else column > text))
    first, text = columns[0], texts[0]
    # Said once more alone, so that an index on the first column is walked from there.
    bound = first <= text if order[0].descending else first >= text
    return and_(bound, or_(*ways))


def conditions(kind: str, query: Query) -> list[ColumnElement[bool]]:
    table = schema.resources[kind]
    found: list[ColumnElement[bool]] = []
    if query.tenant is not None:
        found.append(table.c.tenant == bindparam("tenant"))
    for number, (column, texts) in enumerate(query.filters.items()):
        found.append(_is_one_of(table.c[column], _numbered(f"f{number}_", len(texts))))
    for number, bound in enumerate(query.bounds):
        column_ = table.c[bound.column]
        found.append(column_ != "")
        if bound.at_least:
            found.append(column_ >= bindparam(f"b{number}"))
        if bound.below:
            found.append(column_ < bindparam(f"e{number}"))
    for number, group in enumerate(query.keys):
        wanted = _numbered(f"k{number}_", len(group))
        found.append(_has_key(table, kind, wanted, query.tenant is not None))
    for number in range(len(query.words)):
        found.append(table.c.words.like(bindparam(f"w{number}"), escape=LIKE_ESCAPE))
    if query.stale is not None:
        stale = _stale(table, len(query.cutoffs))
        found.append(stale if query.stale else not_(stale))
    return found


def _has_key(table: Table, kind: str, wanted: list[Any], of_tenant: bool) -> ColumnElement[bool]:
    keys = schema.keys
    holders = select(keys.c.identifier).where(keys.c.kind == kind, _is_one_of(keys.c.key, wanted))
    if of_tenant:  # said here too: there may be many more holders
        holders = holders.where(keys.c.tenant == bindparam("tenant"))
    return table.c.identifier.in_(holders)


def _is_one_of(column: ColumnElement[str], wanted: list[Any]) -> ColumnElement[bool]:
    if not wanted:
        return false()
    return column.in_(wanted) if len(wanted) > 1 else column == wanted[0]


def _stale(table: Table, count: int) -> ColumnElement[bool]:
    ways = [
        and_(
            table.c.device_type == bindparam(f"t{number}"),
            table.c.last_seen_at < bindparam(f"c{number}"),
        )
        for number in range(count)
    ]
    return and_(table.c.last_seen_at != "", or_(*ways)) if ways else false()


def change_kinds(query: ChangeQuery) -> Sequence[str]:
    """The kinds that are asked for. A tenant's changes are found by kind: all kinds are named."""
    return query.kinds or (tuple(KINDS) if query.tenant is not None else ())


def change_values(query: ChangeQuery) -> Values:
    """The values of a query for changes."""
    given = {
        "after": query.after, "before": query.before, "tenant": query.tenant,
        "identifier": query.identifier, "limit": query.limit,
    }  # fmt: skip
    return given | named("kind", change_kinds(query))


def change_shape(query: ChangeQuery) -> tuple[Any, ...]:
    return (
        query.after > 0,
        query.before > 0,
        query.tenant is not None,
        query.identifier is not None,
        len(query.kinds),
        query.newest_first,
    )


def changes(query: ChangeQuery) -> Select[Any] | CompoundSelect[Any]:
    """Each kind's changes in order, merged: an index is walked for each of them, no further than
    to the limit, while ``IN`` would walk all that lies between those that are asked for."""
    kinds = change_kinds(query)
    if not kinds:
        return _in_order(select(schema.changes).where(*_change_conditions(query)), query)
    ways = [_changes_of_kind(query, f"kind{number}") for number in range(len(kinds))]
    if len(ways) == 1:
        return ways[0]
    parts = [select(way.subquery()) for way in ways]
    return _in_order(union_all(*parts), query)


def _changes_of_kind(query: ChangeQuery, kind: str) -> Select[Any]:
    table = schema.changes
    of_kind = select(table).where(table.c.kind == bindparam(kind), *_change_conditions(query))
    return _in_order(of_kind, query)


def _change_conditions(query: ChangeQuery) -> list[ColumnElement[bool]]:
    table = schema.changes
    wanted = {
        table.c.sequence > bindparam("after"): query.after > 0,
        table.c.sequence < bindparam("before"): query.before > 0,
        table.c.tenant == bindparam("tenant"): query.tenant is not None,
        table.c.identifier == bindparam("identifier"): query.identifier is not None,
    }
    return [condition for condition, is_wanted in wanted.items() if is_wanted]


def _in_order(statement: Ordered, query: ChangeQuery) -> Ordered:
    sequence = statement.selected_columns["sequence"]
    order = sequence.desc() if query.newest_first else sequence
    return statement.order_by(order).limit(bindparam("limit"))


def summarize(kind: str, query: Query, by: Sequence[str]) -> Select[Any]:
    table = schema.resources[kind]
    columns: list[Any] = []
    for name in by:
        if name == "stale":
            stale = _stale(table, len(query.cutoffs))
            columns.append(case((stale, "true"), else_="false").label("stale"))
        else:
            columns.append(table.c[name])
    statement = select(*columns, func.count()).select_from(table)
    statement = statement.where(*conditions(kind, query))
    return statement.group_by(*columns).order_by(*columns)


def shared_keys(prefixes: int, of_tenant: bool) -> Select[Any]:
    table = schema.keys
    begins = [
        and_(table.c.key >= bindparam(f"p{number}"), table.c.key < bindparam(f"q{number}"))
        for number in range(prefixes)
    ]
    wanted = [
        table.c.kind == "devices",
        table.c.key > bindparam("after"),
        or_(false(), *begins),
    ]
    if of_tenant:
        devices = schema.resources["devices"]
        own_devices = select(devices.c.identifier).where(devices.c.tenant == bindparam("tenant"))
        wanted.append(table.c.identifier.in_(own_devices))  # few, of many keys
    own = (table.c.key, table.c.tenant)
    several = select(*own).where(*wanted).group_by(*own).having(func.count() > 1)
    shared = several.order_by(*own).limit(bindparam("limit")).subquery()
    same = (table.c.key == shared.c.key, table.c.tenant == shared.c.tenant)
    holders = select(*own, table.c.identifier).join(shared, and_(*same))
    return holders.where(table.c.kind == "devices").order_by(*own, table.c.identifier)


def _numbered(prefix: str, count: int) -> list[Any]:
    return [bindparam(f"{prefix}{number}") for number in range(count)]
