"""Any history of a store beside that of a plain model in memory, step by step, as a test.

An adapter's test module has it run: ``TestAnyHistory = store_machine(ShelveStore).TestCase``.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inventory.domain.store import (
    Bound,
    Change,
    ChangeQuery,
    Entry,
    Order,
    Query,
    Reply,
    Store,
    Tombstone,
    Transaction,
)
from inventory.stores.conformance import ALL, ORDERED, Refused, a_change, an_entry

HISTORIES = int(os.environ.get("HISTORIES", "40"))  # of up to 25 steps, that are compared

_FEW_KINDS = ("devices", "homes")
_FEW_IDENTIFIERS = ORDERED[::3]
_FEW_TEXTS = ("", "a", "A", "🏠", "\uff21")
_FEW_TENANTS = ("", "t", "u")
_FEW_KEYS = ("mac:1", "mac:2", "mac:🏠", "label:x")
_FEW_WORDS = ("red", "lamp", "lampshade")
_DEVICE_COLUMNS = ("name", "device_type", "home_id", "status", "last_seen_at")
_HOME_COLUMNS = ("customer_id", "name")
_PRINCIPALS = ("alice", "bob")
_JOBS = ("j1", "j2")


@dataclass
class _Model:
    """What a store holds, as plainly as can be."""

    entries: dict[tuple[str, str], Entry] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    graves: list[Tombstone] = field(default_factory=list)
    replies: dict[tuple[str, str], Reply] = field(default_factory=dict)
    parts: dict[tuple[str, int], bytes] = field(default_factory=dict)

    def matching(self, kind: str, query: Query) -> list[Entry]:
        """In the order of the query, what it asks for, on all pages from ``after`` on."""
        found = [e for (k, _), e in sorted(self.entries.items()) if k == kind and _fits(e, query)]
        for order in reversed(query.sort):
            found.sort(key=partial(_text_of, order.column), reverse=order.descending)
        return found

    def shared_keys(
        self, prefixes: Collection[str], tenant: str | None
    ) -> list[tuple[str, list[str]]]:
        holders: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        for (kind, identifier), entry in sorted(self.entries.items()):
            if kind == "devices" and tenant in (None, entry.tenant):
                for key in entry.keys:
                    holders[key, entry.tenant].append(identifier)
        begun = tuple(prefixes)
        return [
            (key, identifiers)
            for (key, _), identifiers in sorted(holders.items())
            if len(identifiers) > 1 and key.startswith(begun)
        ]


def _text_of(column: str, entry: Entry) -> str:
    return entry.columns[column]


def _fits(entry: Entry, query: Query) -> bool:
    texts = entry.columns
    return (
        query.tenant in (None, entry.tenant)
        and all(texts[column] in wanted for column, wanted in query.filters.items())
        and all(_is_within(texts[bound.column], bound) for bound in query.bounds)
        and all(any(key in entry.keys for key in group) for group in query.keys)
        and all(any(w.startswith(q) for w in entry.words.split()) for q in query.words)
        and query.stale in (None, _is_stale(entry, query.cutoffs))
    )


def _is_within(text: str, bound: Bound) -> bool:
    return text != "" and text >= bound.at_least and (bound.below == "" or text < bound.below)


def _is_stale(entry: Entry, cutoffs: Mapping[str, str]) -> bool:
    seen, type_ = entry.columns.get("last_seen_at", ""), entry.columns.get("device_type", "")
    return seen != "" and type_ in cutoffs and seen < cutoffs[type_]


def _columns_of(kind: str) -> tuple[str, ...]:
    return _DEVICE_COLUMNS if kind == "devices" else _HOME_COLUMNS


def _queries(kind: str) -> st.SearchStrategy[Query]:
    columns = st.sampled_from(_columns_of(kind))
    texts = st.sampled_from(_FEW_TEXTS)
    stale = st.sampled_from((None, True, False)) if kind == "devices" else st.none()
    return st.builds(
        Query,
        limit=st.integers(1, 2 * len(_FEW_IDENTIFIERS)),
        tenant=st.none() | st.sampled_from(_FEW_TENANTS),
        filters=st.dictionaries(columns, st.sets(texts, min_size=1, max_size=4), max_size=2),
        bounds=st.lists(st.builds(Bound, columns, texts, texts), max_size=1),
        keys=st.lists(st.sets(st.sampled_from(_FEW_KEYS), min_size=1), max_size=2),
        words=st.lists(st.sampled_from(("r", "lamp", "lamps", "amp")), max_size=1),
        stale=stale,
        cutoffs=st.dictionaries(texts, texts, max_size=3),
        sort=st.lists(
            st.builds(Order, columns, st.booleans()), max_size=2, unique_by=lambda o: o.column
        ),
    )


def _entries(kind: str, identifier: str, uid: str) -> st.SearchStrategy[Entry]:
    texts = st.sampled_from(_FEW_TEXTS)
    return st.builds(
        lambda columns, **rest: an_entry(identifier, kind, uid=uid, **rest, **columns),
        columns=st.dictionaries(st.sampled_from(_columns_of(kind)), texts),
        revision=st.integers(1, 9),
        tenant=st.sampled_from(_FEW_TENANTS),
        keys=st.sets(st.sampled_from(_FEW_KEYS)),
        words=st.lists(st.sampled_from(_FEW_WORDS), max_size=2),
    )


def store_machine(open_store: Callable[[Path], Store]) -> type[RuleBasedStateMachine]:
    """A machine that drives a store and a plain model side by side and compares them.

    ``open_store`` gets a folder that is the history's own; opened on the same folder again, after
    it was closed, the store holds what it held.
    """

    class StoreMachine(_StoreMachine):
        def __init__(self) -> None:
            super().__init__(open_store)

    StoreMachine.TestCase.settings = settings(
        deadline=None, max_examples=HISTORIES, stateful_step_count=25
    )
    return StoreMachine


_Operation = Callable[[Transaction, _Model], None]


class _StoreMachine(RuleBasedStateMachine):
    def __init__(self, open_store: Callable[[Path], Store]) -> None:
        super().__init__()
        self._open_store = open_store
        self._folder = TemporaryDirectory()
        self._store = self._open_store(Path(self._folder.name, "store"))
        self._model = _Model()
        self._drawn = 0

    def teardown(self) -> None:
        self._store.close()
        self._folder.cleanup()

    @rule(data=st.data(), operations=st.integers(0, 6), refused=st.integers(0, 4))
    def write(self, data: st.DataObject, operations: int, refused: int) -> None:
        """Mostly, the work is done; sometimes it gives up at the end."""
        planned = deepcopy(self._model)
        work = [self._draw_operation(data, planned) for _ in range(operations)]
        if refused:
            self._model = self._store.write(lambda transaction: self._do(transaction, work))
            return
        with pytest.raises(Refused):
            self._store.write(lambda transaction: self._do_and_refuse(transaction, work))

    @rule(data=st.data(), kind=st.sampled_from(_FEW_KINDS))
    def find(self, data: st.DataObject, kind: str) -> None:
        self._check_find(self._store, kind, data.draw(_queries(kind)))

    @rule(data=st.data(), kind=st.sampled_from(_FEW_KINDS))
    def count(self, data: st.DataObject, kind: str) -> None:
        query = data.draw(_queries(kind))
        by = data.draw(st.lists(st.sampled_from(_columns_of(kind)), min_size=1, unique=True))
        matching = self._model.matching(kind, query)
        counts = Counter(tuple(entry.columns[column] for column in by) for entry in matching)
        assert self._store.count(kind, query) == len(matching)
        assert self._store.summarize(kind, query, by) == sorted(counts.items())

    @rule(data=st.data())
    def summarize_staleness(self, data: st.DataObject) -> None:
        query = data.draw(_queries("devices"))
        matching = self._model.matching("devices", query)
        counts = Counter(
            (entry.columns["home_id"], str(_is_stale(entry, query.cutoffs)).lower())
            for entry in matching
        )
        summary = self._store.summarize("devices", query, ["home_id", "stale"])
        assert summary == sorted(counts.items())

    @rule(
        prefixes=st.sets(st.sampled_from(("mac:", "mac", "label:", "mac:🏠", "x"))),
        tenant=st.none() | st.sampled_from(_FEW_TENANTS),
        after=st.sampled_from(("", "mac", *_FEW_KEYS)),
        limit=st.integers(1, 4),
    )
    def shared_keys(self, prefixes: set[str], tenant: str | None, after: str, limit: int) -> None:
        shared = [row for row in self._model.shared_keys(prefixes, tenant) if row[0] > after]
        assert self._store.shared_keys(prefixes, tenant, after, limit) == shared[:limit]

    @rule(data=st.data(), newest_first=st.booleans(), limit=st.integers(1, 9))
    def changes(self, data: st.DataObject, newest_first: bool, limit: int) -> None:
        sequences = st.just(0) | st.sampled_from([c.sequence for c in self._model.changes] or [0])
        after, before = data.draw(sequences), data.draw(sequences)
        tenant = data.draw(st.none() | st.sampled_from(_FEW_TENANTS))
        kinds = data.draw(st.lists(st.sampled_from(_FEW_KINDS), unique=True))
        identifier = data.draw(st.none() | st.sampled_from(_FEW_IDENTIFIERS)) if kinds else None
        query = ChangeQuery(limit, after, before, tenant, kinds, identifier, newest_first)
        expected = [
            change
            for change in self._model.changes
            if change.sequence > after
            and (not before or change.sequence < before)
            and tenant in (None, change.tenant)
            and (not kinds or change.kind in kinds)
            and identifier in (None, change.identifier)
        ]
        in_order = expected[::-1] if newest_first else expected
        assert self._store.changes(query) == in_order[:limit]

    @rule(data=st.data(), limit=st.integers(1, 5))
    def tombstones(self, data: st.DataObject, limit: int) -> None:
        moments = [grave.deleted_at for grave in self._model.graves]
        before = data.draw(st.sampled_from([*moments, "9"]))
        expected = [grave for grave in self._model.graves if grave.deleted_at < before]
        assert self._store.tombstones(before, limit) == expected[:limit]

    @rule(kind=st.sampled_from(_FEW_KINDS), identifiers=st.sets(st.sampled_from(ORDERED)))
    def get_many(self, kind: str, identifiers: set[str]) -> None:
        entries = self._model.entries
        expected = {i: entries[kind, i].stored for i in identifiers if (kind, i) in entries}
        assert self._store.get_many(kind, identifiers) == expected

    @rule()
    def reopen(self) -> None:
        self._store.close()
        self._store = self._open_store(Path(self._folder.name, "store"))

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        self._check_all(self._store, self._model)

    def _do(self, transaction: Transaction, work: Sequence[_Operation]) -> _Model:
        # A copy at each try: the store may try the work again.
        model = deepcopy(self._model)
        for operation in work:
            operation(transaction, model)
        self._check_all(transaction, model)
        return model

    def _do_and_refuse(self, transaction: Transaction, work: Sequence[_Operation]) -> None:
        self._do(transaction, work)
        raise Refused

    def _check_find(self, reader: Store | Transaction, kind: str, query: Query) -> None:
        """All pages of the query are the model's."""
        expected = self._model.matching(kind, query)
        for at in range(0, len(expected) + 1, query.limit):
            if at:
                last = expected[at - 1]
                texts = [last.columns[order.column] for order in query.sort]
                query = replace(query, after=[*texts, last.stored.identifier])
            page = [entry.stored for entry in expected[at : at + query.limit]]
            assert reader.find(kind, query) == page

    def _check_all(self, reader: Store | Transaction, model: _Model) -> None:
        for kind in _FEW_KINDS:
            assert reader.find(kind, Query(ALL)) == [
                entry.stored for entry in model.matching(kind, Query(ALL))
            ]
            for identifier in _FEW_IDENTIFIERS:
                entry = model.entries.get((kind, identifier))
                assert reader.get(kind, identifier) == (entry.stored if entry else None)
                graves = [g for g in model.graves if _name(g) == (kind, identifier)]
                assert reader.tombstone(kind, identifier) == (graves[-1] if graves else None)
        assert reader.changes(ChangeQuery(ALL)) == model.changes
        assert reader.tombstones("9", ALL) == model.graves
        for principal in _PRINCIPALS:
            for key in _FEW_KEYS:
                assert reader.reply(principal, key) == model.replies.get((principal, key))
        for job in _JOBS:
            parts = [model.parts.get((job, number)) for number in range(3)]
            assert [reader.part(job, number) for number in range(3)] == parts

    def _next(self) -> str:
        """A text that was not drawn yet, and comes after those that were."""
        self._drawn += 1
        return f"{self._drawn:06}"

    def _draw_operation(self, data: st.DataObject, planned: _Model) -> _Operation:
        """One that the rules allow, after those that were planned."""
        draw = data.draw(st.sampled_from((_WRITE, _WRITE, _WRITE, *_OTHERS)))
        operation = draw(data, planned, self._next())
        operation(_NOWHERE, planned)
        return operation


