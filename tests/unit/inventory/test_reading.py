"""What a caller can read: now and before, in pages, and of its own tenant alone."""

from __future__ import annotations

import datetime
import json
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inventory.domain.errors import ResourceNotFound
from inventory.domain.kinds import AREAS, CUSTOMERS, DEVICE_TYPES, DEVICES, HOMES, Kind
from inventory.domain.resource import Document, merge_patch, timestamp
from inventory.domain.store import Order, Query
from inventory.reading import Reading

ALL = Query(limit=1000)


def names(found: Any) -> list[str]:
    return [stored.identifier for stored in getattr(found, "items", found)]


def pages(reading: Reading, query: Query, kind: Kind = DEVICES) -> list[list[str]]:
    found = []
    while True:
        page = reading.page(kind, query)
        found.append(names(page))
        if not page.last:
            return found
        query = replace(query, after=page.last)


# Pages


def test_a_page_says_where_to_go_on_only_if_there_is_more(admin: Any) -> None:
    for name in "abc":
        admin.device(name)

    assert admin.reading.page(DEVICES, Query(limit=2)).last == ("b",)
    assert admin.reading.page(DEVICES, Query(limit=3)).last == ()
    assert names(admin.reading.page(DEVICES, Query(limit=2, after=["b"]))) == ["c"]


def test_an_empty_list_is_one_empty_page(admin: Any) -> None:
    assert pages(admin.reading, ALL) == [[]]


def test_a_page_ends_early_when_its_devices_are_large(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.reading.PORTION", 2)
    monkeypatch.setattr("inventory.reading.MAX_PAGE", 1000)
    for number in range(9):
        admin.device(f"d{number}", attributes={"text": "a" * 400})

    assert pages(admin.reading, Query(limit=100)) == [
        ["d0", "d1"],
        ["d2", "d3"],
        ["d4", "d5"],
        ["d6", "d7"],
        ["d8"],
    ]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 6, 100])
@pytest.mark.parametrize(
    "sort",
    [
        (),
        (Order("model"),),
        (Order("model", descending=True), Order("name")),
        (Order("identifier", descending=True),),
        (Order("updated_at", descending=True),),
    ],
    ids=lambda sort: ",".join(("-" if by.descending else "") + by.column for by in sort),
)
def test_pages_have_every_device_once_and_in_order(
    six: Any, monkeypatch: pytest.MonkeyPatch, limit: int, sort: tuple[Order, ...]
) -> None:
    monkeypatch.setattr("inventory.reading.PORTION", 2)
    query = Query(limit=limit, sort=sort)
    whole = names(six.store.find("devices", replace(query, limit=100)))

    found = pages(six.reading, query)

    assert [name for page in found for name in page] == whole
    assert all(len(page) == limit for page in found[:-1])
    assert sorted(whole) == sorted("abcdef")


@pytest.fixture
def six(admin: Any) -> Any:
    """Somebody at a store of six devices, of which two have no model."""
    for name, model in zip("fbdace", ("y", None, "x", "y", None, "z"), strict=True):
        admin.device(name, name=f"n-{ord(name) % 3}", model=model)
    return admin


# One resource


@pytest.mark.parametrize("kind", [DEVICES, CUSTOMERS, HOMES, AREAS, DEVICE_TYPES])
def test_what_is_not_there_is_not_found(admin: Any, kind: Kind) -> None:
    with pytest.raises(ResourceNotFound, match=f"There is no {kind.noun} gone."):
        admin.reading.get(kind, "gone")


def test_what_is_there_is_the_text_that_was_stored(admin: Any) -> None:
    stored = admin.device()

    assert admin.reading.get(DEVICES, "lamp") == stored


# Staleness. The clock runs on by a second with each look at it, from ten on May 1st.


