"""Which type a device has, told from its entities: Home Assistant keeps no type of devices."""

from __future__ import annotations

from typing import Any

from inventory.domain.home_assistant.sibling import entries

# (entity domain, device class or None for any, device type), the most telling first: a switch, a
# light or a temperature stands beside the main entity of many appliances.
_TABLE: tuple[tuple[str, str | None, str], ...] = (
    ("lock", None, "lock"),
    ("climate", None, "thermostat"),
    ("cover", None, "cover"),
    ("alarm_control_panel", None, "alarm_control_panel"),
    ("camera", None, "camera"),
    ("vacuum", None, "vacuum"),
    ("lawn_mower", None, "lawn_mower"),
    ("water_heater", None, "water_heater"),
    ("humidifier", None, "humidifier"),
    ("fan", None, "fan"),
    ("light", None, "light"),
    ("media_player", None, "media_player"),
    ("valve", None, "valve"),
    ("siren", None, "siren"),
    ("switch", None, "switch"),
    ("remote", None, "remote"),
    ("weather", None, "weather"),
    ("event", "doorbell", "doorbell"),
    ("binary_sensor", "doorbell", "doorbell"),
    ("binary_sensor", "smoke", "smoke_sensor"),
    ("binary_sensor", "carbon_monoxide", "carbon_monoxide_sensor"),
    ("binary_sensor", "gas", "gas_sensor"),
    ("binary_sensor", "moisture", "leak_sensor"),
    ("binary_sensor", "motion", "motion_sensor"),
    ("event", "motion", "motion_sensor"),
    ("binary_sensor", "occupancy", "occupancy_sensor"),
    ("binary_sensor", "presence", "presence_sensor"),
    ("binary_sensor", "garage_door", "garage_door_sensor"),
    ("binary_sensor", "door", "door_sensor"),
    ("binary_sensor", "window", "window_sensor"),
    ("binary_sensor", "opening", "opening_sensor"),
    ("binary_sensor", "vibration", "vibration_sensor"),
    ("binary_sensor", "sound", "sound_sensor"),
    ("event", "button", "button"),
    ("sensor", "carbon_monoxide", "carbon_monoxide_sensor"),
    ("sensor", "carbon_dioxide", "carbon_dioxide_sensor"),
    ("sensor", "pm25", "air_quality_sensor"),
    ("sensor", "pm10", "air_quality_sensor"),
    ("sensor", "aqi", "air_quality_sensor"),
    ("sensor", "volatile_organic_compounds", "air_quality_sensor"),
    ("sensor", "moisture", "moisture_sensor"),
    ("sensor", "temperature", "temperature_sensor"),
    ("sensor", "humidity", "humidity_sensor"),
    ("sensor", "illuminance", "illuminance_sensor"),
    ("sensor", "gas", "gas_meter"),
    ("sensor", "water", "water_meter"),
    ("sensor", "energy", "energy_meter"),
    ("sensor", "power", "power_meter"),
    ("device_tracker", None, "tracker"),
    ("binary_sensor", None, "sensor"),
    ("sensor", None, "sensor"),
)
_RANK = {(domain, device_class): rank for rank, (domain, device_class, _) in enumerate(_TABLE)}
_FIRST_VAGUE_RANK = _RANK["binary_sensor", None]


def read_evidence(entity_registry: object) -> dict[str, int]:
    """Device id → the rank of its most telling entity, for ``device_type``; never raises."""
    evidence: dict[str, int] = {}
    for entity in entries(entity_registry, "entities"):
        device, rank = entity.get("device_id"), _rank(entity)
        if isinstance(device, str) and rank is not None:
            evidence[device] = min(rank, evidence.get(device, rank))
    return evidence


def device_type(rank: int | None, entry_type: str) -> str:
    """The type of a device by its evidence; a service needs a telling one to be more than that."""
    if entry_type == "service" and (rank is None or rank >= _FIRST_VAGUE_RANK):
        return "service"
    return "unknown" if rank is None else _TABLE[rank % len(_TABLE)][2]


def _rank(entity: dict[str, Any]) -> int | None:
    entity_id = entity.get("entity_id")
    if not isinstance(entity_id, str):
        return None
    domain = entity_id.partition(".")[0]
    rank = _RANK.get((domain, _device_class(entity)), _RANK.get((domain, None)))
    if rank is None or not _is_secondary(entity):
        return rank
    return rank + len(_TABLE)  # after every entity that says what the device is for


def _device_class(entity: dict[str, Any]) -> str | None:
    chosen, original = entity.get("device_class"), entity.get("original_device_class")
    if isinstance(chosen, str):
        return chosen
    return original if isinstance(original, str) else None


def _is_secondary(entity: dict[str, Any]) -> bool:
    is_aside = entity.get("entity_category") in ("diagnostic", "config")
    return is_aside or entity.get("disabled_by") is not None
