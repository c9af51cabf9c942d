"""All that a shelve store holds, in memory: as it is at one moment, and as a piece of work sees it.

Each thing stands in a map under its own key, and in others under what it is looked up by.
"""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from heapq import merge
from operator import itemgetter
from typing import Any, cast

from inventory.domain.kinds import KINDS
from inventory.domain.store import (
    Bound,
    Change,
    ChangeQuery,
    Entry,
    Order,
    Query,
    Reply,
    Stored,
    Tombstone,
)
from inventory.stores.shelve_records import (
    CHANGE,
    ENTRY,
    GRAVE,
    PART,
    REPLY,
    Grave,
    PastChange,
    Row,
    from_record,
    to_records,
)
from inventory.stores.sorted_map import Key, SortedMap

# Columns that say to what a resource belongs; whoever asks for others looks through all resources.
INDEXED = frozenset({"customer_id", "home_id", "area_id", "via_device", "parent_device"})

_FACET, _HISTORY = "facet", "history"
_GRAVE_BY_NAME, _GRAVE_BY_TIME, _REPLY_BY_TIME = "grave by name", "grave by time", "reply by time"
_MAPS = (
    ENTRY, GRAVE, REPLY, PART, CHANGE,
    _FACET, _HISTORY, _GRAVE_BY_NAME, _GRAVE_BY_TIME, _REPLY_BY_TIME,
)  # fmt: skip
_TENANT, _KEY = "tenant", "key"  # facets, beside those that are named as a column

_Maps = Mapping[str, SortedMap[Any]]
_Test = Callable[[Row], bool]
_Text = Callable[[Row], str]


class Contents:
    """What the store holds at one moment: it never changes, so no reader waits or needs a lock."""

    def __init__(self, maps: _Maps) -> None:
        self._maps: dict[str, SortedMap[Any]] = dict(maps)

    @classmethod
    def of(cls, records: Mapping[str, Any]) -> Contents:
        """What the records say. ``StoreError`` when one is damaged."""
        items: defaultdict[str, list[tuple[Key, Any]]] = defaultdict(list)
        for record, written in records.items():
            key, value = from_record(record, written)
            for name, place in _places(key, value):
                items[name].append((place, value))
        in_order = {name: sorted(items[name], key=itemgetter(0)) for name in _MAPS}
        return cls({name: SortedMap(pairs) for name, pairs in in_order.items()})

    def records(self) -> dict[str, Any]:
        """Everything as it is written down."""
        tables = (ENTRY, GRAVE, REPLY, PART, CHANGE)
        return to_records(
            {(t, *key): value for t in tables for key, value in self._maps[t].items()}
        )

    def get(self, kind: str, identifier: str) -> Stored | None:
        row = self._row(kind, identifier)
        return row.stored if row else None

    def get_many(self, kind: str, identifiers: Collection[str]) -> dict[str, Stored]:
        rows = (self._row(kind, identifier) for identifier in set(identifiers))
        return {row.stored.identifier: row.stored for row in rows if row}

    def find(self, kind: str, query: Query) -> list[Stored]:
        if query.sort:
            rows: Iterable[Row] = self._sorted(kind, query)
        else:
            rows = self._matching(kind, query, query.after[0] if query.after else "")
        return [row.stored for row in itertools.islice(rows, query.limit)]

    def count(self, kind: str, query: Query) -> int:
        return sum(1 for _ in self._matching(kind, query))

    def summarize(
        self, kind: str, query: Query, by: Sequence[str]
    ) -> list[tuple[tuple[str, ...], int]]:
        texts = [_dimension(kind, column, query.cutoffs) for column in by]
        rows = self._matching(kind, query)
        return sorted(Counter(tuple(text(row) for text in texts) for row in rows).items())

    def shared_keys(
        self, prefixes: Collection[str], tenant: str | None, after: str, limit: int
    ) -> list[tuple[str, list[str]]]:
        shared = (
            (key, identifiers)
            for prefix in _fewest(prefixes)
            for key, holders in self._holders(prefix, after)
            for owner, identifiers in sorted(holders.items())
            if len(identifiers) > 1 and tenant in (None, owner)
        )
        return list(itertools.islice(shared, limit))

    def changes(self, query: ChangeQuery) -> list[Change]:
        name, prefix = CHANGE, cast("Key", ())
        if len(query.kinds) == 1 and query.identifier is not None:
            name, prefix = _HISTORY, (query.kinds[0], query.identifier)
        start = (*prefix, query.after + 1)
        end = (*prefix, query.before or float("inf"))
        walk = self._maps[name].walk_back if query.newest_first else self._maps[name].walk
        found = ((key, past) for key, past in walk(start, end) if _is_asked_for(past, query))
        return [past.change(key[-1]) for key, past in itertools.islice(found, query.limit)]

    def tombstone(self, kind: str, identifier: str, tenant: str | None = None) -> Tombstone | None:
        graves = self._maps[_GRAVE_BY_NAME].walk_back(*_under(kind, identifier))
        found = (grave.tombstone() for _, grave in graves)
        return next((one for one in found if tenant in (None, one.entry.tenant)), None)

    def tombstones(self, deleted_before: str, limit: int) -> list[Tombstone]:
        graves = self._maps[_GRAVE_BY_TIME].walk(("",), (deleted_before,))
        return [grave.tombstone() for _, grave in itertools.islice(graves, limit)]

    def reply(self, principal: str, key: str) -> Reply | None:
        return self._maps[REPLY].get((principal, key))

    def part(self, job: str, number: int) -> bytes | None:
        return self._maps[PART].get((job, number))

    def _row(self, kind: str, identifier: str) -> Row | None:
        return self._maps[ENTRY].get((kind, identifier))

    def _sorted(self, kind: str, query: Query) -> list[Row]:
        orders = [(_column(kind, order.column), order) for order in query.sort]
        rows = [row for row in self._matching(kind, query) if _is_after(row, orders, query.after)]
        for text, order in reversed(orders):
            rows.sort(key=text, reverse=order.descending)
        return rows

    def _matching(self, kind: str, query: Query, after: str = "") -> Iterator[Row]:
        tests = _tests(kind, query)
        return (row for row in self._candidates(kind, query, after) if all(t(row) for t in tests))

    def _candidates(self, kind: str, query: Query, after: str) -> Iterator[Row]:
        """In the order of identifiers, the rows among which all are that the query asks for."""
        facets = _facets_of(query)
        if facets is None:
            start, end = _under(kind, after=after)
            return (row for _, row in self._maps[ENTRY].walk(start, end))
        rows = [self._of_facet(kind, name, text, after) for name, text in facets]
        return _once(rows[0] if len(rows) == 1 else merge(*rows, key=_identifier))

    def _of_facet(self, kind: str, name: str, text: str, after: str) -> Iterator[Row]:
        start, end = _under(kind, name, text, after=after)
        return (row for _, row in self._maps[_FACET].walk(start, end))

    def _holders(self, prefix: str, after: str) -> Iterator[tuple[str, dict[str, list[str]]]]:
        """Each key of devices that begins so, with the identifiers of each tenant's."""
        begin = prefix if after < prefix else f"{after}\0"
        walk = self._maps[_FACET].walk(("devices", _KEY, begin), _under("devices", _KEY)[1])
        for text, group in itertools.groupby(walk, key=lambda item: item[0][2]):
            if not text.startswith(prefix):
                return
            holders: defaultdict[str, list[str]] = defaultdict(list)
            for _, row in group:
                holders[row.tenant].append(row.stored.identifier)
            yield text, holders


