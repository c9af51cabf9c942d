"""What every adapter of the store port has to do, as tests.

An adapter's test module makes two fixtures, ``store`` and ``reopen``, in a subclass of
``DeviceStoreConformance``, and has the machine run:

    class TestShelveDeviceStore(DeviceStoreConformance): ...

    TestAnyHistory = store_machine(ShelveDeviceStore).TestCase
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from inventory.domain.device import Document, StoredDevice, create, store_form
from inventory.domain.store import FILTERS, Change, ChangeConflict, DeviceQuery, DeviceStore

UID = "7f0d9a52-6f0a-4f0e-8a53-0d1f3c3b8f11"
NOW = "2026-01-02T03:04:05.000006Z"
MANY = 5000  # changes in one batch
ALL = 2 * MANY  # more than a test ever stores
PATIENCE = 60  # seconds until threads that never end are a failure

Reopen = Callable[[], DeviceStore]

# Neighbours in code points that other orders (cases folded, punctuation ignored) put elsewhere.
ORDERED = (
    "-",
    ".",
    "0",
    "10",
    "2",
    ":",
    "A",
    "B",
    "Z",
    "Z-1",
    "Z.1",
    "Z1",
    "Za",
    "_",
    "a",
    "a_",
    "b",
)
TEXTS = (
    "acme",
    "ACME",
    "Acme ",
    "Müller",
    "Mu\u0308ller",
    "小米",
    "🏠",
    "a🏠",
    "'; --",
    "%",
    "\\u0041",
)

# The store is the same for all examples of a property, and the property the same for all adapters.
_PROPERTY = settings(
    deadline=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
)
_IDENTIFIERS = st.text("09AZaz._:-", min_size=1, max_size=6)


def a_document(identifier: str = "lamp", *, revision: int = 1, **fields: Any) -> Document:
    """A device of which only the named fields matter."""
    fields = {"name": "Lamp", "device_type": "light"} | fields
    document = create(fields, identifier=identifier, uid=UID, now=NOW)
    return document | {"revision": revision}


def insertion(document: Document) -> Change:
    """The change that makes the device."""
    return Change(document["identifier"], None, document)


def replacement(document: Document) -> Change:
    """The change that puts the document in the place of its last revision."""
    return Change(document["identifier"], document["revision"] - 1, document)


def insert(store: DeviceStore, documents: Iterable[Document]) -> None:
    """Makes the devices, in one batch."""
    store.apply([insertion(document) for document in documents])


def found(
    store: DeviceStore,
    filters: Mapping[str, Collection[str]] | None = None,
    *,
    after: str = "",
    limit: int = ALL,
) -> list[str]:
    """The identifiers that the store finds."""
    return [one.identifier for one in store.find(DeviceQuery(limit, after, filters or {}))]


class DeviceStoreConformance:
    """The tests. The fixture ``store`` is an empty store.

    The fixture ``reopen`` closes it, and returns one that was opened on the same data.
    """

    def test_what_was_never_stored_is_not_there(self, store: DeviceStore) -> None:
        assert store.get("lamp") is None
        assert store.get_many(["lamp", "plug"]) == {}
        assert store.find(DeviceQuery(10)) == []

    def test_a_new_device_is_found_every_way(self, store: DeviceStore) -> None:
        document = a_document("lamp", manufacturer="acme")

        store.apply([insertion(document)])

        stored = store_form(document)
        assert store.get("lamp") == stored
        assert store.get_many(["lamp"]) == {"lamp": stored}
        assert store.find(DeviceQuery(10)) == [stored]
        assert store.find(DeviceQuery(10, filters={"manufacturer": ["acme"]})) == [stored]

    def test_get_many_gives_the_ones_that_exist(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp"), a_document("plug"), a_document("lock")])

        devices = store.get_many(["plug", "gone", "lamp", "plug"])

        assert devices == {one: store.get(one) for one in ("lamp", "plug")}

    def test_get_many_takes_thousands(self, store: DeviceStore) -> None:
        identifiers = [f"lamp-{number}" for number in range(MANY)]
        insert(store, [a_document(identifier) for identifier in identifiers[::2]])

        assert sorted(store.get_many(identifiers)) == sorted(identifiers[::2])

    def test_get_many_of_none_is_empty(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp")])

        assert store.get_many([]) == {}

    def test_ping_returns(self, store: DeviceStore) -> None:
        store.ping()

    def test_an_empty_batch_changes_nothing(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp")])

        store.apply([])

        assert found(store) == ["lamp"]

    # Order, pages

    def test_devices_are_found_in_the_order_of_code_points(self, store: DeviceStore) -> None:
        insert(store, [a_document(identifier) for identifier in reversed(ORDERED)])

        assert found(store) == list(ORDERED)
        assert found(store, {"device_type": ["light"]}) == list(ORDERED)

    def test_devices_are_found_in_order_however_they_came(self, store: DeviceStore) -> None:
        for identifier in ("m", "z", "a", "n", "A"):
            insert(store, [a_document(identifier)])

        assert found(store) == ["A", "a", "m", "n", "z"]

    @pytest.mark.parametrize("after", [*ORDERED, "", "!", "Z0", "ZZ", "~", "🏠"])
    def test_only_what_comes_after_is_found(self, store: DeviceStore, after: str) -> None:
        insert(store, [a_document(identifier) for identifier in ORDERED])

        expected = [identifier for identifier in ORDERED if identifier > after]
        assert found(store, after=after) == expected
        assert found(store, {"device_type": ["light"]}, after=after) == expected

    @pytest.mark.parametrize("limit", [1, 2, len(ORDERED) - 1, len(ORDERED), len(ORDERED) + 1])
    def test_no_more_than_the_limit_is_found(self, store: DeviceStore, limit: int) -> None:
        insert(store, [a_document(identifier) for identifier in ORDERED])

        assert found(store, limit=limit) == list(ORDERED[:limit])

    def test_the_limit_counts_what_the_filters_let_through(self, store: DeviceStore) -> None:
        types = ("lock", "light")
        insert(store, [a_document(f"d{n}", device_type=types[n % 2]) for n in range(10)])

        assert found(store, {"device_type": ["light"]}, limit=3) == ["d1", "d3", "d5"]
        assert found(store, {"device_type": ["light"]}, after="d5", limit=3) == ["d7", "d9"]

    def test_identifiers_are_compared_case_sensitively(self, store: DeviceStore) -> None:
        insert(store, [a_document("Lamp", name="one"), a_document("lamp", name="other")])

        store.apply([Change("Lamp", 1, None)])

        assert store.get("Lamp") is None
        assert store.get("LAMP") is None
        assert store.get_many(["LAMP", "Lamp", "lamp"]) == {"lamp": store.get("lamp")}

    @_PROPERTY
    @given(
        standing=st.sets(_IDENTIFIERS, max_size=25),
        coming=st.lists(_IDENTIFIERS, max_size=25),
        page=st.integers(1, 10),
    )
    def test_a_walk_gives_each_standing_device_once_while_others_come(
        self, store: DeviceStore, standing: set[str], coming: list[str], page: int
    ) -> None:
        _clear(store)
        insert(store, [a_document(identifier) for identifier in standing])
        others = [identifier for identifier in coming if identifier not in standing]

        walked = _walk(store, page, lambda: _come_or_go(store, others))

        assert walked == sorted(set(walked))
        assert [identifier for identifier in walked if identifier in standing] == sorted(standing)

    # Filters

    @pytest.mark.parametrize("member", FILTERS)
    def test_each_filter_lets_its_value_through(self, store: DeviceStore, member: str) -> None:
        values: dict[str, Any] = {"a": "active", "b": "disabled", "c": "active"}
        insert(store, [a_document(key, **{member: value}) for key, value in values.items()])

        assert found(store, {member: ["active"]}) == ["a", "c"]
        assert found(store, {member: ["disabled"]}) == ["b"]
        assert found(store, {member: ["retired"]}) == []

    @pytest.mark.parametrize("member", FILTERS)
    def test_any_of_several_values_is_let_through(self, store: DeviceStore, member: str) -> None:
        values: dict[str, Any] = {"a": "active", "b": "disabled", "c": "retired", "d": "active"}
        insert(store, [a_document(key, **{member: value}) for key, value in values.items()])

        assert found(store, {member: ["active", "retired", "active"]}) == ["a", "c", "d"]
        assert found(store, {member: {"disabled", "unknown"}}) == ["b"]
        assert found(store, {member: ["active", "retired"]}, after="a", limit=1) == ["c"]

    def test_no_value_lets_nothing_through(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp")])

        assert found(store, {"device_type": []}) == []

    def test_all_of_several_filters_have_to_let_through(self, store: DeviceStore) -> None:
        every: dict[str, Any] = dict.fromkeys(FILTERS, "active")
        insert(store, [a_document("all", **every)])
        insert(store, [a_document(f"but_{m}", **(every | {m: "disabled"})) for m in FILTERS])

        active = {member: ["active"] for member in FILTERS}
        assert found(store, active) == ["all"]
        assert found(store, active | {"model": ["active", "disabled"]}) == ["all", "but_model"]

    @pytest.mark.parametrize("member", ["manufacturer", "home_id"])
    def test_what_is_not_set_matches_no_value(self, store: DeviceStore, member: str) -> None:
        insert(store, [a_document("lamp")])

        assert found(store, {member: ["", "None", "null"]}) == []

    @pytest.mark.parametrize("text", TEXTS)
    def test_values_are_compared_character_by_character(
        self, store: DeviceStore, text: str
    ) -> None:
        insert(store, [a_document(f"d{n}", model=TEXTS[n]) for n in range(len(TEXTS))])

        assert found(store, {"model": [text]}) == [f"d{TEXTS.index(text)}"]

    @pytest.mark.parametrize("member", FILTERS)
    def test_a_changed_value_is_found_and_the_old_one_not(
        self, store: DeviceStore, member: str
    ) -> None:
        fields: dict[str, Any] = {member: "active"}
        insert(store, [a_document("lamp", **fields), a_document("plug", **fields)])

        store.apply([replacement(a_document("lamp", revision=2, **{member: "disabled"}))])

        assert found(store, {member: ["active"]}) == ["plug"]
        assert found(store, {member: ["disabled"]}) == ["lamp"]
        assert found(store) == ["lamp", "plug"]

    def test_a_value_that_was_unset_is_not_found(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp", home_id="h1")])

        store.apply([replacement(a_document("lamp", revision=2))])

        assert found(store, {"home_id": ["h1"]}) == []
        assert found(store) == ["lamp"]

    def test_a_deleted_device_is_not_found(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp", home_id="h1"), a_document("plug", home_id="h1")])

        store.apply([Change("lamp", 1, None)])

        assert store.get("lamp") is None
        assert list(store.get_many(["lamp", "plug"])) == ["plug"]
        assert found(store, {"home_id": ["h1"]}) == found(store) == ["plug"]

    # Changes

    def test_a_replacement_is_what_is_read_from_now_on(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp", name="old")])
        new = a_document("lamp", name="new", revision=2)

        store.apply([replacement(new)])

        assert store.get("lamp") == store_form(new)
        assert store.find(DeviceQuery(10)) == [store_form(new)]

    def test_to_insert_what_exists_is_a_conflict(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp", name="first")])

        with pytest.raises(ChangeConflict) as conflict:
            store.apply([insertion(a_document("lamp", name="second"))])

        assert conflict.value.identifier == "lamp"
        assert store.get("lamp") == store_form(a_document("lamp", name="first"))

    @pytest.mark.parametrize("document", [a_document("lamp", revision=4), None])
    @pytest.mark.parametrize("expected", [1, 2, 4])
    def test_another_revision_is_a_conflict(
        self, store: DeviceStore, expected: int, document: Document | None
    ) -> None:
        insert(store, [a_document("lamp", revision=3)])

        with pytest.raises(ChangeConflict) as conflict:
            store.apply([Change("lamp", expected, document)])

        assert conflict.value.identifier == "lamp"
        assert store.get("lamp") == store_form(a_document("lamp", revision=3))

    @pytest.mark.parametrize("document", [a_document("lamp", revision=2), None])
    def test_to_change_what_does_not_exist_is_a_conflict(
        self, store: DeviceStore, document: Document | None
    ) -> None:
        with pytest.raises(ChangeConflict):
            store.apply([Change("lamp", 1, document)])

        assert store.get("lamp") is None

    @pytest.mark.parametrize("place", [0, 1, 2, 3])
    @pytest.mark.parametrize(
        "conflicting",
        [
            insertion(a_document("stays")),
            Change("stays", 7, a_document("stays", revision=8)),
            Change("stays", 7, None),
            Change("missing", 1, a_document("missing", revision=2)),
            Change("missing", 1, None),
        ],
    )
    def test_one_conflict_undoes_the_whole_batch(
        self, store: DeviceStore, conflicting: Change, place: int
    ) -> None:
        insert(store, [a_document(key, home_id="h1") for key in ("edited", "deleted", "stays")])
        before = store.find(DeviceQuery(ALL))
        batch = [
            insertion(a_document("new", home_id="h1")),
            replacement(a_document("edited", home_id="h2", revision=2)),
            Change("deleted", 1, None),
        ]
        batch.insert(place, conflicting)

        with pytest.raises(ChangeConflict):
            store.apply(batch)

        assert store.find(DeviceQuery(ALL)) == before
        assert store.get("new") is None
        assert found(store, {"home_id": ["h1"]}) == ["deleted", "edited", "stays"]
        assert found(store, {"home_id": ["h2"]}) == []

    def test_after_a_conflict_the_store_goes_on(self, store: DeviceStore) -> None:
        insert(store, [a_document("lamp")])
        with pytest.raises(ChangeConflict):
            insert(store, [a_document("plug"), a_document("lamp")])

        insert(store, [a_document("plug")])

        assert found(store) == ["lamp", "plug"]

    def test_a_deleted_device_can_be_created_again(
        self, store: DeviceStore, reopen: Reopen
    ) -> None:
        insert(store, [a_document("lamp", name="first", home_id="h1")])
        store.apply([Change("lamp", 1, None)])

        insert(store, [a_document("lamp", name="second", home_id="h2")])

        for opened in (store, reopen()):
            assert opened.get("lamp") == store_form(a_document("lamp", name="second", home_id="h2"))
            assert (found(opened, {"home_id": ["h1"]}), found(opened, {"home_id": ["h2"]})) == (
                [],
                ["lamp"],
            )

    def test_thousands_of_changes_are_one_batch(self, store: DeviceStore) -> None:
        insert(store, [a_document(f"d{number}", home_id="h1") for number in range(MANY)])
        batch = [Change(f"d{number}", 1, None) for number in range(0, MANY, 2)]
        odd = range(1, MANY, 2)
        batch += [replacement(a_document(f"d{n}", home_id="h2", revision=2)) for n in odd]
        batch += [insertion(a_document(f"e{number}")) for number in range(MANY // 2)]

        store.apply(batch)

        assert found(store, {"home_id": ["h1"]}) == []
        assert found(store, {"home_id": ["h2"]}) == sorted(f"d{n}" for n in odd)
        assert len(found(store)) == MANY

    def test_one_conflict_among_thousands_undoes_them_all(self, store: DeviceStore) -> None:
        insert(store, [a_document("stays")])
        batch = [insertion(a_document(f"d{number}")) for number in range(MANY)]

        with pytest.raises(ChangeConflict):
            store.apply([*batch, insertion(a_document("stays"))])

        assert found(store) == ["stays"]

    # Content

    @pytest.mark.parametrize(
        "text", [*TEXTS, "\u0000", "\u2028", "\ufeff", '"\\\n\r\t', "\U0010ffff"]
    )
    def test_text_comes_back_as_it_was(self, store: DeviceStore, reopen: Reopen, text: str) -> None:
        document = a_document("lamp", name=text, attributes={text: [text]})
        insert(store, [document])

        assert store.get("lamp") == store_form(document)
        assert reopen().get("lamp") == store_form(document)

    @_PROPERTY
    @given(
        attributes=st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            max_leaves=10,
        )
    )
    def test_bodies_come_back_byte_for_byte(self, store: DeviceStore, attributes: Any) -> None:
        _clear(store)
        document = a_document("lamp", attributes={"value": attributes})

        insert(store, [document])

        expected = store_form(document)
        for stored in (store.get("lamp"), store.get_many(["lamp"])["lamp"], *_everything(store)):
            assert stored is not None
            assert stored.body.encode() == expected.body.encode()
            assert stored == expected

    def test_a_large_document_comes_back_whole(self, store: DeviceStore, reopen: Reopen) -> None:
        document = a_document("lamp", attributes={"text": "🏠" * 8000})
        insert(store, [document])

        assert reopen().get("lamp") == store_form(document)

    def test_what_the_caller_does_to_a_document_later_is_not_stored(
        self, store: DeviceStore
    ) -> None:
        document = a_document("lamp", name="stored", attributes={"nested": 1})
        expected = store_form(document)
        insert(store, [document])

        document["name"] = "changed"
        document["attributes"]["nested"] = 2

        assert store.get("lamp") == expected

    # Durability

    def test_everything_is_there_after_reopening(self, store: DeviceStore, reopen: Reopen) -> None:
        insert(store, [a_document(key, home_id="h1") for key in ("edited", "deleted", "stays")])
        store.apply([replacement(a_document("edited", home_id="h2", revision=2))])
        store.apply([Change("deleted", 1, None)])
        before = store.find(DeviceQuery(ALL))

        opened = reopen()

        assert opened.find(DeviceQuery(ALL)) == before
        assert found(opened, {"home_id": ["h1"]}) == ["stays"]
        assert found(opened, {"home_id": ["h2"]}) == ["edited"]
        with pytest.raises(ChangeConflict):
            opened.apply([Change("edited", 1, None)])

    def test_what_was_refused_is_not_there_after_reopening(
        self, store: DeviceStore, reopen: Reopen
    ) -> None:
        insert(store, [a_document("lamp")])
        with pytest.raises(ChangeConflict):
            insert(store, [a_document("plug"), a_document("lamp", name="other")])

        opened = reopen()

        assert opened.find(DeviceQuery(ALL)) == [store_form(a_document("lamp"))]

    def test_a_store_can_be_reopened_again_and_again(
        self, store: DeviceStore, reopen: Reopen
    ) -> None:
        opened = store
        for number in range(5):
            insert(opened, [a_document(f"d{number}")])
            opened = reopen()

        assert found(opened) == [f"d{number}" for number in range(5)]

    # Threads

    def test_increments_by_many_threads_are_not_lost(self, store: DeviceStore) -> None:
        threads, times = 8, 20
        insert(store, [a_document("counter", attributes={"count": 0})])

        _in_threads([partial(_increment, store, times)] * threads)

        assert _count(store.get("counter")) == threads * times

    def test_of_many_who_insert_the_same_device_one_succeeds(self, store: DeviceStore) -> None:
        documents = [a_document("lamp", name=f"by {number}") for number in range(8)]

        outcomes = _in_threads([partial(_applied, store, insertion(d)) for d in documents])

        winner = documents[outcomes.index(True)]
        assert outcomes.count(True) == 1
        assert store.get("lamp") == store_form(winner)

    def test_what_many_threads_insert_is_all_there(
        self, store: DeviceStore, reopen: Reopen
    ) -> None:
        def write(thread: int) -> None:
            for number in range(25):
                insert(store, [a_document(f"d{thread}-{number}")])
                assert store.get(f"d{thread}-{number}") is not None

        _in_threads([partial(write, thread) for thread in range(8)])

        expected = sorted(f"d{thread}-{number}" for thread in range(8) for number in range(25))
        assert found(store) == expected
        assert found(reopen()) == expected

    def test_readers_never_see_half_a_batch(self, store: DeviceStore) -> None:
        keys = [f"d{number}" for number in range(300)]
        insert(store, [a_document(key, home_id="h0") for key in keys])
        done = threading.Event()

        def write() -> None:
            try:
                for turn in range(1, 31):
                    home = f"h{turn}"
                    batch = [a_document(key, home_id=home, revision=turn + 1) for key in keys]
                    store.apply([replacement(document) for document in batch])
            finally:
                done.set()

        def read(check: Callable[[DeviceStore, Sequence[str]], None]) -> None:
            while True:
                last = done.is_set()
                check(store, keys)
                if last:
                    return

        readers = [partial(read, check) for check in (_check_many, _check_find, _check_one_by_one)]
        with _eager_threads():
            _in_threads([write, *readers])

        assert {one.revision for one in _everything(store)} == {31}


def _check_many(store: DeviceStore, keys: Sequence[str]) -> None:
    assert len({one.revision for one in store.get_many(keys).values()}) == 1


def _check_find(store: DeviceStore, keys: Sequence[str]) -> None:
    everything = _everything(store)
    assert len({one.revision for one in everything}) == 1
    home: str = everything[0].document()["home_id"]
    assert len(found(store, {"home_id": [home]})) in (0, len(keys))


def _check_one_by_one(store: DeviceStore, keys: Sequence[str]) -> None:
    """The next read is of the same batch, or of a later one."""
    for _ in range(100):
        devices = [store.get(key) for key in (keys[0], keys[-1], keys[0])]
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


def _applied(store: DeviceStore, change: Change) -> bool:
    try:
        store.apply([change])
    except ChangeConflict:
        return False
    return True


def _increment(store: DeviceStore, times: int) -> None:
    done = 0
    while done < times:
        stored = store.get("counter")
        assert stored is not None
        attributes, revision = {"count": _count(stored) + 1}, stored.revision + 1
        counted = a_document("counter", attributes=attributes, revision=revision)
        done += _applied(store, replacement(counted))


def _count(stored: StoredDevice | None) -> int:
    assert stored is not None
    count: int = stored.document()["attributes"]["count"]
    return count


def _everything(store: DeviceStore) -> list[StoredDevice]:
    return store.find(DeviceQuery(ALL))


def _clear(store: DeviceStore) -> None:
    store.apply([Change(one.identifier, one.revision, None) for one in _everything(store)])


def _walk(store: DeviceStore, page: int, between: Callable[[], None]) -> list[str]:
    walked: list[str] = []
    while some := found(store, after=walked[-1] if walked else "", limit=page):
        walked += some
        between()
    return walked


def _come_or_go(store: DeviceStore, others: list[str]) -> None:
    """The next of the others is inserted; when it is there already, it is deleted."""
    if not others:
        return
    identifier = others.pop()
    stored = store.get(identifier)
    if stored is None:
        insert(store, [a_document(identifier)])
    else:
        store.apply([Change(identifier, stored.revision, None)])


_FEW_IDENTIFIERS = st.sampled_from(ORDERED)
_FEW_VALUES = st.sampled_from(("active", "Active", "🏠"))
_FIELDS = st.fixed_dictionaries(
    {"device_type": _FEW_VALUES},
    optional={"name": st.text()} | {m: _FEW_VALUES for m in FILTERS if m != "device_type"},
)
_FILTERS = st.dictionaries(st.sampled_from(FILTERS), st.sets(_FEW_VALUES, min_size=1), max_size=3)
_QUERIES = st.builds(
    DeviceQuery, st.integers(1, 2 * len(ORDERED)), st.just("") | _FEW_IDENTIFIERS, _FILTERS
)


def store_machine(open_store: Callable[[Path], DeviceStore]) -> type[RuleBasedStateMachine]:
    """A machine that drives a store and a dictionary side by side and compares them.

    ``open_store`` gets a folder that is the history's own; opened on the same folder again, after
    it was closed, the store holds what it held.
    """

    class StoreMachine(_StoreMachine):
        def __init__(self) -> None:
            super().__init__(open_store)

    StoreMachine.TestCase.settings = settings(
        deadline=None, max_examples=40, stateful_step_count=25
    )
    return StoreMachine


class _StoreMachine(RuleBasedStateMachine):
    def __init__(self, open_store: Callable[[Path], DeviceStore]) -> None:
        super().__init__()
        self._open_store = open_store
        self._folder = TemporaryDirectory()
        self._store = self._open_store(Path(self._folder.name, "store"))
        self._model: dict[str, StoredDevice] = {}

    def teardown(self) -> None:
        self._store.close()
        self._folder.cleanup()

    @rule(data=st.data(), identifiers=st.lists(_FEW_IDENTIFIERS, unique=True, max_size=6))
    def apply(self, data: st.DataObject, identifiers: list[str]) -> None:
        batch = [self._draw_change(data, identifier) for identifier in identifiers]
        stale = [c for c in batch if c.expected != self._revision(c.identifier)]
        if not stale:
            self._store.apply(batch)
            _apply_to_model(self._model, batch)
            return
        with pytest.raises(ChangeConflict):
            self._store.apply(batch)

    @rule(query=_QUERIES)
    def find(self, query: DeviceQuery) -> None:
        assert self._store.find(query) == _find_in_model(self._model, query)

    @rule(identifiers=st.sets(_FEW_IDENTIFIERS))
    def get_many(self, identifiers: set[str]) -> None:
        expected = {one: self._model[one] for one in identifiers if one in self._model}
        assert self._store.get_many(identifiers) == expected

    @rule()
    def reopen(self) -> None:
        self._store.close()
        self._store = self._open_store(Path(self._folder.name, "store"))

    @invariant()
    def holds_what_the_model_holds(self) -> None:
        assert _everything(self._store) == _find_in_model(self._model, DeviceQuery(ALL))
        for identifier in ORDERED:
            assert self._store.get(identifier) == self._model.get(identifier)

    def _revision(self, identifier: str) -> int | None:
        stored = self._model.get(identifier)
        return stored.revision if stored else None

    def _draw_change(self, data: st.DataObject, identifier: str) -> Change:
        """Mostly one that the store can apply."""
        expected = self._revision(identifier)
        if data.draw(st.integers(0, 9)) == 9:
            expected = data.draw(st.none() | st.integers(1, 3))
        if expected is not None and data.draw(st.booleans()):
            return Change(identifier, expected, None)
        fields = data.draw(_FIELDS)
        revision = (expected or 0) + 1
        return Change(identifier, expected, a_document(identifier, revision=revision, **fields))


def _apply_to_model(model: dict[str, StoredDevice], batch: Collection[Change]) -> None:
    for change in batch:
        if change.document is None:
            del model[change.identifier]
        else:
            model[change.identifier] = store_form(change.document)


def _find_in_model(model: Mapping[str, StoredDevice], query: DeviceQuery) -> list[StoredDevice]:
    matching = [
        model[identifier]
        for identifier in sorted(model)
        if identifier > query.after and _matches(model[identifier].document(), query.filters)
    ]
    return matching[: query.limit]


def _matches(document: Document, filters: Mapping[str, Collection[str]]) -> bool:
    return all(document.get(member) in values for member, values in filters.items())
