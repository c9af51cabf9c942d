"""What every adapter of the store port has to do, as tests.

An adapter's test module makes two fixtures, ``store`` and ``reopen``, in a subclass of
``StoreConformance``, and has the machine of ``conformance_machine`` run.
"""

from __future__ import annotations

import sys
import threading
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.domain.kinds import KINDS
from inventory.domain.resource import store_form
from inventory.domain.store import (
    Bound,
    Change,
    ChangeQuery,
    Entry,
    Order,
    Query,
    Reply,
    Store,
    Stored,
    Tombstone,
    Transaction,
)

UID = "7f0d9a52-6f0a-4f0e-8a53-0d1f3c3b8f11"
NOW = "2026-01-02T03:04:05.000006Z"
MANY = 5000  # operations in one piece of work
ALL = 4 * MANY  # more than a test ever stores
PATIENCE = 60  # seconds until threads that never end are a failure

Reopen = Callable[[], Store]

# Neighbours in code points that other orders (cases folded, punctuation ignored) put elsewhere.
ORDERED = (
    "-", ".", "0", "10", "2", ":", "A", "B", "Z", "Z-1", "Z.1", "Z1", "Za", "_", "a", "a_", "b",
)  # fmt: skip
TEXTS = (
    "acme", "ACME", "Acme ", "Müller", "Mu\u0308ller", "小米", "\uff21", "🏠", "a🏠", "'; --", "%",
    "_", "\\u0041",
)  # fmt: skip

# The store is the same for all examples of a property, and the property the same for all adapters.
_PROPERTY = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
_IDENTIFIERS = st.text("09AZaz._:-", min_size=1, max_size=6)


class Refused(Exception):
    """A piece of work gives up."""


def a_stored(identifier: str = "lamp", revision: int = 1, **members: Any) -> Stored:
    """A stored resource of which only the named members matter."""
    document = {"identifier": identifier, "uid": UID, **members, "revision": revision}
    return store_form(document)


def an_entry(
    identifier: str = "lamp",
    kind: str = "devices",
    revision: int = 1,
    tenant: str = "",
    *,
    uid: str = UID,
    keys: Collection[str] = (),
    words: Sequence[str] = (),
    members: Mapping[str, Any] | None = None,
    **columns: str,
) -> Entry:
    """An entry with these columns, and no other set; ``members`` are only in its text."""
    unset = dict.fromkeys(KINDS[kind].columns, "")
    assert columns.keys() <= unset.keys(), "a kind has its own columns"
    stored = a_stored(identifier, revision, **columns, **(members or {}))
    text = f" {' '.join(words)} " if words else ""
    return Entry(stored, uid, tenant, unset | columns, frozenset(keys), text)


def every_column(kind: str, text: str) -> dict[str, Any]:
    """The arguments that set each column to a text of its own; "" leaves them unset."""
    return {column: _own(column, text) for column in KINDS[kind].columns}


def _own(column: str, text: str) -> str:
    return f"{column}: {text}" if text else ""


def a_change(
    identifier: str = "lamp", kind: str = "devices", tenant: str = "", **members: Any
) -> Change:
    """A change of which only the named members matter."""
    change = Change(
        kind, identifier, UID, tenant, 1, "create", NOW, "alice", "r-1", "null", '{"name":"Lamp"}'
    )
    return replace(change, **members)


def insert(store: Store, *entries: Entry, kind: str = "devices") -> None:
    """Adds the entries, in one piece of work."""

    def work(transaction: Transaction) -> None:
        for entry in entries:
            transaction.insert(kind, entry)

    store.write(work)


def put(store: Store, *entries: Entry, kind: str = "devices") -> None:
    """Puts the entries in the place of those there are, in one piece of work."""

    def work(transaction: Transaction) -> None:
        for entry in entries:
            transaction.replace(kind, entry)

    store.write(work)


def remove(store: Store, *identifiers: str, kind: str = "devices") -> None:
    """Removes the resources, in one piece of work."""

    def work(transaction: Transaction) -> None:
        for identifier in identifiers:
            transaction.remove(kind, identifier)

    store.write(work)


def record(store: Store, *changes: Change) -> list[int]:
    """Keeps the changes, in one piece of work; their sequences."""
    return store.write(lambda transaction: [transaction.record(change) for change in changes])


def bury(store: Store, *tombstones: Tombstone) -> None:
    """Keeps the tombstones, in one piece of work."""

    def work(transaction: Transaction) -> None:
        for tombstone in tombstones:
            transaction.bury(tombstone)

    store.write(work)


def found(store: Store, query: Query | None = None, kind: str = "devices") -> list[str]:
    """The identifiers that the store finds; without a query, all."""
    return [one.identifier for one in store.find(kind, query or Query(ALL))]


def having(**columns: Collection[str]) -> Query:
    """The query for all that has one of these texts in each column."""
    return Query(ALL, filters=columns)