class Overlay(Contents):
    """What a piece of work sees and writes; what it was made over stays as it is."""

    def __init__(self, contents: Contents) -> None:
        super().__init__(contents._maps)
        self.written: dict[Key, Any] = {}

    def contents(self) -> Contents:
        """As it is now."""
        return Contents(self._maps)

    def insert(self, kind: str, entry: Entry) -> None:
        self._write((ENTRY, kind, entry.stored.identifier), Row.of(kind, entry))

    def replace(self, kind: str, entry: Entry) -> None:
        self.insert(kind, entry)

    def remove(self, kind: str, identifier: str) -> None:
        self._write((ENTRY, kind, identifier), None)

    def bury(self, tombstone: Tombstone) -> None:
        self._write((GRAVE, tombstone.kind, tombstone.entry.uid), Grave.of(tombstone))

    def exhume(self, kind: str, uid: str) -> None:
        self._write((GRAVE, kind, uid), None)

    def record(self, change: Change) -> int:
        last = self._maps[CHANGE].last()
        sequence: int = last[0] + 1 if last else 1
        self._write((CHANGE, sequence), PastChange.of(change))
        return sequence

    def keep_reply(self, reply: Reply) -> None:
        self._write((REPLY, reply.principal, reply.key), reply)

    def forget_replies(self, before: str) -> int:
        old = [reply for _, reply in self._maps[_REPLY_BY_TIME].walk(("",), (before,))]
        for reply in old:
            self._write((REPLY, reply.principal, reply.key), None)
        return len(old)

    def add_part(self, job: str, number: int, content: bytes) -> None:
        self._write((PART, job, number), bytes(content))

    def drop_parts(self, job: str) -> None:
        for key in [key for key, _ in self._maps[PART].walk((job,), (f"{job}\0",))]:
            self._write((PART, *key), None)

    def _write(self, key: Key, value: Any) -> None:
        old = self._maps[key[0]].get(key[1:])
        places = {} if value is None else dict.fromkeys(_places(key, value))
        if old is not None:
            for name, place in _places(key, old):
                if (name, place) not in places:
                    self._maps[name] = self._maps[name].without(place)
        for name, place in places:
            self._maps[name] = self._maps[name].put(place, value)
        self.written[key] = value


