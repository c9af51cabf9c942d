"""What the files of an import have no word on, because the file that would say it is not there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ATTRIBUTE = "home_assistant"


@dataclass(frozen=True, slots=True)
class Unsaid:
    """Members of devices and areas, and of what a device's attributes tell of its place.

    They stay what they were: silence is no reason to drop what an earlier import brought.
    """

    devices: frozenset[str]
    areas: frozenset[str]
    place: frozenset[str]

    def complete(self, given: Mapping[str, Any], last: Mapping[str, Any]) -> dict[str, Any]:
        """What is said of a device, with the place that was told of it the ``last`` time."""
        told = last.get("attributes", {}).get(_ATTRIBUTE, {})
        kept = {name: told[name] for name in self.place if name in told}
        if not kept:
            return dict(given)
        attributes = given.get("attributes", {})
        said = kept | attributes.get(_ATTRIBUTE, {})
        return {**given, "attributes": {**attributes, _ATTRIBUTE: said}}


def unsaid(files: Mapping[str, Any]) -> Unsaid:
    """What these registry files leave open."""
    devices, areas, place = set[str](), set[str](), set[str]()
    if "entity_registry" not in files:  # it is the entities that tell what a device is
        devices.add("device_type")
    if "area_registry" not in files:
        devices.add("area_id")
        place.add("area")
    if not {"area_registry", "floor_registry"} <= files.keys():
        areas |= {"floor", "level"}
        place.add("floor")
    return Unsaid(frozenset(devices), frozenset(areas), frozenset(place))
