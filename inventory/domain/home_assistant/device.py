"""One item of a device registry as a device of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inventory.domain.home_assistant.device_type import device_type, read_evidence
from inventory.domain.home_assistant.lists import read_connections, read_identifiers, read_labels
from inventory.domain.home_assistant.place import read_areas, read_places
from inventory.domain.home_assistant.row import Mapped
from inventory.domain.home_assistant.text import NAME_LIMIT, cut, read_text, usable_text

_SYSTEM = "home_assistant"
_TEXTS = (
    "manufacturer",
    "model",
    "model_id",
    "hw_version",
    "sw_version",
    "serial_number",
    "disabled_by",
)
_CONFIGURATION_URL = re.compile(r"(https?|homeassistant)://[!-~]+")
_URL_LIMIT = 2048
# Keeps attributes far below their 32 KiB, even with every character escaped.
_ODD_URL_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the files beside the device registry say: area id → names, device id → evidence.

    ``areas``: the ids of the areas that devices can be placed in.
    """

    areas: frozenset[str]
    places: Mapping[str, Mapping[str, str]]
    evidence: Mapping[str, int]


def read_surroundings(files: Mapping[str, Any], *, in_home: bool) -> Surroundings:
    """What the sibling files of ``files`` say of its devices; never raises."""
    mapped = [row for row in read_areas(files) if isinstance(row, Mapped)] if in_home else []
    return Surroundings(
        areas=frozenset(row.fields["identifier"] for row in mapped),
        places=read_places(files.get("area_registry"), files.get("floor_registry")),
        evidence=read_evidence(files.get("entity_registry")),
    )


def display_name(item: Mapping[str, Any]) -> str | None:
    """What people call the device: their own name for it, or else Home Assistant's."""
    name = usable_text(item.get("name_by_user")) or usable_text(item.get("name"))
    return cut(name, NAME_LIMIT) if name else None


def read_device(item: Mapping[str, Any], ha_id: str, around: Surroundings) -> dict[str, Any]:
    """``item`` as a NewDevice of the contract, its links to other devices left out.

    Raises ``MemberFault`` for a member that cannot be kept as it is.
    """
    texts = {member: read_text(item.get(member), f"/{member}") for member in _TEXTS}
    identifiers = read_identifiers(item.get("identifiers"))
    entry_type = "service" if item.get("entry_type") == "service" else "device"
    url = read_text(item.get("configuration_url"), "/configuration_url", limit=None)
    members = {
        **texts,
        "identifier": f"ha-{ha_id}",
        "name": _read_name(item) or _substitute_name(texts, identifiers, ha_id),
        "device_type": device_type(around.evidence.get(ha_id), entry_type),
        "identifiers": identifiers,
        "connections": read_connections(item.get("connections")),
        "entry_type": entry_type,
        "area_id": _area_id(item, around),
        "labels": read_labels(item.get("labels")),
        "status": "disabled" if texts["disabled_by"] else None,
        "configuration_url": url if _is_contract_url(url) else None,
        "attributes": _attributes(item, url, around),
        "external_refs": [{"system": _SYSTEM, "id": ha_id}],
    }
    return {member: value for member, value in members.items() if value}


def _read_name(item: Mapping[str, Any]) -> str | None:
    """The display name; an odd one is a fault even when the other would do, lest it be lost."""
    read_text(item.get("name_by_user"), "/name_by_user", limit=None)
    read_text(item.get("name"), "/name", limit=None)
    return display_name(item)


def _substitute_name(
    texts: Mapping[str, str | None], identifiers: list[dict[str, str]], ha_id: str
) -> str:
    first_identifier = identifiers[0]["value"] if identifiers else None
    return cut(texts["model"] or texts["manufacturer"] or first_identifier or ha_id, NAME_LIMIT)


def _area_id(item: Mapping[str, Any], around: Surroundings) -> str | None:
    area = item.get("area_id")
    placed = isinstance(area, str) and f"ha-{area}" in around.areas
    return f"ha-{area}" if placed else None


def _is_contract_url(url: str | None) -> bool:
    if url is None or len(url) > _URL_LIMIT:
        return False
    return _CONFIGURATION_URL.fullmatch(url) is not None


def _attributes(
    item: Mapping[str, Any], url: str | None, around: Surroundings
) -> dict[str, dict[str, str]]:
    area = item.get("area_id")
    found = dict(around.places.get(area, {})) if isinstance(area, str) else {}
    if url and not _is_contract_url(url):
        found["configuration_url"] = cut(url, _ODD_URL_LIMIT)
    return {_SYSTEM: found} if found else {}
