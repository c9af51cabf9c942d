"""The walk through the files of one Home Assistant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from inventory.domain.home_assistant.device import (
    Surroundings,
    display_name,
    read_device,
    read_surroundings,
)
from inventory.domain.home_assistant.fault import MemberFault
from inventory.domain.home_assistant.link import link
from inventory.domain.home_assistant.row import Mapped, Rejected, Row, Skipped

# An identifier of ours has 128 characters at the most, of which "ha-" takes three.
_ID = re.compile(r"[A-Za-z0-9._:-]{1,125}")
_RIGHT_ID = "the id has to be text of 1 to 125 letters A-Z a-z, digits or . _ : -"
_DATA = "/device_registry/data"


def read_home_assistant(files: Mapping[str, Any], *, in_home: bool) -> Iterator[Row]:
    """One row for each item of ``devices``, ``child_devices``, ``deleted_devices``, in this order.

    ``files`` is valid against the contract's HomeAssistantImport. Nothing that the contract leaves
    open in it (the items, the sibling files' data) raises. The same files give the same rows.
    ``in_home``: whether devices are placed in areas, which only a home has.
    """
    around = read_surroundings(files, in_home=in_home)
    seen: dict[str, str] = {}
    live = [
        (_read_item(item, pointer, seen, around), item)
        for section in ("devices", "child_devices")
        for pointer, item in _items(files, section)
    ]
    yield from link(live)
    yield from (_read_deleted(item, at) for at, item in _items(files, "deleted_devices"))


def _items(files: Mapping[str, Any], section: str) -> Iterator[tuple[str, Any]]:
    """The items of a section with their pointers; older files do not have every section."""
    items = files["device_registry"]["data"].get(section, ())
    return ((f"{_DATA}/{section}/{index}", item) for index, item in enumerate(items))


def _read_item(item: object, pointer: str, seen: dict[str, str], around: Surroundings) -> Row:
    if not isinstance(item, dict):
        return _not_an_object(pointer)
    name = display_name(item)
    try:
        ha_id = _claim_id(item, pointer, seen)
        return Mapped(pointer, name, read_device(item, ha_id, around))
    except MemberFault as fault:
        return Rejected(pointer + fault.path, name, fault.reason)


def _read_deleted(item: object, pointer: str) -> Row:
    if not isinstance(item, dict):
        return _not_an_object(pointer)
    return Skipped(pointer, display_name(item), "deleted in Home Assistant")


def _not_an_object(pointer: str) -> Rejected:
    return Rejected(pointer, None, "not an object")


def _claim_id(item: Mapping[str, Any], pointer: str, seen: dict[str, str]) -> str:
    """The item's id, from now on taken."""
    if "id" not in item:
        raise MemberFault("", f"there is no id; {_RIGHT_ID}")
    ha_id = item["id"]
    if not isinstance(ha_id, str) or not _ID.fullmatch(ha_id):
        raise MemberFault("/id", _RIGHT_ID)
    first = seen.setdefault(ha_id, pointer)
    if first != pointer:
        raise MemberFault("/id", f"the id stands already at {first}")
    return ha_id