def _name(grave: Tombstone) -> tuple[str, str]:
    return grave.kind, grave.entry.stored.identifier


class _Nowhere:
    """Stands for a transaction where only the model is of interest."""

    def __getattr__(self, name: str) -> Callable[..., int]:
        return lambda *args: 0


_NOWHERE: Any = _Nowhere()


def _draw_write(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    """To insert what is not there; to replace or remove what is."""
    kind = data.draw(st.sampled_from(_FEW_KINDS))
    identifier = data.draw(st.sampled_from(_FEW_IDENTIFIERS))
    name = (kind, identifier)
    there = name in planned.entries
    if there and data.draw(st.integers(0, 2)) == 0:
        return partial(_remove, name=name)
    entry = data.draw(_entries(kind, identifier, new))
    return partial(_put, name=name, entry=entry, there=there)


def _remove(transaction: Transaction, model: _Model, *, name: tuple[str, str]) -> None:
    transaction.remove(*name)
    del model.entries[name]


def _put(
    transaction: Transaction,
    model: _Model,
    *,
    name: tuple[str, str],
    entry: Entry,
    there: bool,
) -> None:
    (transaction.replace if there else transaction.insert)(name[0], entry)
    model.entries[name] = entry


def _draw_record(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    kind, identifier = st.sampled_from(_FEW_KINDS), st.sampled_from(_FEW_IDENTIFIERS)
    tenant = st.sampled_from(_FEW_TENANTS)
    change = a_change(data.draw(identifier), data.draw(kind), data.draw(tenant), after=new)

    def operation(transaction: Transaction, model: _Model) -> None:
        sequence = transaction.record(change)
        assert transaction is _NOWHERE or all(c.sequence < sequence for c in model.changes)
        model.changes.append(replace(change, sequence=sequence))

    return operation


def _draw_bury(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    kind = data.draw(st.sampled_from(_FEW_KINDS))
    identifier = data.draw(st.sampled_from(_FEW_IDENTIFIERS))
    tombstone = Tombstone(kind, new, data.draw(_entries(kind, identifier, new)))

    def operation(transaction: Transaction, model: _Model) -> None:
        transaction.bury(tombstone)
        model.graves.append(tombstone)

    return operation


def _draw_exhume(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    if not planned.graves:
        return _draw_bury(data, planned, new)
    grave = data.draw(st.sampled_from(planned.graves))

    def operation(transaction: Transaction, model: _Model) -> None:
        transaction.exhume(grave.kind, grave.entry.uid)
        model.graves.remove(grave)

    return operation


def _draw_keep_reply(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    principal = data.draw(st.sampled_from(_PRINCIPALS))
    reply = Reply(principal, data.draw(st.sampled_from(_FEW_KEYS)), new, new, f'"{new}"')

    def operation(transaction: Transaction, model: _Model) -> None:
        transaction.keep_reply(reply)
        model.replies[reply.principal, reply.key] = reply

    return operation


def _draw_forget_replies(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    before = data.draw(st.sampled_from([*(r.at for r in planned.replies.values()), new]))

    def operation(transaction: Transaction, model: _Model) -> None:
        forgotten = transaction.forget_replies(before)
        old = [name for name, reply in model.replies.items() if reply.at < before]
        assert transaction is _NOWHERE or forgotten == len(old)
        for name in old:
            del model.replies[name]

    return operation


def _draw_add_part(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    job = data.draw(st.sampled_from(_JOBS))
    number = sum(name[0] == job for name in planned.parts)

    def operation(transaction: Transaction, model: _Model) -> None:
        transaction.add_part(job, number, new.encode())
        model.parts[job, number] = new.encode()

    return operation


def _draw_drop_parts(data: st.DataObject, planned: _Model, new: str) -> _Operation:
    job = data.draw(st.sampled_from(_JOBS))

    def operation(transaction: Transaction, model: _Model) -> None:
        transaction.drop_parts(job)
        for name in [name for name in model.parts if name[0] == job]:
            del model.parts[name]

    return operation


_WRITE = _draw_write
_OTHERS = (
    _draw_record,
    _draw_bury,
    _draw_exhume,
    _draw_keep_reply,
    _draw_forget_replies,
    _draw_add_part,
    _draw_drop_parts,
)
