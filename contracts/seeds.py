"""Makes what the fuzzed requests refer to (``hooks.SEEDED``)."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from contracts.deployment import Deployment, of_services
from contracts.hooks import DELETED, SEEDED, SPARE, UNUSED, deleted_identifier, spare_identifier
from contracts.services import Services

_WANTED: Mapping[str, Mapping[str, str]] = {
    f"/v1/customers/{SEEDED['customer_id']}": {"name": "The gate's customer"},
    f"/v1/homes/{SEEDED['home_id']}": {"name": "Home", "customer_id": SEEDED["customer_id"]},
    f"/v1/areas/{SEEDED['area_id']}": {"name": "Area", "home_id": SEEDED["home_id"]},
    f"/v1/devices/{SEEDED['via_device']}": {
        "name": "Hub",
        "device_type": "bridge",
        "home_id": SEEDED["home_id"],
        "area_id": SEEDED["area_id"],
    },
}


def plant_references(deployment: Deployment) -> None:
    """Puts a customer, its home and area, and a hub into the inventory."""
    with requests.Session() as session:
        session.headers["X-API-Key"] = deployment.key
        for path, body in _WANTED.items():
            session.put(deployment.gateway_url + path, json=body, timeout=30).raise_for_status()


def plant_seeds(services: Services) -> None:
    """Puts a customer, its home and area, a hub, deleted and spare devices into the inventory."""
    plant_references(of_services(services))
    with requests.Session() as session:
        session.headers["X-API-Key"] = services.admin_key
        for number in range(DELETED):
            url = f"{services.gateway_url}/v1/devices/{deleted_identifier(number)}"
            body = {"name": "Deleted", "device_type": "light"}
            session.put(url, json=body, timeout=30).raise_for_status()
            session.delete(url, timeout=30).raise_for_status()
        for number in range(UNUSED):
            name = spare_identifier(number)
            url = f"{services.gateway_url}/v1/customers/{name}"
            session.put(url, json={"name": "Spare"}, timeout=30).raise_for_status()
            url = f"{services.gateway_url}/v1/homes/{name}"
            body = {"name": "Spare", "customer_id": SEEDED["customer_id"]}
            session.put(url, json=body, timeout=30).raise_for_status()
            url = f"{services.gateway_url}/v1/areas/{name}"
            body = {"name": "Spare", "home_id": SEEDED["home_id"]}
            session.put(url, json=body, timeout=30).raise_for_status()
        for number in range(SPARE):
            url = f"{services.gateway_url}/v1/devices/{spare_identifier(number)}"
            body = {"name": "Spare", "device_type": "light", "customer_id": SEEDED["customer_id"]}
            session.put(url, json=body, timeout=30).raise_for_status()
