"""Areas: what they are called, and the floors that they are on."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

from inventory.domain.home_assistant.row import Mapped, Rejected, Row
from inventory.domain.home_assistant.sibling import entries, numbered_entries
from inventory.domain.home_assistant.text import NAME_LIMIT, TEXT_LIMIT, cut, usable_text

_ID = re.compile(r"[A-Za-z0-9._:-]{1,125}")


_LONGEST = 128  # characters of an identifier of ours


def area_identifier(home: str, area: str) -> str:
    """What a home's area is called here: the same each time, and no other home's area so.

    ``area``: as ``read_areas`` calls it. Every Home Assistant has a ``kitchen``, so the home is
    told as well: ``ha-ann-home:kitchen``. Where that could be two homes' or is too long, it is a
    digest of the two.
    """
    name = area.removeprefix("ha-")
    identifier = f"ha-{home}:{name}"
    if len(identifier) <= _LONGEST and identifier.count(":") == 1:
        return identifier
    return f"ha-{hashlib.blake2b(f'{home}/{name}'.encode(), digest_size=16).hexdigest()}"


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


def read_areas(files: Mapping[str, Any]) -> Iterator[Row]:
    """One row for each area of the area registry; ``fields`` lack the home. Never raises."""
    floors = {entry.get("floor_id"): entry
              for entry in entries(files.get("floor_registry"), "floors")
              if isinstance(entry.get("floor_id"), str)}  # fmt: skip
    seen: set[str] = set()
    for number, entry in numbered_entries(files.get("area_registry"), "areas"):
        pointer, name = f"/area_registry/data/areas/{number}", _name(entry)
        area = entry.get("id")
        if not isinstance(area, str) or not _ID.fullmatch(area) or area in seen:
            reason = "the id has to be text of 1 to 125 letters A-Z a-z, digits or . _ : -, once"
            yield Rejected(f"{pointer}/id", name, reason)
            continue
        seen.add(area)
        yield Mapped(pointer, name, _area(area, name or area, entry, floors))


def _area(
    area: str, name: str, entry: Mapping[str, Any], floors: Mapping[Any, Mapping[str, Any]]
) -> dict[str, Any]:
    floor = entry.get("floor_id")
    on = floors.get(floor, {}) if isinstance(floor, str) else {}
    level, aliases = on.get("level"), entry.get("aliases")
    called = [usable_text(alias) for alias in aliases] if isinstance(aliases, list) else []
    members = {
        "identifier": f"ha-{area}",
        "name": cut(name, NAME_LIMIT),
        "floor": _name(dict(on)),
        "level": level if type(level) is int and -100 <= level <= 1000 else None,
        "aliases": list(dict.fromkeys(cut(one, NAME_LIMIT) for one in called if one))[:50],
    }
    return {m: value for m, value in members.items() if value not in (None, [])}


def _names(registry: object, member: str, key: str) -> dict[str, str]:
    found = ((entry.get(key), _name(entry)) for entry in entries(registry, member))
    return {key: name for key, name in found if isinstance(key, str) and name}


def _name(entry: dict[str, Any]) -> str | None:
    name = usable_text(entry.get("name"))
    return cut(name, TEXT_LIMIT) if name else None