def _places(key: Key, value: Any) -> Iterator[tuple[str, Key]]:
    """In which maps the value stands, and under what."""
    yield key[0], key[1:]
    match value:
        case Row():
            _, kind, identifier = key
            for name, text in _facets(kind, value):
                yield _FACET, (kind, name, text, identifier)
        case Grave(kind, deleted_at, row):
            yield _GRAVE_BY_NAME, (kind, row.stored.identifier, deleted_at, row.uid)
            yield _GRAVE_BY_TIME, (deleted_at, kind, row.uid)
        case Reply():
            yield _REPLY_BY_TIME, (value.at, value.principal, value.key)
        case PastChange():
            yield _HISTORY, (value.kind, value.identifier, key[1])


def _facets(kind: str, row: Row) -> Iterator[tuple[str, str]]:
    yield _TENANT, row.tenant
    for key in row.keys:
        yield _KEY, key
    for column, text in zip(KINDS[kind].columns, row.texts, strict=True):
        if text and column in INDEXED:
            yield column, text


def _facets_of(query: Query) -> list[tuple[str, str]] | None:
    """Facets of which all that is asked for has one; None when it may have any."""
    for group in query.keys:
        return [(_KEY, key) for key in set(group)]
    for column, texts in query.filters.items():
        if column in INDEXED and "" not in texts:
            return [(column, text) for text in set(texts)]
    return None if query.tenant is None else [(_TENANT, query.tenant)]


def _under(*prefix: str, after: str = "") -> tuple[Key, Key]:
    """Where what begins so starts, and ends; ``after`` is left out."""
    start = (*prefix, f"{after}\0") if after else (*prefix, "")
    return start, (*prefix[:-1], f"{prefix[-1]}\0")


def _fewest(prefixes: Collection[str]) -> list[str]:
    """In order, those that none of the others begins with."""
    fewest: list[str] = []
    for prefix in sorted(set(prefixes)):
        if not fewest or not prefix.startswith(fewest[-1]):
            fewest.append(prefix)
    return fewest


def _once(rows: Iterable[Row]) -> Iterator[Row]:
    return (next(same) for _, same in itertools.groupby(rows, key=_identifier))


def _identifier(row: Row) -> str:
    return row.stored.identifier


def _tests(kind: str, query: Query) -> list[_Test]:
    tests: list[_Test] = []
    if query.tenant is not None:
        tests.append(lambda row: row.tenant == query.tenant)
    tests += [_any_of(_column(kind, column), texts) for column, texts in query.filters.items()]
    tests += [_within(_column(kind, bound.column), bound) for bound in query.bounds]
    tests += [_having(group) for group in query.keys]
    tests += [_with_word(word) for word in query.words]
    if query.stale is not None:
        stale = _staleness(kind, query.cutoffs)
        tests.append(lambda row: stale(row) is query.stale)
    return tests


def _any_of(text: _Text, texts: Collection[str]) -> _Test:
    wanted = frozenset(texts)
    return lambda row: text(row) in wanted


def _within(text: _Text, bound: Bound) -> _Test:
    def within(row: Row) -> bool:
        found = text(row)
        return found != "" and found >= bound.at_least and (not bound.below or found < bound.below)

    return within


def _having(group: Collection[str]) -> _Test:
    wanted = frozenset(group)
    return lambda row: not wanted.isdisjoint(row.keys)


def _with_word(word: str) -> _Test:
    begun = f" {word}"
    return lambda row: begun in row.words


def _staleness(kind: str, cutoffs: Mapping[str, str]) -> _Test:
    columns = KINDS[kind].columns
    if "last_seen_at" not in columns or "device_type" not in columns:
        return lambda row: False
    seen, type_ = _column(kind, "last_seen_at"), _column(kind, "device_type")
    return lambda row: "" != seen(row) < cutoffs.get(type_(row), "")


def _column(kind: str, column: str) -> _Text:
    if column == "identifier":
        return lambda row: row.stored.identifier
    place = KINDS[kind].columns.index(column)
    return lambda row: row.texts[place]


def _dimension(kind: str, column: str, cutoffs: Mapping[str, str]) -> _Text:
    if column != "stale":
        return _column(kind, column)
    stale = _staleness(kind, cutoffs)
    return lambda row: "true" if stale(row) else "false"


def _is_after(row: Row, orders: Sequence[tuple[_Text, Order]], after: Sequence[str]) -> bool:
    if not after:
        return True
    for (text, order), mark in zip(orders, after, strict=False):
        found = text(row)
        if found != mark:
            return found < mark if order.descending else found > mark
    return row.stored.identifier > after[-1]


def _is_asked_for(past: PastChange, query: ChangeQuery) -> bool:
    return (
        query.tenant in (None, past.tenant)
        and (not query.kinds or past.kind in query.kinds)
        and query.identifier in (None, past.identifier)
    )
