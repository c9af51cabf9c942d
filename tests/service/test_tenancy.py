"""Keys that are bound to a customer, beyond what contracts/parts/authorisation.py asks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import requests

from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys

DEVICE = {"name": "Mine", "device_type": "light"}


def test_a_key_that_may_not_write_areas_imports_devices_alone(
    services: Services, admin: requests.Session, a_key: Callable[..., str]
) -> None:
    admin.put("/v1/customers/tenant-c", json={"name": "C"}).raise_for_status()
    home = {"name": "C", "customer_id": "tenant-c"}
    admin.put("/v1/homes/tenant-c-home", json=home).raise_for_status()
    devices, areas = [{"id": "c1", "area_id": "hall"}], [{"id": "hall", "name": "Hall"}]
    body = {
        "device_registry": {
            "version": 1, "key": "core.device_registry", "data": {"devices": devices},
        },
        "area_registry": {"version": 1, "key": "core.area_registry", "data": {"areas": areas}},
    }  # fmt: skip

    answers = [
        requests.post(
            services.gateway_url + "/v1/imports/home-assistant",
            params={"home_id": "tenant-c-home"},
            json=body,
            headers={"X-API-Key": key},
            timeout=30,
        )
        for key in (a_key("devices:write"), a_key("devices:write", "customers:write"))
    ]

    results = [[row["result"] for row in answer.json()["rows"]] for answer in answers]
    assert results == [["skipped", "created"], ["created", "updated"]]


def test_a_key_that_goes_to_another_customer_takes_no_answer_along(
    services: Services, admin: requests.Session
) -> None:
    keys = ApiKeys(services.data / "gateway.db")
    for tenant in ("moved-from", "moved-to"):
        assert admin.put(f"/v1/customers/{tenant}", json={"name": tenant}).ok
    key = keys.create("mover", ["devices:read", "devices:write"], "moved-from")
    sent = {"X-API-Key": key, "Idempotency-Key": "once"}

    def create() -> Any:
        url = f"{services.gateway_url}/v1/devices"
        return requests.post(url, headers=sent, json=DEVICE, timeout=30).json()

    first, again = create(), create()
    keys.change(key.split("_")[1], {"customer": "moved-to"})
    keys.close()
    wait_for(lambda: create()["customer_id"] == "moved-to", "the key to be another customer's")

    assert first == again
    assert create()["identifier"] != first["identifier"]
