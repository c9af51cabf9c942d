"""Puts into the inventory what the suite's requests refer to (``names``)."""

from __future__ import annotations

from collections.abc import Mapping

import requests

from contracts.deployment import Deployment
from contracts.seeds.names import (
    DELETED,
    NEIGHBOUR,
    SEEDED,
    SPARE,
    UNUSED,
    deleted_identifier,
    spare_identifier,
)
from contracts.wire import TIMEOUT

_CUSTOMER, _HOME = SEEDED["customer_id"], SEEDED["home_id"]
_WANTED: Mapping[str, Mapping[str, str]] = {
    f"customers/{_CUSTOMER}": {"name": "The gate's customer"},
    f"customers/{NEIGHBOUR}": {"name": "The gate's neighbour"},
    f"homes/{_HOME}": {"name": "Home", "customer_id": _CUSTOMER},
    f"areas/{SEEDED['area_id']}": {"name": "Area", "home_id": _HOME},
    f"devices/{SEEDED['via_device']}": {
        "name": "Hub",
        "device_type": "bridge",
        "home_id": _HOME,
        "area_id": SEEDED["area_id"],
    },
}


class _Admin(requests.Session):
    """Talks to the gateway as the admin."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__()
        self._base = f"{deployment.gateway_url}/v1/"
        self.headers["X-API-Key"] = deployment.key

    def plant(self, path: str, **body: str) -> None:
        """Puts it there, whether it was there or not."""
        self.put(self._base + path, json=body, timeout=TIMEOUT).raise_for_status()

    def remove(self, path: str) -> None:
        """Deletes what is there."""
        self.delete(self._base + path, timeout=TIMEOUT).raise_for_status()


def plant_references(deployment: Deployment) -> None:
    """Puts two customers, and a home, an area and a hub of the first into the inventory."""
    with _Admin(deployment) as admin:
        for path, body in _WANTED.items():
            admin.plant(path, **body)


def plant_seeds(deployment: Deployment) -> None:
    """Also deleted devices, and spare things that fuzzed requests may take away."""
    plant_references(deployment)
    with _Admin(deployment) as admin:
        for number in range(DELETED):
            path = f"devices/{deleted_identifier(number)}"
            admin.plant(path, name="Deleted", device_type="light")
            admin.remove(path)
        for number in range(UNUSED):
            name = spare_identifier(number)
            admin.plant(f"customers/{name}", name="Spare")
            admin.plant(f"homes/{name}", name="Spare", customer_id=_CUSTOMER)
            admin.plant(f"areas/{name}", name="Spare", home_id=_HOME)
        for number in range(SPARE):
            path = f"devices/{spare_identifier(number)}"
            admin.plant(path, name="Spare", device_type="light", customer_id=_CUSTOMER)