@pytest.fixture
def seen(admin: Any) -> Any:
    """Somebody at a store of devices that were seen a day and an hour ago, lately, and never."""
    admin.device_type("light", stale_after=86_400)
    admin.device_type("lock")
    for kind in ("light", "lock", "fan"):
        admin.device(f"{kind}-old", device_type=kind, last_seen_at="2026-04-30T09:00:00Z")
        admin.device(f"{kind}-new", device_type=kind, last_seen_at="2026-05-01T09:00:00Z")
        admin.device(f"{kind}-never", device_type=kind)
    return admin


def test_a_device_is_stale_when_it_was_not_seen_for_as_long_as_its_type_says(seen: Any) -> None:
    stale = seen.reading.page(DEVICES, replace(ALL, stale=True))
    others = seen.reading.page(DEVICES, replace(ALL, stale=False))

    assert names(stale) == ["light-old"]
    assert len(others.items) == 8
    assert seen.reading.count(DEVICES, Query(stale=True)) == 1
    assert seen.reading.count(DEVICES, Query(stale=False)) == 8


def test_staleness_can_be_counted_by(seen: Any) -> None:
    groups = seen.reading.summarize(Query(), ["device_type", "stale"])

    assert groups == [
        (("fan", "false"), 3),
        (("light", "false"), 2),
        (("light", "true"), 1),
        (("lock", "false"), 3),
    ]
    assert seen.reading.summarize(Query(stale=True), ["stale"]) == [(("true",), 1)]


def test_a_device_becomes_stale_by_waiting(admin: Any) -> None:
    admin.device_type("light", stale_after=60)
    admin.device(last_seen_at="2026-05-01T10:00:00Z")
    moment = datetime.datetime(2026, 5, 1, 10, 1)

    for late, stale in ((0, 0), (1, 1)):
        now = timestamp(moment + datetime.timedelta(microseconds=late))
        reading = Reading(admin.store, admin.caller, lambda now=now: now)

        assert reading.count(DEVICES, Query(stale=True)) == stale


