"""The kinds of resources: their members, and the columns that they are searched and sorted by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

OWN = ("identifier", "uid")  # what the inventory itself says first of each resource
STAMPS = ("created_at", "updated_at", "revision")  # and last


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of resource. ``columns`` are members whose texts are searched and sorted by.

    ``parent``: the member that says to which resource of another kind it belongs.
    """

    name: str  # in paths and in the store
    noun: str  # in sentences
    members: tuple[str, ...]
    columns: tuple[str, ...]
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def all_members(self) -> tuple[str, ...]:
        """In the order in which a document has them."""
        return (*OWN, *self.members, *STAMPS)


DEVICES = Kind(
    name="devices",
    noun="device",
    members=(
        "name", "device_type", "controller_gateway", "matter_device_type", "manufacturer", "model",
        "model_id", "hw_version", "sw_version", "serial_number", "identifiers", "connections",
        "via_device", "parent_device", "entry_type", "customer_id", "home_id", "area_id", "labels",
        "status", "disabled_by", "configuration_url", "purchased_on", "warranty_expires_on",
        "last_seen_at", "attributes", "external_refs",
    ),
    columns=(
        "name", "device_type", "manufacturer", "model", "model_id", "hw_version", "sw_version",
        "serial_number", "controller_gateway", "via_device", "parent_device", "entry_type",
        "customer_id", "home_id", "area_id", "status", "purchased_on", "warranty_expires_on",
        "last_seen_at", "created_at", "updated_at",
    ),
    defaults={"entry_type": "device", "status": "active"},
)  # fmt: skip
DEVICE_LINKS = ("via_device", "parent_device")  # members by which a device leads to another
CUSTOMERS = Kind(
    name="customers",
    noun="customer",
    members=("name", "email", "phone", "address", "external_id", "max_devices", "status"),
    columns=("name", "email", "external_id", "status", "created_at", "updated_at"),
    defaults={"status": "active"},
)
HOMES = Kind(
    name="homes",
    noun="home",
    members=("customer_id", "name", "time_zone", "country_code", "address"),
    columns=("customer_id", "name", "country_code", "time_zone", "created_at", "updated_at"),
)
AREAS = Kind(
    name="areas",
    noun="area",
    members=("home_id", "name", "floor", "level", "aliases"),
    columns=("home_id", "name", "floor", "created_at", "updated_at"),
    defaults={},
)
DEVICE_TYPES = Kind(
    name="device_types",
    noun="device type",
    members=("title", "matter_device_type", "attribute_schema", "stale_after"),
    columns=("title", "created_at", "updated_at"),
)
JOBS = Kind(
    name="jobs",
    noun="job",
    members=(
        "type", "status", "principal", "customer_id", "media_type", "parts", "counts", "position",
        "errors", "cancel_requested", "lease_until", "finished_at", "request_id",
    ),
    columns=("type", "status", "lease_until", "created_at", "updated_at"),
)  # fmt: skip

# What the last import of another system said of a resource: so the next one can tell what a person
# has changed here since. Its identifier is the resource's kind and identifier.
ORIGINS = Kind(name="origins", noun="origin", members=("fields",), columns=())

KINDS: Mapping[str, Kind] = {
    kind.name: kind for kind in (DEVICES, CUSTOMERS, HOMES, AREAS, DEVICE_TYPES, JOBS, ORIGINS)
}
