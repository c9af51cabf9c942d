"""Links between the devices of a file: to the hub that one is reached by, and to its parent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from inventory.domain.home_assistant.row import Mapped, Row

_HUB = ("via_device_id", "hub_device_id")  # the second one in files before 1.2
_PARENT = ("parent_device_id",)


def link(found: Sequence[tuple[Row, Any]]) -> Iterator[Row]:
    """The rows of ``found`` (each with its item), linked to each other.

    A link leads to a device that the file brings, never to none, to itself or in a circle.
    """
    devices = {row.fields["identifier"]: item for row, item in found if isinstance(row, Mapped)}
    hubs = _without_circles(_links(devices, _HUB))
    parents = _without_circles(_links(devices, _PARENT))
    for row, _ in found:
        yield _linked(row, hubs, parents) if isinstance(row, Mapped) else row


def _linked(row: Mapped, hubs: Mapping[str, str], parents: Mapping[str, str]) -> Mapped:
    identifier = row.fields["identifier"]
    links = {"via_device": hubs.get(identifier), "parent_device": parents.get(identifier)}
    given = {member: target for member, target in links.items() if target}
    return replace(row, fields=row.fields | given)


def _links(devices: Mapping[str, Any], members: Sequence[str]) -> Iterator[tuple[str, str]]:
    for identifier, item in devices.items():
        ids = (item.get(member) for member in members)
        target = next((f"ha-{ha_id}" for ha_id in ids if isinstance(ha_id, str)), None)
        if target is not None and target in devices:
            yield identifier, target


def _without_circles(links: Iterator[tuple[str, str]]) -> dict[str, str]:
    """``links`` without each one that would close a circle with those before it.

    A device has one link at the most, so what it belongs to is a tree, and a link closes a circle
    exactly when it leads from that tree's root back into the tree: near-linear by union-find.
    """
    kept: dict[str, str] = {}
    towards_root: dict[str, str] = {}
    for device, target in links:
        if _root(target, towards_root) != device:
            kept[device] = towards_root[device] = target
    return kept


def _root(device: str, towards_root: dict[str, str]) -> str:
    """Where ``device``'s links lead in the end; halves the way there for the next caller."""
    while device in towards_root:
        above = towards_root[device]
        towards_root[device] = towards_root.get(above, above)
        device = above
    return device
