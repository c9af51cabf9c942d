"""What areas are called, and the floors that they are on."""

from __future__ import annotations

from typing import Any

from inventory.domain.home_assistant.sibling import entries
from inventory.domain.home_assistant.text import TEXT_LIMIT, cut, usable_text


def read_places(area_registry: object, floor_registry: object) -> dict[str, dict[str, str]]:
    """Area id → its names, as ``area`` and ``floor`` where they are known; never raises."""
    floors = _names(floor_registry, "floors", "floor_id")
    areas = _names(area_registry, "areas", "id")
    places = {area: {"area": name} for area, name in areas.items()}
    for entry in entries(area_registry, "areas"):
        area, floor = entry.get("id"), entry.get("floor_id")
        if isinstance(area, str) and isinstance(floor, str) and floor in floors:
            places.setdefault(area, {})["floor"] = floors[floor]
    return places


def _names(registry: object, member: str, key: str) -> dict[str, str]:
    found = ((entry.get(key), _name(entry)) for entry in entries(registry, member))
    return {key: name for key, name in found if isinstance(key, str) and name}


def _name(entry: dict[str, Any]) -> str | None:
    name = usable_text(entry.get("name"))
    return cut(name, TEXT_LIMIT) if name else None
