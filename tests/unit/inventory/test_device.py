"""What is particular to devices: how their values are written, and how much they may hold."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.domain import device
from inventory.domain.errors import AttributesTooLarge, SelfReference, TooManyItems


@pytest.mark.parametrize(
    "written",
    ["AA:BB:CC:DD:EE:0F", "aa-bb-cc-dd-ee-0f", "aabb.ccdd.ee0f", "AABBCCDDEE0F"],
)
def test_a_mac_has_one_way_to_be_written(written: str) -> None:
    fields = device.normal({"connections": [{"type": "mac", "value": written}]})

    assert fields == {"connections": [{"type": "mac", "value": "aa:bb:cc:dd:ee:0f"}]}


@pytest.mark.parametrize(
    ("kind", "value"), [("mac", "not a mac"), ("zigbee", "AA:BB:CC:DD:EE:0F"), ("mac", "AA:BB")]
)
def test_other_connections_stay_as_they_are(kind: str, value: str) -> None:
    fields = {"connections": [{"type": kind, "value": value}]}

    assert device.normal(fields) == fields


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
    assert device.normal({"last_seen_at": sent}) == {"last_seen_at": stored}


@pytest.mark.parametrize("fields", [{}, {"connections": None, "last_seen_at": None}])
def test_what_is_not_said_stays_so(fields: dict[str, Any]) -> None:
    assert device.normal(fields) == fields


def test_what_was_sent_is_not_touched() -> None:
    sent = {"connections": [{"type": "mac", "value": "AABBCCDDEE0F"}]}

    device.normal(sent)

    assert sent == {"connections": [{"type": "mac", "value": "AABBCCDDEE0F"}]}


@pytest.mark.parametrize("member", ["via_device", "parent_device"])
def test_a_device_is_not_its_own_hub_or_parent(member: str) -> None:
    with pytest.raises(SelfReference) as refused:
        device.check({"identifier": "hall-1", member: "hall-1"})

    assert [at for at, _ in refused.value.places] == [f"/{member}"]


def test_attributes_may_have_32_kib_and_no_more() -> None:
    room = device.MAX_ATTRIBUTES - len('{"a":""}')

    device.check({"identifier": "a", "attributes": {"a": "x" * room}})
    with pytest.raises(AttributesTooLarge) as refused:
        device.check({"identifier": "a", "attributes": {"a": "x" * (room - 1) + "é"}})

    assert [at for at, _ in refused.value.places] == ["/attributes"]


@pytest.mark.parametrize("member", ["identifiers", "connections", "labels", "external_refs"])
def test_a_list_may_have_fifty_items_and_no_more(member: str) -> None:
    device.check({"identifier": "a", member: list(range(50))})
    with pytest.raises(TooManyItems, match="51 items; 50 are allowed") as refused:
        device.check({"identifier": "a", member: list(range(51))})

    assert [at for at, _ in refused.value.places] == [f"/{member}"]
