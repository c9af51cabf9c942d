"""Every operation of the contract across two tenants: what is another's is not there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
import requests

from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys
from openapi import CONTRACT
from openapi.document import Operation, load_document
from openapi.selection import operations_of

SERVED = operations_of(load_document(CONTRACT), "inventory")
THEIRS = "tenant-a"  # stands in everything that is the other's
PATHS: Mapping[str, str] = {
    "/v1/customers": THEIRS,
    "/v1/homes": f"{THEIRS}-home",
    "/v1/areas": f"{THEIRS}-area",
    "/v1/devices": f"{THEIRS}-device",
    "/v1/device-types": "light",
    "/v1/jobs": f"{THEIRS}-job",
}
DEVICE = {"name": "Mine", "device_type": "light"}
# What an operation is sent, where it needs more than its path: query, media type, body.
SENT: Mapping[str, tuple[dict[str, str], str, Any]] = {
    "create_customer": ({}, "application/json", {"identifier": THEIRS, "name": "Mine"}),
    "create_home": ({}, "application/json", {"identifier": f"{THEIRS}-home", "name": "Mine",
                                             "customer_id": "tenant-b"}),
    "create_area": ({}, "application/json", {"name": "Mine", "home_id": f"{THEIRS}-home"}),
    "create_device": ({}, "application/json", DEVICE | {"home_id": f"{THEIRS}-home"}),
    "create_device_type": ({}, "application/json", {"identifier": "mine", "title": "Mine"}),
    "replace_customer": ({}, "application/json", {"name": "Mine"}),
    "replace_home": ({}, "application/json", {"name": "Mine", "customer_id": "tenant-b"}),
    "replace_area": ({}, "application/json", {"name": "Mine", "home_id": "tenant-b-home"}),
    "replace_device": ({}, "application/json", DEVICE),
    "replace_device_type": ({}, "application/json", {"title": "Mine"}),
    "summarize_devices": ({"by": "customer_id,home_id"}, "", None),
    "import_home_assistant": ({"home_id": f"{THEIRS}-home"}, "application/json", {
        "device_registry": {"version": 1, "key": "core.device_registry", "data": {"devices": []}},
    }),
    "merge_devices": ({}, "application/json", {"duplicate": "tenant-b-device"}),
    "batch_devices": ({}, "application/json", {"items": [
        {"action": "patch", "identifier": f"{THEIRS}-device", "device": {"model": "Mine"}},
        {"action": "delete", "identifier": f"{THEIRS}-device"},
        {"action": "replace", "identifier": f"{THEIRS}-device", "device": DEVICE},
    ]}),
    "import_devices": ({}, "application/json", {"items": [
        DEVICE | {"identifier": f"{THEIRS}-device"},
    ]}),
}  # fmt: skip


@pytest.fixture(scope="module")
def theirs(services: Services) -> Iterator[dict[str, str]]:
    """What the other tenant has, as its texts; it is the same afterwards."""
    with requests.Session() as session:
        session.headers["X-API-Key"] = services.admin_key
        for tenant in (THEIRS, "tenant-b"):
            _fill(session, services.gateway_url, tenant)
        before = _texts(session, services.gateway_url)
        yield before
        assert _texts(session, services.gateway_url) == before


def _fill(session: requests.Session, base: str, tenant: str) -> None:
    home = {"name": f"{tenant} home", "customer_id": tenant}
    area = {"name": f"{tenant} area", "home_id": f"{tenant}-home"}
    device = {"name": f"{tenant} device", "device_type": "light", "area_id": f"{tenant}-area",
              "manufacturer": "Acme", "serial_number": "shared",
              "connections": [{"type": "mac", "value": "02:00:00:00:00:01"}]}  # fmt: skip
    for path, body in (
        (f"customers/{tenant}", {"name": tenant}),
        (f"homes/{tenant}-home", home),
        (f"areas/{tenant}-area", area),
        (f"devices/{tenant}-device", device),
        (f"devices/{tenant}-twin", device),
        (f"devices/{tenant}-deleted", device),
    ):
        session.put(f"{base}/v1/{path}", json=body, timeout=30).raise_for_status()
    session.delete(f"{base}/v1/devices/{tenant}-deleted", timeout=30).raise_for_status()


def _texts(session: requests.Session, base: str) -> dict[str, str]:
    paths = [
        f"{path}/{name}" for path, name in PATHS.items() if THEIRS in name and "job" not in name
    ]
    return {path: session.get(base + path, timeout=30).text for path in paths}


@pytest.mark.parametrize("operation", SERVED, ids=lambda op: op.operation_id)
def test_what_is_another_tenants_is_not_there(
    services: Services,
    theirs: dict[str, str],
    identity: Callable[..., str],
    operation: Operation,
) -> None:
    query, media_type, body = SENT.get(operation.operation_id, ({}, "", None))
    if operation.operation_id.startswith("patch_"):
        media_type, body = "application/merge-patch+json", {"name": "Mine"}
    headers = {"Authorization": f"Bearer {identity(tenant='tenant-b')}"}
    if body is not None:
        headers["Content-Type"] = media_type

    answer = requests.request(
        operation.method,
        services.inventory_url + _path(operation),
        params=query,
        data=None if body is None else json.dumps(body),
        headers=headers,
        timeout=30,
    )

    assert answer.status_code in _allowed(operation), answer.text
    _check_nothing_leaks(operation, answer)


def _path(operation: Operation) -> str:
    collection, _, rest = operation.path.partition("/{identifier}")
    if not rest and "{identifier}" not in operation.path:
        return operation.path
    name = PATHS[collection]
    return (
        f"{collection}/{name.replace('-device', '-deleted') if 'restore' in rest else name}{rest}"
    )


def _allowed(operation: Operation) -> set[int]:
    """Reads of nobody else's things succeed; others' are not there, or just taken."""
    name = operation.operation_id
    if "device_type" in name:
        return {200} if name.startswith(("get", "list")) else {400, 403}
    if name == "replace_customer":
        return {403}  # as of a customer that is not there
    if "{identifier}" in operation.path:
        return {409} if name.startswith("replace") else {404}
    if name.startswith("create"):
        return {403, 409}
    return {200, 207, 404, 409}


def _check_nothing_leaks(operation: Operation, answer: requests.Response) -> None:
    """The other's identifiers stand only where the request itself has them."""
    if answer.status_code >= 400 or operation.operation_id in ("batch_devices", "import_devices"):
        assert "tenant-a device" not in answer.text
        assert "Acme" not in answer.text
        return
    assert THEIRS not in answer.text


def test_a_gateways_key_of_a_customer_sees_that_customers_things(services: Services) -> None:
    keys = ApiKeys(services.data / "gateway.db")
    key = keys.create("tenant b", ["devices:read"], "tenant-b")
    keys.close()

    listed = requests.get(
        services.gateway_url + "/v1/devices", headers={"X-API-Key": key}, timeout=30
    )

    assert {item["customer_id"] for item in listed.json()["items"]} == {"tenant-b"}


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