def test_the_types_of_all_devices_say_when_they_are_stale(
    admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inventory.reading.PORTION", 2)
    for number in range(5):
        admin.device_type(f"t{number}", stale_after=60)
        admin.device(f"d{number}", device_type=f"t{number}", last_seen_at="2026-04-01T00:00:00Z")

    assert admin.reading.count(DEVICES, Query(stale=True)) == 5


# How things stood before


def test_a_device_stands_as_it_did_at_every_moment(admin: Any) -> None:
    admin.device(model="x", attributes={"a": 1, "b": [2]})
    admin.patch(DEVICES, "lamp", model=None, attributes={"a": None, "c": {"d": 1}})
    admin.patch(DEVICES, "lamp", labels=["attic"], attributes={"c": {"d": 2}})
    snapshots = _snapshots(admin)

    for at, snapshot in snapshots.items():
        assert admin.reading.get_at(DEVICES, "lamp", at).document() == snapshot
        assert admin.reading.get_at(DEVICES, "lamp", _between(at)).document() == snapshot


def _snapshots(somebody: Any) -> dict[str, Any]:
    """Moment → the document then, by the records' own redoing."""
    document: Any = None
    found = {}
    for change in somebody.changes:
        document = merge_patch(document, json.loads(change.after))
        found[change.at] = document
    return found


def _between(at: str) -> str:
    """A moment after this one and before the next."""
    return at.replace(".000000Z", ".999999Z")


@pytest.mark.parametrize("at", ["2026-05-01T09:59:59.999999Z", "1970-01-01T00:00:00Z"])
def test_before_it_was_there_a_device_is_not_found(admin: Any, at: str) -> None:
    admin.device()

    with pytest.raises(ResourceNotFound, match=f"There is no device lamp at {at}."):
        admin.reading.get_at(DEVICES, "lamp", at)


@pytest.mark.parametrize("at", ["2026-05-01T12:00:00+02:00", "2026-05-01t10:00:00.0z"])
def test_a_moment_may_be_told_in_any_zone(admin: Any, at: str) -> None:
    admin.device()
    admin.patch(DEVICES, "lamp", model="x")

    assert admin.reading.get_at(DEVICES, "lamp", at).revision == 1


def test_changes_of_one_moment_are_told_apart_by_their_order(admin: Any) -> None:
    admin.sources = replace(admin.sources, now=lambda: "2026-05-01T10:00:00.000000Z")
    admin.device()
    last = admin.patch(DEVICES, "lamp", model="x")

    assert admin.reading.get_at(DEVICES, "lamp", "2026-05-01T10:00:00Z") == last


@pytest.mark.parametrize("kind", [CUSTOMERS, HOMES, AREAS, DEVICE_TYPES])
def test_every_kind_stands_as_it_did(admin: Any, a_caller: Any, kind: Kind) -> None:
    admin.customer("x", name="x")
    admin.home("x", "x")
    admin.area("x", "x")
    admin.device_type("x")
    before = admin.document("x", kind)
    admin.patch(kind, "x", **{"title" if kind is DEVICE_TYPES else "name": "New"})

    for somebody in (admin, a_caller("x")):
        then = somebody.reading.get_at(kind, "x", _between(before["updated_at"]))
        assert then.document() == before


def test_what_came_without_a_record_is_there_since_it_was_created(admin: Any) -> None:
    """Devices that are older than the records."""
    stored = admin.device()
    at = stored.document()["created_at"]
    admin.store = _Forgetful(admin.store)

    assert admin.reading.get_at(DEVICES, "lamp", at) == stored
    with pytest.raises(ResourceNotFound):
        admin.reading.get_at(DEVICES, "lamp", "2026-05-01T09:00:00Z")


class _Forgetful:
    """A store that has no records."""

    def __init__(self, store: Any) -> None:
        self._store = store

    def changes(self, _query: Any) -> list[Any]:
        return []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


_VALUES = st.sampled_from(["x", "y", 1, True, ["x", 1], {"b": "x"}, {"b": None, "c": 1}, {}])
_PATCHES = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from([None, "x", "y"]),
        "labels": st.sampled_from([None, ["attic"], ["attic", "spare"]]),
        "status": st.sampled_from([None, "retired"]),
        "attributes": st.none() | st.dictionaries(st.sampled_from("ab"), st.none() | _VALUES),
        "customer_id": st.sampled_from([None, "acme", "other"]),
    },
)
_ACTS = st.lists(
    st.just(("delete", {})) | st.just(("restore", {})) | st.tuples(st.just("patch"), _PATCHES),
    max_size=12,
)
_PROPERTY = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
_numbers = count()

Moments = list[tuple[str, Document | None]]


@_PROPERTY
@given(acts=_ACTS, portion=st.integers(1, 4))
def test_after_any_history_a_device_stands_as_it_did_at_every_moment(
    two: Any, acts: list[tuple[str, dict[str, Any]]], portion: int
) -> None:
    identifier, remembered = _lived(two, acts)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("inventory.reading.PORTION", portion)
        for at, document in remembered:
            assert _text(_at(two, identifier, at)) == _text(document)


@_PROPERTY
@given(acts=_ACTS)
def test_after_any_history_a_customer_sees_only_what_was_its_own(
    two: Any, a_caller: Any, acts: list[tuple[str, dict[str, Any]]]
) -> None:
    identifier, remembered = _lived(two, acts)
    now = two.store.get("devices", identifier)
    owner = now.document().get("customer_id") if now else None

    for tenant in ("acme", "other"):
        for at, document in remembered:
            seen = _at(a_caller(tenant), identifier, at)
            was_its_own = document is not None and document.get("customer_id") == tenant
            if now is None or owner == tenant:
                assert _text(seen) == _text(document if was_its_own else None)
            else:
                assert seen is None


@pytest.fixture
def two(admin: Any) -> Any:
    """Somebody who is bound to no customer, where there are two."""
    admin.customer("acme")
    admin.customer("other")
    return admin


def _lived(somebody: Any, acts: list[tuple[str, dict[str, Any]]]) -> tuple[str, Moments]:
    """A new device to which all this happened, and how it stood between."""
    identifier = f"d{next(_numbers)}"
    remembered: Moments = [(somebody.sources.now(), None)]
    for act, patch in [("patch", {"model": "first"}), *acts]:
        document = _do(somebody, identifier, act, patch)
        remembered.append((somebody.sources.now(), document))
    return identifier, remembered


