"""How a list's parameters become the store's query, and its cursors its own."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.domain.entries import entry_of
from inventory.domain.kinds import AREAS, DEVICES, HOMES
from inventory.domain.resource import create
from inventory.domain.rules import Rules
from inventory.domain.store import Bound, Order, Query
from inventory.queries import ListRequest, read_filters, read_list
from inventory.reading import MAX_LIMIT


def a_list(limit: int = 50, **parameters: Any) -> ListRequest:
    return read_list(DEVICES, None, limit=limit, **parameters)


def query(**parameters: Any) -> Query:
    return a_list(**parameters).query


def test_a_list_without_parameters_is_all_in_the_order_of_identifiers() -> None:
    asked = a_list(status=None, q=None)

    assert asked.query == Query(limit=50, keys=[], words=[])
    assert (asked.fields, asked.wants_total) == ((), False)
    assert asked.parameters == (("limit", "50"),)


@pytest.mark.parametrize(("limit", "taken"), [(1, 1), (MAX_LIMIT, MAX_LIMIT), (9999, MAX_LIMIT)])
def test_a_page_has_its_bound(limit: int, taken: int) -> None:
    assert query(limit=limit).limit == taken


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        (None, ()),
        ("name", (Order("name"),)),
        ("-updated_at,name", (Order("updated_at", descending=True), Order("name"))),
        ("identifier", (Order("identifier"),)),
    ],
)
def test_a_sort_names_columns(sort: str | None, order: tuple[Order, ...]) -> None:
    assert query(sort=sort).sort == order


def test_filters_are_of_the_kinds_columns() -> None:
    asked = query(status=["active", "retired"], home_id=["villa"], model=None)

    assert asked.filters == {"status": ["active", "retired"], "home_id": ["villa"]}
    assert read_list(AREAS, None, limit=5, home_id=["villa"]).query.filters == {
        "home_id": ["villa"]
    }


@pytest.mark.parametrize(
    ("parameter", "text", "bound"),
    [
        (
            "updated_since",
            "2026-05-01T12:00:00+02:00",
            Bound("updated_at", at_least="2026-05-01T10:00:00.000000Z"),
        ),
        (
            "created_since",
            "2026-05-01t10:00:00z",
            Bound("created_at", at_least="2026-05-01T10:00:00.000000Z"),
        ),
        (
            "seen_since",
            "2026-05-01T10:00:00.5Z",
            Bound("last_seen_at", at_least="2026-05-01T10:00:00.500000Z"),
        ),
        ("purchased_since", "2026-05-01", Bound("purchased_on", at_least="2026-05-01")),
        ("warranty_expires_before", "2026-05-01", Bound("warranty_expires_on", below="2026-05-01")),
    ],
)
def test_bounds_are_written_as_the_columns_are(parameter: str, text: str, bound: Bound) -> None:
    assert query(**{parameter: text}).bounds == (bound,)


def test_each_list_of_keys_is_a_group() -> None:
    asked = query(label=["attic", "spare"], external_ref=["erp:7:1"])

    assert asked.keys == [["label:attic", "label:spare"], ["external_ref:erp:7:1"]]


@pytest.mark.parametrize(
    "spelled",
    ["mac:00:17:88:0a:0b:0c", "mac:00-17-88-0A-0B-0C", "mac:0017880A0B0C", "mac:0017.880a.0b0c"],
)
def test_a_connection_is_found_however_it_is_spelled(spelled: str) -> None:
    kind, _, value = spelled.partition(":")
    rules = Rules(None, None, None)  # type: ignore[arg-type]
    fields = rules.complete(DEVICES, {"connections": [{"type": kind, "value": value}]})
    document = create(DEVICES, fields, identifier="a", uid="u", now="2026-05-01T10:00:00.000000Z")

    for asked in (query(connection=[spelled]), query(connection=["mac:00:17:88:0A:0B:0C"])):
        assert entry_of(DEVICES, document).keys == set(asked.keys[0])


@pytest.mark.parametrize("text", ["zigbee:00:17:88:0A:0B:0C", "mac:X", "Mac:0017880A0B0C"])
def test_other_connections_are_looked_up_as_they_are(text: str) -> None:
    assert query(connection=[text]).keys == [[f"connection:{text}"]]


def test_words_are_compared_as_they_are_kept() -> None:
    assert query(q="Hall-Licht KÜCHE").words == ["hall", "licht", "küche"]


@pytest.mark.parametrize("stale", [True, False, None])
def test_staleness_can_be_asked_for(stale: bool | None) -> None:
    assert query(stale=stale).stale is stale


def test_some_fields_can_be_asked_for() -> None:
    assert a_list(fields="name,status").fields == ("name", "status")


@pytest.mark.parametrize(
    ("prefer", "wanted"),
    [
        (None, False),
        ("return=total-count", True),
        ("Return = Total-Count", True),
        ("respond-async, return=total-count", True),
        ("return=minimal", False),
    ],
)
def test_a_total_is_counted_for_whom_it_is_preferred(prefer: str | None, wanted: bool) -> None:
    assert a_list(prefer=prefer).wants_total is wanted


def test_the_page_after_a_position_is_of_the_same_query() -> None:
    asked = a_list(status=["active"], sort="name")

    after = asked.after(("Lamp", "a"))

    assert after.after == ("Lamp", "a")
    assert (after.filters, after.sort) == (asked.query.filters, asked.query.sort)


def test_the_next_page_has_the_parameters_of_this_one() -> None:
    asked = a_list(
        limit=9,
        sort="-name",
        fields="name",
        status=["active", "retired"],
        stale=True,
        q="hall",
    )

    assert sorted(asked.parameters) == [
        ("fields", "name"),
        ("limit", "9"),
        ("q", "hall"),
        ("sort", "-name"),
        ("stale", "true"),
        ("status", "active"),
        ("status", "retired"),
    ]


def test_a_list_goes_on_with_another_limit_and_other_fields() -> None:
    first = a_list(limit=5, status=["active"], fields="name")

    assert a_list(limit=9, status=["active"], prefer="return=total-count").of == first.of


@pytest.mark.parametrize(
    "other",
    [
        read_list(HOMES, None, limit=5),
        read_list(DEVICES, "acme", limit=5),
        a_list(sort="name"),
        a_list(status=["active"]),
        a_list(q="hall"),
    ],
)
def test_another_list_has_cursors_of_its_own(other: ListRequest) -> None:
    assert other.of != a_list().of


def test_filters_alone_are_read_as_those_of_a_list() -> None:
    filters = {"status": ["active"], "label": ["attic"], "q": "hall", "seen_since": None}

    asked = read_filters(DEVICES, filters)

    listed = query(**filters)
    assert (asked.filters, asked.keys, asked.words, asked.bounds) == (
        listed.filters,
        listed.keys,
        listed.words,
        listed.bounds,
    )
