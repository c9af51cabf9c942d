"""How a valid request becomes the document that is stored."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.domain import device
from inventory.domain.errors import AttributesTooLarge, SelfReference

NOW, LATER = "2026-05-01T10:00:00.000000Z", "2026-05-02T10:00:00.000000Z"
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=10,
)


def a_device(**fields: Any) -> device.Document:
    fields = {"name": "Hall light", "device_type": "light"} | fields
    return device.create(fields, identifier="hall-1", uid="u", now=NOW)


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


def test_members_stand_in_their_order_whatever_the_order_they_came_in() -> None:
    members = list(a_device(status="retired", model="x", manufacturer="y"))

    assert members == [m for m in device.MEMBERS if m in members]


def test_null_is_not_set() -> None:
    assert "model" not in a_device(model=None)


@pytest.mark.parametrize(
    "written",
    ["AA:BB:CC:DD:EE:0F", "aa-bb-cc-dd-ee-0f", "aabb.ccdd.ee0f", "AABBCCDDEE0F"],
)
def test_a_mac_has_one_way_to_be_written(written: str) -> None:
    document = a_device(connections=[{"type": "mac", "value": written}])

    assert document["connections"] == [{"type": "mac", "value": "aa:bb:cc:dd:ee:0f"}]


@pytest.mark.parametrize(
    ("kind", "value"), [("mac", "not a mac"), ("zigbee", "AA:BB:CC:DD:EE:0F"), ("mac", "AA:BB")]
)
def test_other_connections_stay_as_they_are(kind: str, value: str) -> None:
    connection = {"type": kind, "value": value}

    assert a_device(connections=[connection])["connections"] == [connection]


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("2026-05-01T12:00:00+02:00", "2026-05-01T10:00:00.000000Z"),
        ("2026-05-01t10:00:00.5z", "2026-05-01T10:00:00.500000Z"),
        ("1990-12-31T23:59:60Z", "1990-12-31T23:59:60Z"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00+01:00"),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59-01:00"),
    ],
)
def test_times_are_stored_in_utc_where_the_calendar_has_them(sent: str, stored: str) -> None:
    assert a_device(last_seen_at=sent)["last_seen_at"] == stored


@pytest.mark.parametrize("member", ["via_device", "parent_device"])
def test_a_device_is_not_its_own_hub_or_parent(member: str) -> None:
    with pytest.raises(SelfReference) as refused:
        a_device(**{member: "hall-1"})

    assert refused.value.pointer == f"/{member}"


def test_attributes_may_have_32_kib_and_no_more() -> None:
    room = device.MAX_ATTRIBUTES - len('{"a":""}')

    assert a_device(attributes={"a": "x" * room})
    with pytest.raises(AttributesTooLarge):
        a_device(attributes={"a": "x" * (room + 1)})


def test_a_replacement_leaves_nothing_of_before_but_who_it_is() -> None:
    before = a_device(model="x", labels=["a"])

    after = device.replace(before, {"name": "New", "device_type": "lock"}, now=LATER)

    assert "model" not in after and "labels" not in after
    assert (after["uid"], after["created_at"]) == (before["uid"], before["created_at"])
    assert (after["revision"], after["updated_at"]) == (2, LATER)


def test_a_replacement_by_the_same_is_no_change() -> None:
    before = a_device(model="x")
    fields = {"name": "Hall light", "device_type": "light", "model": "x"}

    assert device.replace(before, fields, now=LATER) is before


def test_a_patch_sets_removes_and_merges() -> None:
    before = a_device(model="x", attributes={"a": {"b": 1, "c": 2}, "d": [1, 2]})
    patch = {"model": None, "sw_version": "2", "attributes": {"a": {"b": None}, "d": [3]}}

    after = device.merge(before, patch, now=LATER)

    assert "model" not in after
    assert after["sw_version"] == "2"
    assert after["attributes"] == {"a": {"c": 2}, "d": [3]}


def test_an_empty_patch_is_no_change() -> None:
    before = a_device()

    assert device.merge(before, {}, now=LATER) is before


@given(target=JSON, patch=JSON)
def test_a_merge_patch_leaves_its_target_and_applies_twice_as_once(target: Any, patch: Any) -> None:
    kept = json.dumps(target)

    once = device.merge_patch(target, patch)

    assert json.dumps(target) == kept
    assert device.merge_patch(once, patch) == once


@given(st.dictionaries(st.text(), JSON))
def test_the_stored_text_reads_back_as_the_document(attributes: dict[str, Any]) -> None:
    document = a_device(attributes=attributes)

    stored = device.store_form(document)

    assert stored.document() == document
    assert stored.etag == device.entity_tag(stored.body)


def test_another_text_has_another_entity_tag() -> None:
    assert device.entity_tag("a") != device.entity_tag("b")