def _do(somebody: Any, identifier: str, act: str, patch: dict[str, Any]) -> Document | None:
    """The device after the act, which creates it where it does not exist."""
    there = somebody.store.get("devices", identifier) is not None
    buried = somebody.store.tombstone("devices", identifier) is not None
    if act == "delete" and there:
        somebody.delete(DEVICES, identifier)
        return None
    if act == "restore" and buried and not there:
        somebody.restore(identifier)
    elif there:
        somebody.patch(DEVICES, identifier, **patch)
    elif act == "patch":
        somebody.device(identifier, **patch)
    else:
        return None
    document: Document = somebody.document(identifier)
    return document


def _at(somebody: Any, identifier: str, at: str) -> Document | None:
    try:
        document: Document = somebody.reading.get_at(DEVICES, identifier, at).document()
    except ResourceNotFound:
        return None
    return document


def _text(document: Document | None) -> str:
    """What tells 1 from true, whatever the order of members below."""
    return json.dumps(document, sort_keys=True)


# History and the feed of changes


def test_a_devices_history_is_told_from_its_end(admin: Any) -> None:
    admin.device("plug")
    admin.device()
    admin.patch(DEVICES, "lamp", model="x")
    admin.patch(DEVICES, "lamp", model="y")

    newest = admin.reading.history(DEVICES, "lamp", 0, 2)
    oldest = admin.reading.history(DEVICES, "lamp", newest[-1].sequence, 2)

    assert [change.revision for change in newest] == [3, 2]
    assert [change.revision for change in oldest] == [1]


def test_what_is_deleted_has_no_history_until_it_is_back(admin: Any) -> None:
    admin.device()
    admin.delete(DEVICES, "lamp")
    with pytest.raises(ResourceNotFound):
        admin.reading.history(DEVICES, "lamp", 0, 10)

    admin.restore("lamp")

    told = [change.action for change in admin.reading.history(DEVICES, "lamp", 0, 10)]
    assert told == ["restored", "deleted", "created"]


def test_changes_are_told_in_their_order_and_each_once(admin: Any) -> None:
    for name in "abcde":
        admin.device(name)

    first, after = admin.reading.changes(0, (), 2)
    rest, end = admin.reading.changes(after, (), 10)

    assert [change.identifier for change in [*first, *rest]] == list("abcde")
    assert after == first[-1].sequence
    assert admin.reading.changes(end, (), 10) == ([], end)


