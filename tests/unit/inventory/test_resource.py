"""How a valid request becomes the document that is kept, and what changes of it."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from inventory.domain import resource
from inventory.domain.kinds import DEVICES, HOMES, KINDS, Kind
from inventory.domain.resource import difference, merge_patch

NOW, LATER = "2026-05-01T10:00:00.000000Z", "2026-05-02T10:00:00.000000Z"
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
# Values that Python takes for equal, and JSON does not, stand close together.
SCALARS = st.booleans() | st.sampled_from([0, 0.0, 1, 1.0]) | NUMBERS | st.text(max_size=3)
NAMES = st.sampled_from("abcd") | st.text(max_size=2)


def values(scalars: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=10,
    )


JSON = values(st.none() | SCALARS)
NULL_FREE = st.dictionaries(NAMES, values(SCALARS), max_size=4)


def a_device(**fields: Any) -> resource.Document:
    fields = {"name": "Hall light", "device_type": "light"} | fields
    return resource.create(DEVICES, fields, identifier="hall-1", uid="u", now=NOW)


def a_replacement(before: resource.Document, **fields: Any) -> resource.Document:
    return resource.replace(DEVICES, before, fields, now=LATER)


def exactly(value: Any) -> str:
    """A text that tells 1 from 1.0 and true, whatever the order of members."""
    return json.dumps(value, sort_keys=True)


# Documents


def test_a_new_device_has_its_defaults_and_its_history() -> None:
    assert a_device() == {
        "identifier": "hall-1",
        "uid": "u",
        "name": "Hall light",
        "device_type": "light",
        "entry_type": "device",
        "status": "active",
        "created_at": NOW,
        "updated_at": NOW,
        "revision": 1,
    }


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_members_stand_in_their_order_whatever_the_order_they_came_in(kind: Kind) -> None:
    fields = dict.fromkeys(reversed(kind.members), "x")

    document = resource.create(kind, fields, identifier="a", uid="u", now=NOW)

    assert tuple(document) == kind.all_members


def test_what_is_no_member_of_the_kind_is_left_out() -> None:
    assert "labels" not in resource.create(
        HOMES, {"name": "Villa", "labels": ["x"]}, identifier="a", uid="u", now=NOW
    )


@pytest.mark.parametrize("member", ["identifier", "uid", "created_at", "updated_at", "revision"])
def test_what_the_inventory_itself_says_is_not_the_clients(member: str) -> None:
    before = a_device()

    assert a_device(**{member: "theirs"}) == before
    assert a_replacement(before, **resource.writable(before), **{member: "theirs"}) is before


def test_null_is_not_set_nor_kept_below() -> None:
    document = a_device(model=None, attributes={"a": None, "b": {"c": None, "d": 1}})

    assert "model" not in document
    assert document["attributes"] == {"b": {"d": 1}}


def test_a_null_in_a_list_stays() -> None:
    assert a_device(attributes={"a": [None, 1]})["attributes"] == {"a": [None, 1]}


def test_null_of_a_member_with_a_default_is_the_default() -> None:
    assert a_device(status=None)["status"] == "active"


def test_a_replacement_leaves_nothing_of_before_but_who_it_is() -> None:
    before = a_device(model="x", labels=["a"])

    after = a_replacement(before, name="New", device_type="lock")

    assert "model" not in after and "labels" not in after
    assert (after["uid"], after["created_at"]) == (before["uid"], before["created_at"])
    assert (after["revision"], after["updated_at"]) == (2, LATER)


def test_a_replacement_by_the_same_is_no_change() -> None:
    before = a_device(model="x", attributes={"a": 1, "b": 2})

    same = {"model": "x", "name": "Hall light", "device_type": "light"}
    assert a_replacement(before, **same, attributes={"b": 2, "a": 1}) is before


@pytest.mark.parametrize(("old", "new"), [(1, True), (0, False), (1, 1.0), ([1], [True])])
def test_what_json_tells_apart_is_a_change(old: Any, new: Any) -> None:
    before = a_device(attributes={"on": old})

    after = a_replacement(before, **resource.writable(before) | {"attributes": {"on": new}})

    assert after["revision"] == 2
    assert exactly(after["attributes"]) == exactly({"on": new})


def test_the_writable_fields_make_the_same_document_again() -> None:
    before = a_device(model="x", attributes={"a": {"b": []}})

    assert a_replacement(before, **resource.writable(before)) is before


# Merge patches


@given(target=JSON, patch=JSON)
def test_a_merge_patch_leaves_its_target_and_applies_twice_as_once(target: Any, patch: Any) -> None:
    kept = json.dumps(target)

    once = merge_patch(target, patch)

    assert json.dumps(target) == kept
    assert merge_patch(once, patch) == once


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        # RFC 7396, appendix A
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        (["a", "b"], ["c", "d"], ["c", "d"]),
        ({"a": "b"}, ["c"], ["c"]),
        ({"a": "foo"}, None, None),
        ({"a": "foo"}, "bar", "bar"),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_does_what_the_rfc_shows(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@given(old=NULL_FREE, new=NULL_FREE)
@example(old={"a": [1, {"b": 0}]}, new={"a": [True, {"b": 0.0}]})
@example(old={"a": {"b": 0.0}}, new={"a": {"b": -0.0}})
@example(old={"a": 1}, new={"a": {}})
def test_the_difference_makes_the_new_document_of_the_old_one(old: Any, new: Any) -> None:
    assert exactly(merge_patch(old, difference(old, new))) == exactly(new)


@given(old=NULL_FREE, new=NULL_FREE)
def test_the_difference_names_only_what_differs(old: Any, new: Any) -> None:
    patch = difference(old, new)

    unchanged = {m for m in old if m in new and exactly(old[m]) == exactly(new[m])}
    assert not unchanged & set(patch)
    assert set(patch) == (set(old) | set(new)) - unchanged


@given(NULL_FREE)
def test_of_nothing_the_difference_is_the_document_and_back_it_is_null(document: Any) -> None:
    assert difference(None, document) == document
    assert difference(document, None) is None


# Texts


@given(st.dictionaries(st.text(), JSON))
def test_the_stored_text_reads_back_as_the_document(attributes: dict[str, Any]) -> None:
    document = a_device(attributes=attributes)

    stored = resource.store_form(document)

    assert stored.document() == document
    assert (stored.identifier, stored.revision) == ("hall-1", 1)
    assert stored.etag == resource.entity_tag(stored.body)


def test_another_text_has_another_entity_tag() -> None:
    assert resource.entity_tag("a") != resource.entity_tag("b")


def test_texts_are_compact_and_their_characters_as_they_are() -> None:
    assert resource.to_json({"b": "Küche 🏠", "a": [1, {}]}) == '{"b":"Küche 🏠","a":[1,{}]}'


@given(*[st.datetimes(timezones=st.just(datetime.UTC))] * 2)
def test_moments_as_text_sort_as_time_does(
    one: datetime.datetime, other: datetime.datetime
) -> None:
    assert (resource.timestamp(one) < resource.timestamp(other)) == (one < other)
