"""Merges: a duplicate is folded into the device, and what hung on it hangs on the device."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.domain.errors import (
    InventoryError,
    PreconditionFailed,
    ResourceNotFound,
    SelfReference,
    TooManyItems,
)
from inventory.domain.preconditions import Preconditions
from inventory.merging import merge_devices
from inventory.work import Work


def merge(who: Any, identifier: str, duplicate: str, if_match: str | None = None) -> dict[str, Any]:
    preconditions = Preconditions.parse(if_match)
    return who.store.write(  # type: ignore[no-any-return]
        lambda t: merge_devices(
            Work(t, who.caller, who.sources), t, identifier, duplicate, preconditions
        )
    ).document()


def test_lists_and_attributes_are_joined_and_what_is_set_here_stays(admin: Any) -> None:
    admin.device("lamp", labels=["a", "b"], attributes={"x": 1, "deep": {"p": 1}}, model="Here")
    admin.device(
        "twin", labels=["b", "c"], attributes={"x": 2, "deep": {"q": 2}}, model="There",
        manufacturer="Signify", connections=[{"type": "mac", "value": "AABBCCDDEEFF"}],
    )  # fmt: skip

    merged = merge(admin, "lamp", "twin")

    assert merged["labels"] == ["a", "b", "c"]
    assert merged["attributes"] == {"x": 1, "deep": {"p": 1, "q": 2}}
    assert (merged["model"], merged["manufacturer"]) == ("Here", "Signify")
    assert merged["connections"] == [{"type": "mac", "value": "aa:bb:cc:dd:ee:ff"}]
    assert merged == admin.document("lamp")


def test_the_duplicate_is_gone_and_can_be_restored(admin: Any) -> None:
    admin.device("lamp")
    admin.device("twin")

    merge(admin, "lamp", "twin")

    with pytest.raises(ResourceNotFound):
        admin.document("twin")
    assert [c.action for c in admin.changes if c.identifier == "twin"] == ["created", "merged"]
    assert admin.restore("twin").identifier == "twin"


def test_what_was_connected_by_way_of_the_duplicate_is_by_way_of_the_device(admin: Any) -> None:
    admin.device("hub")
    admin.device("twin", via_device="hub")
    admin.device("bulb", via_device="twin", parent_device="twin")

    merged = merge(admin, "hub", "twin")

    assert "via_device" not in merged
    bulb = admin.document("bulb")
    assert (bulb["via_device"], bulb["parent_device"]) == ("hub", "hub")


def test_a_device_that_hangs_on_its_duplicate_hangs_on_what_that_hung_on(admin: Any) -> None:
    admin.device("root")
    admin.device("twin", via_device="root")
    admin.device("lamp", via_device="twin")

    assert merge(admin, "lamp", "twin")["via_device"] == "root"


def test_a_place_is_taken_over_only_if_it_is_in_the_devices_home(admin: Any) -> None:
    admin.customer("acme")
    admin.home("villa")
    admin.home("cabin")
    admin.area("hall", "villa")
    admin.device("lamp", customer_id="acme", home_id="cabin")
    admin.device("twin", area_id="hall")
    admin.device("bare")
    admin.device("third", area_id="hall")

    assert "area_id" not in merge(admin, "lamp", "twin")
    merged = merge(admin, "bare", "third")
    assert [merged[m] for m in ("customer_id", "home_id", "area_id")] == ["acme", "villa", "hall"]


def test_a_customer_with_no_more_room_has_room_for_what_replaces_its_device(admin: Any) -> None:
    admin.customer("acme", max_devices=1)
    admin.device("twin", customer_id="acme")
    admin.device("lamp")

    assert merge(admin, "lamp", "twin")["customer_id"] == "acme"


def test_a_device_is_not_its_own_duplicate(admin: Any) -> None:
    admin.device("lamp")

    with pytest.raises(SelfReference):
        merge(admin, "lamp", "lamp")


def test_of_a_merge_that_is_refused_nothing_stays(admin: Any) -> None:
    admin.device("lamp", labels=[f"a{n}" for n in range(30)])
    admin.device("twin", labels=[f"b{n}" for n in range(30)])
    before = len(admin.changes)

    with pytest.raises(TooManyItems):
        merge(admin, "lamp", "twin")
    with pytest.raises(PreconditionFailed):
        merge(admin, "lamp", "twin", '"stale"')

    assert admin.document("twin")
    assert len(admin.changes) == before


def test_the_duplicate_of_another_customer_is_not_found(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("lamp", customer_id="acme")
    admin.device("twin", customer_id="other")

    for pair in (("lamp", "twin"), ("twin", "lamp")):
        with pytest.raises(ResourceNotFound):
            merge(a_caller("acme"), *pair)


def test_what_hangs_on_the_duplicate_of_another_customer_is_in_the_way(admin: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("lamp", customer_id="acme")
    admin.device("twin", customer_id="other")
    admin.device("bulb", customer_id="other", via_device="twin")

    with pytest.raises(InventoryError):
        merge(admin, "lamp", "twin")
