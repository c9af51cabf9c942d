"""Batches: each item as its single request would be, all of them or each on its own."""

from __future__ import annotations

from typing import Any

import pytest

from inventory.batches import apply_batch
from inventory.device_bodies import DeviceBodies
from inventory.domain.errors import BatchRefused, ResourceNotFound
from inventory.domain.kinds import DEVICES
from openapi import CONTRACT
from openapi.document import load_document

BODIES = DeviceBodies(load_document(CONTRACT).content)
LIGHT = {"name": "Light", "device_type": "light"}


def batch(admin: Any, *items: dict[str, Any], atomic: bool = False) -> list[dict[str, Any]]:
    return admin.do(  # type: ignore[no-any-return]
        lambda work: apply_batch(work, BODIES, items, atomic=atomic, request_id="r-1")
    )


def statuses(results: list[dict[str, Any]]) -> list[int]:
    return [result["status"] for result in results]


def an_item(action: str, identifier: str | None = None, /, **device: Any) -> dict[str, Any]:
    named = {"identifier": identifier} if identifier else {}
    return {"action": action, **named} | ({"device": device} if device else {})


def test_each_item_has_the_status_of_its_single_request(admin: Any) -> None:
    admin.device("lamp")

    results = batch(
        admin,
        an_item("create", **LIGHT, identifier="new"),
        an_item("replace", "lamp", **LIGHT),
        an_item("replace", "other", **LIGHT),
        an_item("patch", "lamp", name="Patched"),
        an_item("delete", "new"),
    )

    assert statuses(results) == [201, 200, 201, 200, 204]
    assert [result["index"] for result in results] == [0, 1, 2, 3, 4]
    assert results[3]["etag"] == admin.reading.get(DEVICES, "lamp").etag
    assert admin.document("lamp")["name"] == "Patched"


def test_an_item_that_fails_has_its_problem_and_leaves_the_others_be(admin: Any) -> None:
    results = batch(
        admin,
        an_item("create", "lamp", **LIGHT),
        an_item("delete", "nobody"),
        an_item("create", "lamp", **LIGHT),
        an_item("create", "plug", **LIGHT, via_device="lamp"),
    )

    assert statuses(results) == [201, 404, 409, 201]
    assert results[1]["problem"]["type"] == "urn:doorstep:problem:not-found"
    assert results[1]["problem"]["request_id"] == "r-1"
    assert results[1]["identifier"] == "nobody"


@pytest.mark.parametrize(
    ("item", "pointer"),
    [
        (an_item("create", name="No type"), "/device/device_type"),
        (an_item("create", **LIGHT, colour="red"), "/device/colour"),
        (an_item("create"), "/device"),
        (an_item("create", "one", **LIGHT, identifier="other"), "/identifier"),
        (an_item("create", **LIGHT) | {"if_match": "*"}, "/if_match"),
        (an_item("replace", **LIGHT), "/identifier"),
        (an_item("patch", "lamp", name=1), "/device/name"),
        (an_item("patch", "lamp", identifier="x"), "/device/identifier"),
        (an_item("delete"), "/identifier"),
        (an_item("delete", "lamp", **LIGHT), "/device"),
    ],
)
def test_an_item_that_is_not_valid_says_where(
    admin: Any, item: dict[str, Any], pointer: str
) -> None:
    (result,) = batch(admin, item)

    assert result["status"] == 400
    assert [error["pointer"] for error in result["problem"]["errors"]] == [pointer]


def test_a_precondition_that_does_not_hold_is_412(admin: Any) -> None:
    admin.device("lamp")

    results = batch(admin, an_item("delete", "lamp") | {"if_match": '"stale"'})

    assert statuses(results) == [412]
    assert admin.document("lamp")


def test_of_an_atomic_batch_that_fails_nothing_stays(admin: Any) -> None:
    items = [
        an_item("create", "lamp", **LIGHT),
        an_item("delete", "nobody"),
        an_item("create", "bad", name="x"),
    ]

    with pytest.raises(BatchRefused) as refused:
        batch(admin, *items, atomic=True)

    assert [at for at, _ in refused.value.places] == ["/items/1", "/items/2"]
    assert admin.changes == []
    with pytest.raises(ResourceNotFound):
        admin.document("lamp")


def test_an_atomic_batch_is_applied_whole(admin: Any) -> None:
    results = batch(
        admin, an_item("create", "lamp", **LIGHT), an_item("delete", "lamp"), atomic=True
    )

    assert statuses(results) == [201, 204]


def test_a_refused_item_leaves_no_change_behind(admin: Any) -> None:
    admin.device("hub")
    before = len(admin.changes)

    batch(admin, an_item("patch", "hub", via_device="hub"), an_item("patch", "hub", home_id="no"))

    assert len(admin.changes) == before


def test_the_devices_of_other_customers_are_not_found(admin: Any, a_caller: Any) -> None:
    admin.customer("acme")
    admin.customer("other")
    admin.device("lamp", customer_id="other")

    results = batch(a_caller("acme"), an_item("delete", "lamp"), an_item("create", "lamp", **LIGHT))

    assert statuses(results) == [404, 409]