class StoreConformance:
    """The tests. The fixture ``store`` is an empty store.

    The fixture ``reopen`` closes it, and returns one that was opened on the same data.
    """

    def test_an_empty_store_has_nothing(self, store: Store) -> None:
        assert store.get("devices", "lamp") is None
        assert store.get_many("devices", ["lamp", "plug"]) == {}
        assert store.find("devices", Query()) == []
        assert store.count("devices", Query()) == 0
        assert store.summarize("devices", Query(), ["status"]) == []
        assert store.shared_keys(["label:"], None, "", 10) == []
        assert store.changes(ChangeQuery()) == []
        assert store.tombstone("devices", "lamp") is None
        assert store.tombstones("9", 10) == []
        assert store.reply("alice", "k") is None
        assert store.part("job", 0) is None

    def test_ping_returns(self, store: Store) -> None:
        store.ping()

    def test_it_says_whether_its_reads_are_local(self, store: Store) -> None:
        assert store.reads_are_local in (True, False)

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_new_resource_is_found_every_way(self, store: Store, kind: str) -> None:
        entry = an_entry("one", kind)

        insert(store, entry, kind=kind)

        assert store.get(kind, "one") == entry.stored
        assert store.get_many(kind, ["one"]) == {"one": entry.stored}
        assert store.find(kind, Query()) == [entry.stored]
        assert store.count(kind, Query()) == 1

    def test_the_kinds_do_not_know_each_other(self, store: Store) -> None:
        for kind in KINDS:
            insert(store, an_entry("one", kind, members={"of": kind}), kind=kind)

        remove(store, "one", kind="homes")

        expected = {kind: None if kind == "homes" else kind for kind in KINDS}
        for kind, of in expected.items():
            stored = store.get(kind, "one")
            assert (stored.document()["of"] if stored else None) == of
            assert found(store, kind=kind) == (["one"] if of else [])

    def test_get_many_gives_the_ones_that_exist(self, store: Store) -> None:
        insert(store, an_entry("lamp"), an_entry("plug"), an_entry("lock"))

        devices = store.get_many("devices", ["plug", "gone", "lamp", "plug"])

        assert devices == {one: store.get("devices", one) for one in ("lamp", "plug")}

    def test_get_many_takes_thousands(self, store: Store) -> None:
        identifiers = [f"lamp-{number}" for number in range(MANY)]
        insert(store, *map(an_entry, identifiers[::2]))

        assert sorted(store.get_many("devices", identifiers)) == sorted(identifiers[::2])
        assert store.write(lambda t: len(t.get_many("devices", identifiers))) == MANY / 2

    def test_get_many_of_none_is_empty(self, store: Store) -> None:
        insert(store, an_entry("lamp"))

        assert store.get_many("devices", []) == {}

    # Order, pages

    def test_resources_are_found_in_the_order_of_code_points(self, store: Store) -> None:
        insert(store, *(an_entry(one, device_type="light") for one in reversed(ORDERED)))

        assert found(store) == list(ORDERED)
        assert found(store, having(device_type=["light"])) == list(ORDERED)

    def test_resources_are_found_in_order_however_they_came(self, store: Store) -> None:
        for identifier in ("m", "z", "a", "n", "A"):
            insert(store, an_entry(identifier))

        assert found(store) == ["A", "a", "m", "n", "z"]

    @pytest.mark.parametrize("after", [*ORDERED, "!", "Z0", "ZZ", "~", "🏠"])
    def test_only_what_comes_after_is_found(self, store: Store, after: str) -> None:
        insert(store, *(an_entry(one, device_type="light", tenant="acme") for one in ORDERED))

        expected = [identifier for identifier in ORDERED if identifier > after]
        query = Query(ALL, after=[after])
        assert found(store, query) == expected
        assert found(store, replace(query, filters={"device_type": ["light"]})) == expected
        assert found(store, replace(query, tenant="acme")) == expected

    @pytest.mark.parametrize("limit", [1, 2, len(ORDERED) - 1, len(ORDERED), len(ORDERED) + 1])
    def test_no_more_than_the_limit_is_found(self, store: Store, limit: int) -> None:
        insert(store, *map(an_entry, ORDERED))

        assert found(store, Query(limit)) == list(ORDERED[:limit])

    def test_the_limit_counts_what_the_filters_let_through(self, store: Store) -> None:
        types = ("lock", "light")
        insert(store, *(an_entry(f"d{n}", device_type=types[n % 2]) for n in range(10)))

        query = Query(3, filters={"device_type": ["light"]})
        assert found(store, query) == ["d1", "d3", "d5"]
        assert found(store, replace(query, after=["d5"])) == ["d7", "d9"]

    def test_identifiers_are_compared_case_sensitively(self, store: Store) -> None:
        insert(store, an_entry("Lamp"), an_entry("lamp"))

        remove(store, "Lamp")

        assert store.get("devices", "Lamp") is None
        assert store.get("devices", "LAMP") is None
        assert list(store.get_many("devices", ["LAMP", "Lamp", "lamp"])) == ["lamp"]

    @_PROPERTY
    @given(
        standing=st.sets(_IDENTIFIERS, max_size=25),
        coming=st.lists(_IDENTIFIERS, max_size=25),
        page=st.integers(1, 10),
        order=st.sampled_from([(), (Order("name"),), (Order("name", True), Order("model"))]),
    )
    def test_a_walk_gives_each_standing_resource_once_while_others_come(
        self,
        store: Store,
        standing: set[str],
        coming: list[str],
        page: int,
        order: Sequence[Order],
    ) -> None:
        _clear(store)
        insert(store, *(an_entry(one, name=one[0]) for one in standing))
        others = [identifier for identifier in coming if identifier not in standing]

        walked = _walk(store, Query(page, sort=order), lambda: _come_or_go(store, others))

        assert len(walked) == len(set(walked))
        assert sorted(one for one in walked if one in standing) == sorted(standing)

    # Sorting

    def test_texts_are_sorted_by_code_point(self, store: Store) -> None:
        texts = [*ORDERED, *TEXTS, ""]
        insert(store, *(an_entry(f"d{n:02}", name=text) for n, text in enumerate(texts)))

        rising = sorted(range(len(texts)), key=lambda n: (texts[n], n))
        falling = sorted(rising, key=lambda n: texts[n], reverse=True)
        assert found(store, Query(ALL, sort=[Order("name")])) == [f"d{n:02}" for n in rising]
        assert found(store, Query(ALL, sort=[Order("name", True)])) == [f"d{n:02}" for n in falling]

    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("descending", [False, True])
    def test_each_column_can_be_sorted_by(self, store: Store, kind: str, descending: bool) -> None:
        texts = {"a": "two", "b": "one", "c": "two", "d": ""}
        entries = [an_entry(key, kind, **every_column(kind, texts[key])) for key in texts]
        insert(store, *entries, kind=kind)

        expected = ["a", "c", "b", "d"] if descending else ["d", "b", "a", "c"]
        for column in KINDS[kind].columns:
            query = Query(ALL, sort=[Order(column, descending)])
            assert found(store, query, kind) == expected
            after = [_own(column, texts[expected[1]]), expected[1]]
            assert found(store, replace(query, after=after), kind) == expected[2:]

    @pytest.mark.parametrize("first", [False, True])
    @pytest.mark.parametrize("second", [False, True])
    @pytest.mark.parametrize("page", [1, 2, 3, 100])
    def test_pages_of_any_order_join_to_the_whole(
        self, store: Store, first: bool, second: bool, page: int
    ) -> None:
        texts = ("", "B", "a", "🏠")
        insert(
            store,
            *(an_entry(f"{n:02}", name=texts[n % 4], model=texts[n // 4 % 3]) for n in range(24)),
        )
        order = [Order("name", first), Order("model", second)]

        whole = found(store, Query(ALL, sort=order))

        assert _walk(store, Query(page, sort=order), lambda: None) == whole
        assert len(whole) == 24

    def test_one_may_go_on_after_what_is_gone(self, store: Store) -> None:
        insert(store, *(an_entry(one, name=name) for one, name in zip("abcd", "wxyz", strict=True)))
        remove(store, "b")

        assert found(store, Query(ALL, after=["b"])) == ["c", "d"]
        assert found(store, Query(ALL, sort=[Order("name")], after=["x", "b"])) == ["c", "d"]
        assert found(store, Query(ALL, sort=[Order("name", True)], after=["x", "b"])) == ["a"]

    # Filters

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_column_can_be_filtered(self, store: Store, kind: str) -> None:
        texts = {"a": "active", "b": "disabled", "c": "retired", "d": "active", "e": ""}
        entries = [an_entry(key, kind, **every_column(kind, texts[key])) for key in texts]
        insert(store, *entries, kind=kind)

        for column in KINDS[kind].columns:
            those = partial(_found_by, store, kind, column)
            assert those("active") == ["a", "d"]
            assert those("unknown") == []
            assert those("active", "retired", "active") == ["a", "c", "d"]
            assert those("") == ["e"]
            assert those("", "disabled") == ["b", "e"]
            wanted = {_own(column, "active"), _own(column, "retired")}
            assert found(store, Query(1, filters={column: wanted}, after=["a"]), kind) == ["c"]

    @pytest.mark.parametrize("column", ["device_type", "home_id"])
    def test_no_text_lets_nothing_through(self, store: Store, column: str) -> None:
        insert(store, an_entry("lamp"))

        assert found(store, having(**{column: []})) == []
        assert store.count("devices", having(**{column: []})) == 0

    def test_all_of_several_filters_have_to_let_through(self, store: Store) -> None:
        columns = KINDS["devices"].columns
        every: dict[str, Any] = dict.fromkeys(columns, "x")
        insert(store, an_entry("all", **every))
        insert(store, *(an_entry(f"but_{c}", **(every | {c: "y"})) for c in columns))

        wanted = {column: ["x"] for column in columns}
        assert found(store, having(**wanted)) == ["all"]
        assert found(store, having(**wanted | {"model": ["x", "y"]})) == ["all", "but_model"]

    @pytest.mark.parametrize("text", TEXTS)
    def test_texts_are_compared_character_by_character(self, store: Store, text: str) -> None:
        insert(
            store,
            *(an_entry(f"d{n:02}", tenant=t, model=t, keys=[t]) for n, t in enumerate(TEXTS)),
        )

        expected = [f"d{TEXTS.index(text):02}"]
        assert found(store, having(model=[text])) == expected
        assert found(store, Query(ALL, keys=[[text]])) == expected
        assert found(store, Query(ALL, tenant=text)) == expected

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_changed_text_is_found_and_the_old_one_not(self, store: Store, kind: str) -> None:
        old, new = every_column(kind, "old"), every_column(kind, "new")
        insert(store, *(an_entry(one, kind, **old) for one in ("lamp", "plug", "lock")), kind=kind)

        put(store, an_entry("lamp", kind, 2, **new), an_entry("lock", kind, 2), kind=kind)

        for column in KINDS[kind].columns:
            those = partial(_found_by, store, kind, column)
            assert [those("old"), those("new"), those("")] == [["plug"], ["lamp"], ["lock"]]
        assert found(store, kind=kind) == ["lamp", "lock", "plug"]

    def test_a_removed_resource_is_not_found(self, store: Store) -> None:
        said: dict[str, Any] = {"home_id": "h1", "keys": ["label:x"], "words": ["red"]}
        insert(store, an_entry("lamp", **said), an_entry("plug", **said))

        remove(store, "lamp")

        assert store.get("devices", "lamp") is None
        assert list(store.get_many("devices", ["lamp", "plug"])) == ["plug"]
        queries = (having(home_id=["h1"]), Query(keys=[["label:x"]]), Query(words=["red"]), None)
        assert [found(store, query) for query in queries] == [["plug"]] * 4

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_tenant_has_its_own(self, store: Store, kind: str) -> None:
        tenants = {"a": "acme", "b": "", "c": "zen", "d": "acme"}
        insert(store, *(an_entry(k, kind, tenant=t) for k, t in tenants.items()), kind=kind)

        assert found(store, Query(tenant="acme"), kind) == ["a", "d"]
        assert found(store, Query(tenant="acme", after=["a"]), kind) == ["d"]
        assert found(store, Query(tenant="ACME"), kind) == []
        assert found(store, Query(tenant=""), kind) == ["b"]
        assert found(store, Query(tenant=None), kind) == ["a", "b", "c", "d"]
        assert store.count(kind, Query(tenant="acme")) == 2

    def test_what_changed_hands_is_the_new_tenants(self, store: Store) -> None:
        insert(store, an_entry("lamp", tenant="acme"))

        put(store, an_entry("lamp", tenant="zen", revision=2))

        assert found(store, Query(tenant="acme")) == []
        assert found(store, Query(tenant="zen")) == ["lamp"]

    # Bounds

    @pytest.mark.parametrize(
        ("at_least", "below", "expected"),
        [
            ("", "", ["b", "c", "d"]),
            ("2", "", ["c", "d"]),
            ("", "2", ["b"]),
            ("2", "3", ["c"]),
            ("1", "1", []),
            ("10", "20", ["c"]),
            ("~", "", []),
        ],
    )
    def test_bounds_hold_what_is_set_and_within(
        self, store: Store, at_least: str, below: str, expected: list[str]
    ) -> None:
        days = {"a": "", "b": "1", "c": "2", "d": "3"}
        insert(store, *(an_entry(key, purchased_on=day) for key, day in days.items()))

        query = Query(ALL, bounds=[Bound("purchased_on", at_least, below)])
        assert found(store, query) == expected
        assert store.count("devices", query) == len(expected)

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_column_can_be_bounded(self, store: Store, kind: str) -> None:
        texts = ("", "A", "B", "a")
        insert(
            store, *(an_entry(t or "-", kind, **every_column(kind, t)) for t in texts), kind=kind
        )

        for column in KINDS[kind].columns:
            middle = _own(column, "B")
            assert found(store, Query(bounds=[Bound(column, middle)]), kind) == ["B", "a"]
            assert found(store, Query(bounds=[Bound(column, below=middle)]), kind) == ["A"]

    def test_all_of_several_bounds_have_to_hold(self, store: Store) -> None:
        days = [("a", "1", "1"), ("b", "1", "3"), ("c", "3", "1"), ("d", "3", "3")]
        insert(store, *(an_entry(k, purchased_on=p, warranty_expires_on=w) for k, p, w in days))

        bounds = [Bound("purchased_on", "2"), Bound("warranty_expires_on", below="2")]
        assert found(store, Query(bounds=bounds)) == ["c"]
        both = [Bound("purchased_on", "2"), Bound("purchased_on", below="3")]
        assert found(store, Query(bounds=both)) == []

    # Keys, words

    def test_each_group_of_keys_has_to_have_one(self, store: Store) -> None:
        held = {"a": "xy", "b": "x", "c": "yz", "d": ""}
        insert(store, *(an_entry(k, keys=[f"label:{c}" for c in cs]) for k, cs in held.items()))

        def those(*groups: str) -> list[str]:
            return found(
                store, Query(ALL, keys=[[f"label:{c}" for c in group] for group in groups])
            )

        assert those("x") == ["a", "b"]
        assert those("xy", "yz") == ["a", "c"]
        assert those("xyz") == ["a", "b", "c"]
        assert those("x", "z") == []
        assert those("x", "y") == ["a"]
        assert those("xx", "") == []
        assert found(store, Query(1, keys=[["label:x", "label:y"]], after=["a"])) == ["b"]

    @pytest.mark.parametrize("kind", KINDS)
    def test_resources_of_every_kind_have_keys_and_words(self, store: Store, kind: str) -> None:
        entries = [an_entry(one, kind, keys=[f"of:{one}"], words=["red", one]) for one in "ab"]
        insert(store, *entries, kind=kind)

        assert found(store, Query(keys=[["of:a"]]), kind) == ["a"]
        assert found(store, Query(words=["red", "b"]), kind) == ["b"]
        assert [
            found(store, Query(keys=[["of:a"]]), other) for other in KINDS if other != kind
        ] == [[]] * (len(KINDS) - 1)

    def test_a_key_is_looked_up_as_a_whole(self, store: Store) -> None:
        insert(store, an_entry("lamp", keys=["label:attic"]))

        for key in ("label:atti", "label:attics", "label:ATTIC", "attic", "label:%", "label:_ttic"):
            assert found(store, Query(keys=[[key]])) == []

    def test_each_word_begins_a_word(self, store: Store) -> None:
        said = {"a": ["red", "lamp"], "b": ["lampshade"], "c": ["redlamp"], "d": []}
        insert(store, *(an_entry(key, words=words) for key, words in said.items()))

        assert found(store, Query(words=["lamp"])) == ["a", "b"]
        assert found(store, Query(words=["la", "r"])) == ["a"]
        assert found(store, Query(words=["red"])) == ["a", "c"]
        assert found(store, Query(words=["amp"])) == []
        assert found(store, Query(words=["lamps"])) == ["b"]
        assert found(store, Query(words=["lamp", "lamp"])) == ["a", "b"]
        assert store.count("devices", Query(words=["lamp"])) == 2

    @pytest.mark.parametrize(
        "word",
        ["%", "_", "100%", "a_b", "müller", "mu\u0308ller", "小米", "🏠", "\\", "'", '"', "a*"],
    )
    def test_words_are_compared_character_by_character(self, store: Store, word: str) -> None:
        insert(store, an_entry("it", words=["first", word]), an_entry("not", words=["100", "axb"]))

        assert found(store, Query(words=[word])) == ["it"]

    def test_changed_keys_and_words_are_found_and_the_old_ones_not(self, store: Store) -> None:
        insert(store, an_entry("lamp", keys=["label:a", "label:b"], words=["red"]))

        put(store, an_entry("lamp", revision=2, keys=["label:b", "label:c"], words=["blue"]))

        keys = [found(store, Query(keys=[[f"label:{one}"]])) for one in "abc"]
        assert keys == [[], ["lamp"], ["lamp"]]
        assert [found(store, Query(words=[word])) for word in ("red", "blue")] == [[], ["lamp"]]

    # Staleness

    def test_what_was_seen_before_its_types_cutoff_is_stale(self, store: Store) -> None:
        seen = [
            ("a", "light", "1"),
            ("b", "light", "2"),
            ("c", "lock", "2"),
            ("d", "light", ""),
            ("e", "tap", "1"),
            ("f", "", "1"),
        ]
        insert(store, *(an_entry(k, device_type=t, last_seen_at=at) for k, t, at in seen))
        query = Query(ALL, cutoffs={"light": "2", "lock": "3", "siren": "9"})

        assert found(store, replace(query, stale=True)) == ["a", "c"]
        assert found(store, replace(query, stale=False)) == ["b", "d", "e", "f"]
        assert found(store, query) == ["a", "b", "c", "d", "e", "f"]
        assert store.count("devices", replace(query, stale=True)) == 2
        assert store.summarize("devices", query, ["stale", "device_type"]) == [
            (("false", ""), 1),
            (("false", "light"), 2),
            (("false", "tap"), 1),
            (("true", "light"), 1),
            (("true", "lock"), 1),
        ]

    def test_without_cutoffs_nothing_is_stale(self, store: Store) -> None:
        insert(store, an_entry("a", device_type="light", last_seen_at="1"), an_entry("b"))

        assert found(store, Query(stale=True)) == []
        assert found(store, Query(stale=False)) == ["a", "b"]
        assert store.summarize("devices", Query(), ["stale"]) == [(("false",), 2)]

    # Counting

    def test_counting_minds_neither_limit_nor_order_nor_page(self, store: Store) -> None:
        insert(store, *(an_entry(one, name="x") for one in ORDERED))
        query = Query(2, sort=[Order("name")], after=["x", "Z"])

        assert store.count("devices", query) == len(ORDERED)
        assert store.summarize("devices", query, ["name"]) == [(("x",), len(ORDERED))]

    def test_a_summary_is_in_the_order_of_its_texts(self, store: Store) -> None:
        texts = [*TEXTS, "", "acme"]
        insert(store, *(an_entry(f"d{n}", model=text) for n, text in enumerate(texts)))

        expected = sorted(((text,), count) for text, count in Counter(texts).items())
        assert store.summarize("devices", Query(), ["model"]) == expected

    def test_a_summary_is_of_what_the_query_asks_for(self, store: Store) -> None:
        for n in range(12):
            said: dict[str, Any] = {
                "status": "ab"[n % 2],
                "model": "xyz"[n % 3],
                "home_id": "h"[n % 4 :],
            }
            insert(store, an_entry(f"d{n:02}", tenant="st"[n % 2], **said))

        query = Query(tenant="s", filters={"model": ["x", "y"]})
        rows = [
            (("x", "", "a"), 1),
            (("x", "h", "a"), 1),
            (("y", "", "a"), 1),
            (("y", "h", "a"), 1),
        ]
        assert store.summarize("devices", query, ["model", "home_id", "status"]) == rows

    @pytest.mark.parametrize("kind", KINDS)
    def test_each_column_can_be_summarized(self, store: Store, kind: str) -> None:
        texts = [*"abba", ""]
        entries = [an_entry(str(n), kind, **every_column(kind, t)) for n, t in enumerate(texts)]
        insert(store, *entries, kind=kind)

        for column in KINDS[kind].columns:
            a, b = _own(column, "a"), _own(column, "b")
            assert store.summarize(kind, Query(), [column]) == [(("",), 1), ((a,), 2), ((b,), 2)]

    # Shared keys

    def test_keys_that_devices_of_one_tenant_share_are_found(self, store: Store) -> None:
        insert(
            store,
            an_entry("a", tenant="t", keys=["mac:1", "mac:2", "label:x"]),
            an_entry("b", tenant="t", keys=["mac:1", "label:x", "serial:1"]),
            an_entry("c", tenant="u", keys=["mac:1", "mac:2", "serial:1"]),
            an_entry("d", tenant="u", keys=["mac:1", "serial:1"]),
            an_entry("e", keys=["mac:3"]),
            an_entry("f", keys=["mac:3", "macron"]),
            an_entry("g", keys=["macron", "mac:4"]),
        )
        insert(store, *(an_entry(one, "homes", keys=["mac:4"]) for one in "ghi"), kind="homes")

        macs = [("mac:1", ["a", "b"]), ("mac:1", ["c", "d"]), ("mac:3", ["e", "f"])]
        assert store.shared_keys(["mac:"], None, "", 10) == macs
        assert store.shared_keys(["serial:", "mac:"], "u", "", 10) == [
            ("mac:1", ["c", "d"]),
            ("serial:1", ["c", "d"]),
        ]
        assert store.shared_keys(["mac:"], "", "", 10) == [("mac:3", ["e", "f"])]
        assert store.shared_keys(["mac:"], None, "mac:1", 10) == macs[2:]
        assert store.shared_keys(["mac:"], None, "", 1) == macs[:1]
        assert store.shared_keys(["mac"], None, "mac:2", 10) == [*macs[2:], ("macron", ["f", "g"])]
        assert store.shared_keys([], None, "", 10) == []

    def test_shared_keys_are_in_the_order_of_code_points(self, store: Store) -> None:
        keys = [f"k:{one}" for one in (*ORDERED, *TEXTS, "%", "_")]
        insert(store, *(an_entry(one, keys=keys) for one in ("b", "a", "B")))

        expected = [(key, ["B", "a", "b"]) for key in sorted(set(keys))]
        assert store.shared_keys(["k:"], None, "", ALL) == expected
        assert store.shared_keys(["k:a", "k"], None, "k:_", ALL) == [
            row for row in expected if row[0] > "k:_"
        ]
        assert store.shared_keys(["k:%", "K:", "k_"], None, "", ALL) == [("k:%", ["B", "a", "b"])]

    def test_a_key_that_only_one_device_has_is_not_shared_anymore(self, store: Store) -> None:
        insert(store, *(an_entry(one, keys=["mac:1"]) for one in "abc"))

        remove(store, "a")
        assert store.shared_keys(["mac:"], None, "", 10) == [("mac:1", ["b", "c"])]
        put(store, an_entry("b", revision=2, tenant="t", keys=["mac:1"]))
        assert store.shared_keys(["mac:"], None, "", 10) == []

    # Pieces of work

    def test_what_the_work_returns_is_returned(self, store: Store) -> None:
        assert store.write(lambda transaction: {"any": ["thing"]}) == {"any": ["thing"]}
        assert store.write(lambda transaction: None) is None

    def test_what_the_work_raises_is_raised_and_nothing_of_it_stays(
        self, store: Store, reopen: Reopen
    ) -> None:
        insert(store, *(an_entry(one, home_id="h1") for one in ("edited", "deleted", "stays")))
        _fill(store)
        before = _everything(store)

        def work(transaction: Transaction) -> None:
            _change_all(transaction)
            raise Refused

        with pytest.raises(Refused):
            store.write(work)

        assert _everything(store) == before
        assert found(store, having(home_id=["h1"])) == ["deleted", "edited", "stays"]
        assert _everything(reopen()) == before

    def test_a_work_that_raised_may_be_done_again(self, store: Store) -> None:
        def refused(transaction: Transaction) -> None:
            transaction.insert("devices", an_entry("lamp", members={"by": "first"}))
            transaction.record(a_change())
            raise Refused

        with pytest.raises(Refused):
            store.write(refused)
        insert(store, an_entry("lamp"))

        assert store.get("devices", "lamp") == an_entry("lamp").stored
        assert store.changes(ChangeQuery()) == []

    def test_a_work_sees_what_was_committed_and_what_it_has_written(self, store: Store) -> None:
        insert(store, *(an_entry(one, home_id="h1") for one in ("edited", "deleted", "stays")))
        _fill(store)

        def work(transaction: Transaction) -> dict[str, Any]:
            assert _everything(transaction) == before
            _change_all(transaction)
            return _everything(transaction)

        before = _everything(store)
        seen = store.write(work)

        assert seen == _everything(store) != before

    def test_work_may_do_several_things_with_the_same_resource(
        self, store: Store, reopen: Reopen
    ) -> None:
        last = an_entry("lamp", revision=3, home_id="h3", keys=["label:c"], words=["c"])

        def work(transaction: Transaction) -> None:
            transaction.insert("devices", an_entry("lamp", home_id="h1", keys=["label:a"]))
            transaction.replace("devices", an_entry("lamp", revision=2, home_id="h2", words=["b"]))
            transaction.remove("devices", "lamp")
            assert transaction.get("devices", "lamp") is None
            transaction.insert("devices", last)
            transaction.insert("devices", an_entry("plug"))
            transaction.remove("devices", "plug")

        store.write(work)

        for opened in (store, reopen()):
            assert opened.find("devices", Query()) == [last.stored]
            assert found(opened, having(home_id=["h1", "h2"])) == []
            assert found(opened, having(home_id=["h3"])) == ["lamp"]
            assert found(opened, Query(keys=[["label:a", "label:b"]])) == []
            assert found(opened, Query(keys=[["label:c"]], words=["c"])) == ["lamp"]

    def test_a_removed_resource_can_be_inserted_again(self, store: Store, reopen: Reopen) -> None:
        insert(store, an_entry("lamp", home_id="h1"))
        remove(store, "lamp")

        insert(store, an_entry("lamp", home_id="h2"))

        for opened in (store, reopen()):
            assert opened.get("devices", "lamp") == an_entry("lamp", home_id="h2").stored
            assert found(opened, having(home_id=["h1"])) == []
            assert found(opened, having(home_id=["h2"])) == ["lamp"]

    def test_thousands_of_operations_are_one_work(self, store: Store) -> None:
        insert(store, *(an_entry(f"d{number}", home_id="h1") for number in range(MANY)))
        odd = range(1, MANY, 2)

        def work(transaction: Transaction) -> None:
            for number in range(0, MANY, 2):
                transaction.remove("devices", f"d{number}")
            for number in odd:
                transaction.replace("devices", an_entry(f"d{number}", revision=2, home_id="h2"))
            for number in range(MANY // 2):
                transaction.insert("devices", an_entry(f"e{number}"))
                transaction.record(a_change(f"e{number}"))

        store.write(work)

        assert found(store, having(home_id=["h1"])) == []
        assert found(store, having(home_id=["h2"])) == sorted(f"d{n}" for n in odd)
        assert store.count("devices", Query()) == MANY
        assert len(store.changes(ChangeQuery(ALL))) == MANY // 2

    def test_what_raises_after_thousands_undoes_them_all(self, store: Store) -> None:
        insert(store, an_entry("stays"))

        def work(transaction: Transaction) -> None:
            for number in range(MANY):
                transaction.insert("devices", an_entry(f"d{number}"))
            raise Refused

        with pytest.raises(Refused):
            store.write(work)

        assert found(store) == ["stays"]

    # Changes

    def test_a_change_is_read_back_with_the_sequence_that_it_got(
        self, store: Store, reopen: Reopen
    ) -> None:
        change = a_change(
            "lamp", "homes", "acme", uid="u", revision=7, action="update", principal="bob",
            request_id="r", before='{"name": null}', after='{"name":"\u2028🏠\\u0041"}',
        )  # fmt: skip

        [sequence] = record(store, change)

        expected = [replace(change, sequence=sequence)]
        assert sequence > 0
        assert store.changes(ChangeQuery()) == expected
        assert reopen().changes(ChangeQuery()) == expected

    def test_later_changes_have_greater_sequences(self, store: Store, reopen: Reopen) -> None:
        sequences = record(store, a_change("a"), a_change("b"))
        sequences += record(store, a_change("a"))
        opened = reopen()
        sequences += record(opened, a_change("c"))

        assert sequences == sorted(set(sequences))
        assert [one.sequence for one in opened.changes(ChangeQuery())] == sequences

    def test_a_work_sees_its_own_changes_with_their_sequences(self, store: Store) -> None:
        def work(transaction: Transaction) -> tuple[int, list[Change]]:
            sequence = transaction.record(a_change("b"))
            return sequence, transaction.changes(ChangeQuery())

        [first] = record(store, a_change("a"))
        second, seen = store.write(work)

        assert [one.sequence for one in seen] == [first, second]
        assert seen == store.changes(ChangeQuery())

    def test_changes_can_be_asked_for_in_every_way(self, store: Store) -> None:
        said = [("a", "devices", "t"), ("b", "devices", "t"), ("a", "homes", "t"),
                ("a", "devices", "u"), ("b", "devices", ""), ("a", "devices", "t")]  # fmt: skip
        sequences = record(store, *(a_change(*each) for each in said))

        def those(**query: Any) -> list[int]:
            found = store.changes(ChangeQuery(**query))
            return [sequences.index(change.sequence) for change in found]

        assert those() == [0, 1, 2, 3, 4, 5]
        assert those(limit=2) == [0, 1]
        assert those(limit=2, newest_first=True) == [5, 4]
        assert those(tenant="t") == [0, 1, 2, 5]
        assert those(tenant="") == [4]
        assert those(kinds=["homes"]) == [2]
        assert those(kinds=["homes", "devices"]) == [0, 1, 2, 3, 4, 5]
        assert those(kinds=["homes", "areas"]) == [2]
        assert those(kinds=["areas", "jobs"]) == []
        both: dict[str, Any] = {"kinds": ["homes", "devices"], "tenant": "t"}
        assert those(**both, limit=3) == [0, 1, 2]
        assert those(**both, newest_first=True, limit=2) == [5, 2]
        assert those(**both, after=sequences[0], before=sequences[5]) == [1, 2]
        assert those(kinds=["devices"], identifier="a") == [0, 3, 5]
        assert those(kinds=["devices"], identifier="a", tenant="t", newest_first=True) == [5, 0]
        assert those(kinds=["devices"], identifier="A") == []
        assert those(after=sequences[1], before=sequences[4]) == [2, 3]
        assert those(after=sequences[1], newest_first=True, limit=1) == [5]
        assert those(before=sequences[4], newest_first=True, limit=2) == [3, 2]
        history: dict[str, Any] = {"kinds": ["devices"], "identifier": "a"}
        assert those(**history, after=sequences[0], before=sequences[5]) == [3]
        assert those(**history, before=sequences[5], newest_first=True) == [3, 0]

    # Tombstones

    def test_a_tombstone_comes_back_whole(self, store: Store, reopen: Reopen) -> None:
        for kind in KINDS:
            said: dict[str, Any] = {column: "🏠" for column in KINDS[kind].columns[:1]}
            said |= {"keys": ["k:1", "k:2"], "words": ["red", "lamp"]}
            entry = an_entry("one", kind, 7, "acme", uid=f"u-{kind}", **said)
            bury(store, Tombstone(kind, NOW, entry))

            assert store.tombstone(kind, "one") == Tombstone(kind, NOW, entry)
            assert found(store, kind=kind) == []
        before = store.tombstones("9", ALL)

        opened = reopen()

        assert len(before) == len(KINDS)
        assert opened.tombstones("9", ALL) == before
        assert [opened.tombstone(one.kind, "one") for one in before] == before

    def test_the_latest_tombstone_of_an_identifier_is_given(self, store: Store) -> None:
        graves = [_a_grave("lamp", number) for number in range(3)]
        bury(store, *graves)

        assert store.tombstone("devices", "lamp") == graves[2]
        store.write(lambda transaction: transaction.exhume("devices", graves[2].entry.uid))
        assert store.tombstone("devices", "lamp") == graves[1]
        store.write(lambda transaction: transaction.exhume("devices", graves[0].entry.uid))
        assert store.tombstone("devices", "lamp") == graves[1]
        assert store.tombstone("devices", "LAMP") is None
        assert store.tombstone("homes", "lamp") is None

    def test_the_latest_tombstone_of_a_tenant_is_given(self, store: Store) -> None:
        graves = {
            tenant: Tombstone(
                "devices", at, an_entry("lamp", tenant=tenant, uid=tenant or "nobody")
            )
            for tenant, at in (("acme", "1"), ("other", "2"), ("", "3"))
        }
        bury(store, *graves.values())

        assert store.tombstone("devices", "lamp") == graves[""]
        for tenant, grave in graves.items():
            assert store.tombstone("devices", "lamp", tenant) == grave
        assert store.tombstone("devices", "lamp", "third") is None

    def test_tombstones_are_given_oldest_first(self, store: Store) -> None:
        graves = [
            _a_grave(one, n, "devices" if n % 2 else "homes") for n, one in enumerate("ecadb")
        ]
        bury(store, *reversed(graves))

        assert store.tombstones("9", ALL) == graves
        assert store.tombstones(graves[3].deleted_at, ALL) == graves[:3]
        assert store.tombstones("9", 2) == graves[:2]
        assert store.tombstones(graves[0].deleted_at, ALL) == []

    def test_a_tombstone_does_not_take_the_identifier(self, store: Store, reopen: Reopen) -> None:
        grave = _a_grave("lamp", 1)
        bury(store, grave)
        insert(store, an_entry("lamp"))

        for opened in (store, reopen()):
            assert opened.get("devices", "lamp") == an_entry("lamp").stored
            assert opened.tombstone("devices", "lamp") == grave

    # Replies

    def test_a_reply_is_kept_until_a_newer_takes_its_place(
        self, store: Store, reopen: Reopen
    ) -> None:
        first = Reply("alice", "k", "f1", "1", '{"status": 201, "body": "\u0000🏠"}')
        second = Reply("alice", "k", "f2", "3", "{}")
        other = Reply("bob", "k", "f3", "2", "[]")
        _keep(store, first, other)
        assert store.reply("alice", "k") == first

        _keep(store, second)

        for opened in (store, reopen()):
            assert opened.reply("alice", "k") == second
            assert opened.reply("bob", "k") == other
            assert opened.reply("alice", "K") is None
            assert opened.reply("k", "alice") is None

    def test_old_replies_are_forgotten(self, store: Store) -> None:
        _keep(store, *(Reply("alice", str(n), "f", str(n), "{}") for n in range(6)))
        _keep(store, Reply("alice", "0", "f", "9", "{}"))

        assert store.write(lambda transaction: transaction.forget_replies("3")) == 2

        kept = [n for n in range(6) if store.reply("alice", str(n))]
        assert kept == [0, 3, 4, 5]
        assert store.write(lambda transaction: transaction.forget_replies("3")) == 0

    # Parts

    def test_parts_are_kept_until_they_are_dropped(self, store: Store, reopen: Reopen) -> None:
        parts = [b"", bytes(range(256)), "🏠".encode() * 100_000, b"\n{}"]

        def work(transaction: Transaction) -> None:
            for number, content in enumerate(parts):
                transaction.add_part("job", number, content)
            transaction.add_part("job2", 0, b"other")

        store.write(work)

        for opened in (store, reopen()):
            assert [opened.part("job", n) for n in range(5)] == [*parts, None]
        opened.write(lambda transaction: transaction.drop_parts("job"))
        assert [opened.part("job", n) for n in range(5)] == [None] * 5
        assert opened.part("job2", 0) == b"other"
        opened.write(lambda transaction: transaction.add_part("job", 0, b"again"))
        assert opened.part("job", 0) == b"again"

    # Content

    @pytest.mark.parametrize(
        "text", [*TEXTS, "\u0000", "\u2028", "\ufeff", '"\\\n\r\t', "\U0010ffff"]
    )
    def test_text_comes_back_as_it_was(self, store: Store, reopen: Reopen, text: str) -> None:
        entry = an_entry("lamp", members={"name": text, "attributes": {text: [text]}})
        insert(store, entry)

        assert store.get("devices", "lamp") == entry.stored
        assert reopen().get("devices", "lamp") == entry.stored

    @_PROPERTY
    @given(
        attributes=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        )
    )
    def test_bodies_come_back_byte_for_byte(self, store: Store, attributes: Any) -> None:
        _clear(store)
        entry = an_entry("lamp", members={"attributes": {"value": attributes}})

        insert(store, entry)

        read = [store.get("devices", "lamp"), store.get_many("devices", ["lamp"])["lamp"]]
        for stored in (*read, *store.find("devices", Query())):
            assert stored is not None
            assert stored.body.encode() == entry.stored.body.encode()
            assert stored == entry.stored

    def test_a_large_document_comes_back_whole(self, store: Store, reopen: Reopen) -> None:
        entry = an_entry("lamp", members={"attributes": {"text": "🏠" * 8000}})
        insert(store, entry)

        assert reopen().get("devices", "lamp") == entry.stored

    def test_what_the_caller_does_to_columns_later_is_not_stored(self, store: Store) -> None:
        columns = dict(an_entry(name="old").columns)
        entry = replace(an_entry("lamp"), columns=columns)
        insert(store, entry)
        bury(store, Tombstone("devices", NOW, entry))

        columns["name"] = "new"

        assert found(store, having(name=["old"])) == ["lamp"]
        grave = store.tombstone("devices", "lamp")
        assert grave is not None
        assert grave.entry.columns["name"] == "old"

    # Durability

    def test_everything_is_there_after_reopening(self, store: Store, reopen: Reopen) -> None:
        insert(store, *(an_entry(one, home_id="h1") for one in ("edited", "deleted", "stays")))
        _fill(store)
        store.write(_change_all)
        before = _everything(store)

        opened = reopen()

        assert _everything(opened) == before
        assert found(opened, having(home_id=["h1"])) == ["stays"]
        assert found(opened, having(home_id=["h2"])) == ["edited"]
        assert found(opened, Query(keys=[["label:new"]], words=["ne"])) == ["edited"]

    def test_a_store_can_be_reopened_again_and_again(self, store: Store, reopen: Reopen) -> None:
        opened = store
        for number in range(5):
            insert(opened, an_entry(f"d{number}"))
            record(opened, a_change(f"d{number}"))
            opened = reopen()

        assert found(opened) == [f"d{number}" for number in range(5)]
        assert len(opened.changes(ChangeQuery())) == 5

    # Threads

    def test_increments_by_many_threads_are_not_lost(self, store: Store) -> None:
        threads, times = 8, 20
        insert(store, an_entry("counter", members={"count": 0}))

        returned = _in_threads([partial(_increment, store, times)] * threads)

        assert sorted(n for each in returned for n in each) == list(range(1, threads * times + 1))
        assert _counted(store) == threads * times

    def test_of_many_who_insert_the_same_resource_one_succeeds(self, store: Store) -> None:
        entries = [an_entry("lamp", members={"by": number}) for number in range(8)]

        outcomes = _in_threads([partial(_insert_new, store, entry) for entry in entries])

        assert outcomes.count(True) == 1
        assert store.get("devices", "lamp") == entries[outcomes.index(True)].stored

    def test_work_that_raises_beside_others_undoes_only_itself(self, store: Store) -> None:
        def write(thread: int) -> None:
            for number in range(25):
                insert(store, an_entry(f"d{thread}-{number}"))
                with pytest.raises(Refused):
                    store.write(partial(_insert_and_refuse, f"e{thread}-{number}"))

        _in_threads([partial(write, thread) for thread in range(8)])

        assert found(store) == sorted(f"d{thread}-{n}" for thread in range(8) for n in range(25))

    def test_what_many_threads_insert_is_all_there(self, store: Store, reopen: Reopen) -> None:
        def write(thread: int) -> None:
            for number in range(25):
                identifier = f"d{thread}-{number}"
                insert(store, an_entry(identifier))
                record(store, a_change(identifier))
                assert store.get("devices", identifier) is not None

        _in_threads([partial(write, thread) for thread in range(8)])

        expected = sorted(f"d{thread}-{number}" for thread in range(8) for number in range(25))
        for opened in (store, reopen()):
            assert found(opened) == expected
            changes = opened.changes(ChangeQuery(ALL))
            assert sorted(one.identifier for one in changes) == expected
            assert len({one.sequence for one in changes}) == len(expected)

    def test_who_follows_the_changes_misses_none(self, store: Store) -> None:
        threads, times = 4, 30
        done = threading.Event()
        followed: list[str] = []

        def write(thread: int) -> None:
            for number in range(times):
                record(store, a_change(f"{thread}-{number}"))

        def follow() -> None:
            after = 0
            while True:
                last = done.is_set()
                for change in store.changes(ChangeQuery(7, after=after)):
                    followed.append(change.identifier)
                    after = change.sequence
                    last = False
                if last:
                    return

        def write_all() -> None:
            try:
                _in_threads([partial(write, thread) for thread in range(threads)])
            finally:
                done.set()

        _in_threads([write_all, follow])

        assert sorted(followed) == sorted(f"{t}-{n}" for t in range(threads) for n in range(times))

    def test_readers_never_see_half_a_work(self, store: Store) -> None:
        keys = [f"d{number}" for number in range(200)]
        insert(store, *(an_entry(key, home_id="h0") for key in keys))
        done = threading.Event()

        def write() -> None:
            try:
                for turn in range(1, 13):
                    put(
                        store,
                        *(an_entry(key, revision=turn + 1, home_id=f"h{turn}") for key in keys),
                    )
            finally:
                done.set()

        def read(check: Callable[[Store, Sequence[str]], None]) -> None:
            while True:
                last = done.is_set()
                check(store, keys)
                if last:
                    return

        checks = (_check_many, _check_find, _check_summary, _check_one_by_one)
        with _eager_threads():
            _in_threads([write, *(partial(read, check) for check in checks)])

        assert {one.revision for one in store.find("devices", Query(ALL))} == {13}


def _found_by(store: Store, kind: str, column: str, *texts: str) -> list[str]:
    """What has one of these texts, as ``every_column`` gives them, in the column."""
    return found(store, having(**{column: [_own(column, text) for text in texts]}), kind)


def _check_many(store: Store, keys: Sequence[str]) -> None:
    assert len({one.revision for one in store.get_many("devices", keys).values()}) == 1


def _check_find(store: Store, keys: Sequence[str]) -> None:
    everything = store.find("devices", Query(ALL))
    assert len({one.revision for one in everything}) == 1
    home: str = everything[0].document()["home_id"]
    assert store.count("devices", having(home_id=[home])) in (0, len(keys))
    assert len(found(store, having(home_id=[home]))) in (0, len(keys))


def _check_summary(store: Store, keys: Sequence[str]) -> None:
    assert [count for _, count in store.summarize("devices", Query(), ["home_id"])] == [len(keys)]


def _check_one_by_one(store: Store, keys: Sequence[str]) -> None:
    """The next read is of the same work, or of a later one."""
    for _ in range(100):
        devices = [store.get("devices", key) for key in (keys[0], keys[-1], keys[0])]
        revisions = [one.revision for one in devices if one]
        assert revisions == sorted(revisions)


@contextmanager
def _eager_threads() -> Iterator[None]:
    """Threads interrupt one another as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def _in_threads(tasks: Sequence[Callable[[], Any]]) -> list[Any]:
    """What the tasks returned, which were started at the same moment."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        start.wait(PATIENCE)
        return task()

    with ThreadPoolExecutor(len(tasks)) as pool:
        running = [pool.submit(run, task) for task in tasks]
        return [future.result(PATIENCE) for future in running]


def _insert_new(store: Store, entry: Entry) -> bool:
    def work(transaction: Transaction) -> bool:
        if transaction.get("devices", entry.stored.identifier):
            return False
        transaction.insert("devices", entry)
        return True

    return store.write(work)


def _insert_and_refuse(identifier: str, transaction: Transaction) -> None:
    transaction.insert("devices", an_entry(identifier))
    raise Refused


def _increment(store: Store, times: int) -> list[int]:
    def work(transaction: Transaction) -> int:
        count = _counted(transaction) + 1
        counted = an_entry("counter", revision=count + 1, members={"count": count})
        transaction.replace("devices", counted)
        return count

    return [store.write(work) for _ in range(times)]


def _counted(store: Store | Transaction) -> int:
    stored = store.get("devices", "counter")
    assert stored is not None
    count: int = stored.document()["count"]
    return count


def _a_grave(identifier: str, number: int, kind: str = "devices") -> Tombstone:
    entry = an_entry(identifier, kind, uid=f"{identifier}-{number}")
    return Tombstone(kind, f"2026-01-0{number + 1}", entry)


def _keep(store: Store, *replies: Reply) -> None:
    def work(transaction: Transaction) -> None:
        for reply in replies:
            transaction.keep_reply(reply)

    store.write(work)


def _fill(store: Store) -> None:
    """One of everything but resources, for ``_change_all`` to change."""

    def work(transaction: Transaction) -> None:
        transaction.record(a_change("first"))
        transaction.bury(_a_grave("lamp", 1))
        transaction.bury(_a_grave("plug", 2))
        transaction.keep_reply(Reply("alice", "old", "f", "1", "{}"))
        transaction.keep_reply(Reply("alice", "k", "f", "2", "{}"))
        transaction.add_part("job", 0, b"zero")

    store.write(work)


def _change_all(transaction: Transaction) -> None:
    """Uses every operation, on what ``_fill`` has kept and three devices."""
    transaction.insert("devices", an_entry("new", home_id="h3"))
    edited = an_entry("edited", revision=2, home_id="h2", keys=["label:new"], words=["new"])
    transaction.replace("devices", edited)
    transaction.remove("devices", "deleted")
    transaction.insert("homes", an_entry("home", "homes"))
    transaction.record(a_change("second"))
    transaction.exhume("devices", "lamp-1")
    transaction.bury(_a_grave("lock", 3))
    transaction.forget_replies("2")
    transaction.keep_reply(Reply("alice", "k", "newer", "3", "{}"))
    transaction.keep_reply(Reply("bob", "k", "f", "3", "{}"))
    transaction.drop_parts("job")
    transaction.add_part("job", 1, b"one")


def _everything(reader: Store | Transaction) -> dict[str, Any]:
    """All that the tests above keep."""
    return {
        "resources": {kind: reader.find(kind, Query(ALL)) for kind in KINDS},
        "counts": {kind: reader.count(kind, Query()) for kind in KINDS},
        "homes": reader.summarize("devices", Query(), ["home_id"]),
        "new": reader.find("devices", Query(keys=[["label:new"]], words=["new"])),
        "changes": reader.changes(ChangeQuery(ALL)),
        "tombstones": reader.tombstones("9", ALL),
        "graves": [reader.tombstone("devices", one) for one in ("lamp", "plug", "lock")],
        "replies": [reader.reply(*one) for one in (("alice", "old"), ("alice", "k"), ("bob", "k"))],
        "parts": [reader.part("job", number) for number in range(3)],
    }


def _clear(store: Store) -> None:
    remove(store, *found(store))


def _walk(store: Store, query: Query, between: Callable[[], None]) -> list[str]:
    walked: list[str] = []
    while page := store.find("devices", query):
        walked += [stored.identifier for stored in page]
        last = page[-1].document()
        query = replace(query, after=[*(last.get(o.column, "") for o in query.sort), walked[-1]])
        between()
    return walked


def _come_or_go(store: Store, others: list[str]) -> None:
    """The next of the others is inserted; when it is there already, it is removed."""
    if not others:
        return
    identifier = others.pop()
    if store.get("devices", identifier) is None:
        insert(store, an_entry(identifier, name=identifier[-1]))
    else:
        remove(store, identifier)
