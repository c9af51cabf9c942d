"""Folds a duplicate into the device that it is a duplicate of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inventory.domain import resource
from inventory.domain.errors import SelfReference
from inventory.domain.kinds import DEVICE_LINKS, DEVICES
from inventory.domain.preconditions import Preconditions
from inventory.domain.resource import Document
from inventory.domain.store import Query, Stored, Transaction
from inventory.work import PORTION, Work

_SETS = ("identifiers", "connections", "labels", "external_refs")
# Members that only mean something together with another that is the same on both sides.
_WITH: Mapping[str, str] = {
    "home_id": "customer_id",
    "area_id": "home_id",
    "via_device": "customer_id",
    "parent_device": "customer_id",
    "disabled_by": "status",
}


def merge_devices(
    work: Work,
    transaction: Transaction,
    identifier: str,
    duplicate: str,
    preconditions: Preconditions,
) -> Stored:
    """The device with what it took over. The duplicate is gone, and can be restored.

    What was connected by way of the duplicate is connected by way of the device.
    """
    if identifier == duplicate:
        raise SelfReference("duplicate", "A device cannot be its own duplicate.")
    work.patch(DEVICES, identifier, {}, preconditions)  # changes nothing, and refuses as one would
    other = work.existing(DEVICES, duplicate)
    # First, so that the customer has room for what the device becomes.
    work.remove(DEVICES, other, "merged")
    current = work.existing(DEVICES, identifier)
    stored = work.update(DEVICES, current, merged(current, other))
    for member in DEVICE_LINKS:
        _relink(work, transaction, member, duplicate, identifier)
    return stored


def merged(device: Document, duplicate: Document) -> Document:
    """The fields of the device and those of the duplicate that it does not have."""
    fields, other = resource.writable(device), resource.writable(duplicate)
    for member in DEVICE_LINKS:
        for one, another in ((fields, duplicate), (other, device)):
            if one.get(member) == another["identifier"]:
                del one[member]
    for member in DEVICES.members:  # customer before home before area
        if member in other:
            value = _value(member, fields, other)
            if value is not None:
                fields[member] = value
    return fields


def _value(member: str, fields: Document, other: Document) -> Any:
    if member in _SETS:
        own = fields.get(member, [])
        return own + [item for item in other[member] if item not in own]
    if member == "attributes":
        return resource.merge_patch(other[member], fields.get(member, {}))
    if member in fields:
        return fields[member]
    companion = _WITH.get(member)
    fits = companion is None or fields.get(companion) == other.get(companion)
    return other[member] if fits else None


def _relink(
    work: Work, transaction: Transaction, member: str, duplicate: str, identifier: str
) -> None:
    """Devices that are connected by way of the duplicate are by way of the device."""
    query = Query(limit=PORTION, filters={member: [duplicate]})
    while portion := transaction.find(DEVICES.name, query):
        for stored in portion:
            current = stored.document()
            work.update(DEVICES, current, resource.writable(current) | {member: identifier})