@pytest.mark.parametrize(
    ("kinds", "found"),
    [
        ((), ["customers", "homes", "devices", "areas", "devices"]),
        (("devices",), ["devices", "devices"]),
        (("homes", "areas"), ["homes", "areas"]),
        (("device_types",), []),
        (("device_types", "jobs"), []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 10])
def test_changes_of_some_kinds_are_found_behind_all_others(
    admin: Any, kinds: tuple[str, ...], found: list[str], limit: int
) -> None:
    admin.customer()
    admin.home()
    admin.device("a")
    admin.area()
    admin.device("b")

    told, after = [], 0
    while True:
        portion, after = admin.reading.changes(after, kinds, limit)
        if not portion:
            break
        assert len(portion) <= limit
        told += [change.kind for change in portion]

    assert told == found


# Tenancy


@pytest.fixture
def others(admin: Any) -> Any:
    """Somebody at a store where another customer, and nobody, has one of everything."""
    for customer in ("acme", "other"):
        admin.customer(customer)
        admin.home(f"{customer}-home", customer)
        admin.area(f"{customer}-area", f"{customer}-home")
        admin.device(f"{customer}-device", area_id=f"{customer}-area", labels=["attic"])
    admin.device("nobodys-device", labels=["attic"])
    admin.device_type("light")
    return admin


THEIRS = [
    (CUSTOMERS, "other"),
    (HOMES, "other-home"),
    (AREAS, "other-area"),
    (DEVICES, "other-device"),
    (DEVICES, "nobodys-device"),
]


@pytest.mark.parametrize(("kind", "identifier"), THEIRS, ids=[one for _, one in THEIRS])
def test_nothing_of_anothers_is_seen(
    others: Any, a_caller: Any, kind: Kind, identifier: str
) -> None:
    reading = a_caller("acme").reading
    now = others.sources.now()

    for read in (
        lambda: reading.get(kind, identifier),
        lambda: reading.get_at(kind, identifier, now),
        lambda: reading.history(kind, identifier, 0, 10),
    ):
        with pytest.raises(ResourceNotFound):
            read()


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        (CUSTOMERS, "acme"),
        (HOMES, "acme-home"),
        (AREAS, "acme-area"),
        (DEVICES, "acme-device"),
        (DEVICE_TYPES, "light"),
    ],
    ids=lambda one: getattr(one, "name", one),
)
def test_what_is_its_own_or_everybodys_is_seen(
    others: Any, a_caller: Any, kind: Kind, identifier: str
) -> None:
    reading = a_caller("acme").reading

    assert reading.get(kind, identifier).identifier == identifier
    assert reading.get_at(kind, identifier, others.sources.now()).identifier == identifier
    assert len(reading.history(kind, identifier, 0, 10)) == 1
    assert names(reading.page(kind, ALL)) == [identifier]
    assert reading.count(kind, ALL) == 1


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(keys=[["label:attic"]]),
        Query(words=["hall"]),
        Query(filters={"customer_id": ["acme", "other"]}),
        Query(filters={"status": ["active"]}),
        Query(stale=False),
        Query(tenant="other"),
    ],
)
def test_no_query_finds_anothers_devices(others: Any, a_caller: Any, query: Query) -> None:
    reading = a_caller("acme").reading

    assert names(reading.page(DEVICES, query)) == ["acme-device"]
    assert reading.count(DEVICES, query) == 1
    assert reading.summarize(query, ["customer_id"]) == [(("acme",), 1)]


def test_somebody_who_is_bound_to_no_customer_finds_all(others: Any) -> None:
    assert others.reading.count(DEVICES, Query()) == 3
    assert len(others.reading.changes(0, (), 100)[0]) == 10


def test_no_change_of_anothers_is_told(others: Any, a_caller: Any) -> None:
    told, _ = a_caller("acme").reading.changes(0, (), 100)

    found = [(change.kind, change.identifier) for change in told]
    assert found == [
        ("customers", "acme"),
        ("homes", "acme-home"),
        ("areas", "acme-area"),
        ("devices", "acme-device"),
    ]


def test_a_deleted_device_is_seen_before_by_its_own_customer_alone(
    others: Any, a_caller: Any
) -> None:
    then = others.sources.now()
    others.delete(DEVICES, "other-device")

    assert others.reading.get_at(DEVICES, "other-device", then).revision == 1
    assert a_caller("other").reading.get_at(DEVICES, "other-device", then).revision == 1
    with pytest.raises(ResourceNotFound):
        a_caller("acme").reading.get_at(DEVICES, "other-device", then)


def test_a_device_that_changed_hands_is_seen_by_who_has_it_since_then(
    others: Any, a_caller: Any
) -> None:
    before = others.sources.now()
    others.patch(
        DEVICES, "other-device", customer_id="acme", home_id="acme-home", area_id="acme-area"
    )
    after = others.sources.now()
    acme, other = a_caller("acme").reading, a_caller("other").reading

    assert others.reading.get_at(DEVICES, "other-device", before).revision == 1
    assert acme.get_at(DEVICES, "other-device", after).revision == 2
    for reading, at in ((acme, before), (other, before), (other, after)):
        with pytest.raises(ResourceNotFound):
            reading.get_at(DEVICES, "other-device", at)
    assert [change.action for change in acme.history(DEVICES, "other-device", 0, 9)] == ["created"]
