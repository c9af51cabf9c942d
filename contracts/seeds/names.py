"""The names of what the suite puts into the inventory before it asks for it."""

from __future__ import annotations

from collections.abc import Mapping

# By the members that refer to it.
SEEDED: Mapping[str, str] = {
    "customer_id": "gate-customer",
    "home_id": "gate-home",
    "area_id": "gate-area",
    "via_device": "gate-hub",
    "parent_device": "gate-hub",
}
# By the collection that they are in.
BY_KIND: Mapping[str, str] = {
    "customers": SEEDED["customer_id"],
    "homes": SEEDED["home_id"],
    "areas": SEEDED["area_id"],
    "devices": SEEDED["via_device"],
}
NEIGHBOUR = "gate-neighbour"  # another customer
DELETED = 200  # devices that are there to be restored, each once
CANCELLED = 60  # jobs that are there to be cancelled
UNUSED = 60  # customers, homes and areas that nothing refers to
SPARE = 400  # devices that are there to be deleted or merged, each once


def deleted_identifier(number: int) -> str:
    """Which device was made and deleted."""
    return f"gate-deleted-{number}"


def spare_identifier(number: int) -> str:
    """Which device was made for nothing else."""
    return f"gate-spare-{number}"
