"""The device types that an inventory knows from its first start.

Codes are of the Matter Device Library 1.4 (Connectivity Standards Alliance), where it has one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

_TYPES: Sequence[tuple[str, str, int | None]] = (
    ("air_purifier", "Air purifier", 0x002D),
    ("air_quality_sensor", "Air quality sensor", 0x002C),
    ("alarm_control_panel", "Alarm panel", None),
    ("appliance", "Household appliance of another kind", None),
    ("bridge", "Bridge or hub", 0x000E),
    ("button", "Button", 0x000F),
    ("camera", "Camera", None),
    ("carbon_dioxide_sensor", "Carbon dioxide sensor", 0x002C),
    ("carbon_monoxide_sensor", "Carbon monoxide alarm", 0x0076),
    ("contact_sensor", "Contact sensor", 0x0015),
    ("cooktop", "Cooktop", 0x0078),
    ("cover", "Blind or shutter", 0x0202),
    ("dishwasher", "Dishwasher", 0x0075),
    ("door_sensor", "Door sensor", 0x0015),
    ("doorbell", "Doorbell", None),
    ("dryer", "Laundry dryer", 0x007C),
    ("energy_meter", "Energy meter", 0x0510),
    ("ev_charger", "Charger for electric vehicles", 0x050C),
    ("fan", "Fan", 0x002B),
    ("garage_door_sensor", "Garage door sensor", 0x0015),
    ("gas_meter", "Gas meter", None),
    ("gas_sensor", "Gas alarm", None),
    ("heat_pump", "Heat pump", 0x0309),
    ("humidifier", "Humidifier", None),
    ("humidity_sensor", "Humidity sensor", 0x0307),
    ("illuminance_sensor", "Light sensor", 0x0106),
    ("inverter", "Solar inverter", 0x0017),
    ("lawn_mower", "Lawn mower", None),
    ("leak_sensor", "Water leak sensor", 0x0043),
    ("light", "Light", 0x0100),
    ("lock", "Door lock", 0x000A),
    ("media_player", "Media player", 0x0028),
    ("moisture_sensor", "Moisture sensor", None),
    ("motion_sensor", "Motion sensor", 0x0107),
    ("occupancy_sensor", "Occupancy sensor", 0x0107),
    ("opening_sensor", "Opening sensor", 0x0015),
    ("oven", "Oven", 0x007B),
    ("plug", "Plug", 0x010A),
    ("power_meter", "Power meter", 0x0510),
    ("presence_sensor", "Presence sensor", 0x0107),
    ("pump", "Pump", 0x0303),
    ("refrigerator", "Refrigerator", 0x0070),
    ("remote", "Remote control", None),
    ("router", "Router or access point", 0x0090),
    ("sensor", "Sensor of another kind", None),
    ("service", "Service that behaves like a device", None),
    ("siren", "Siren", None),
    ("smoke_sensor", "Smoke alarm", 0x0076),
    ("sound_sensor", "Sound sensor", None),
    ("speaker", "Speaker", 0x0022),
    ("switch", "Switch", 0x0103),
    ("temperature_sensor", "Temperature sensor", 0x0302),
    ("thermostat", "Thermostat", 0x0301),
    ("tracker", "Phone, tag or other tracker", None),
    ("tv", "Television", 0x0023),
    ("unknown", "Of an unknown kind", None),
    ("vacuum", "Robotic vacuum cleaner", 0x0074),
    ("valve", "Water valve", 0x0042),
    ("vibration_sensor", "Vibration sensor", None),
    ("washer", "Laundry washer", 0x0073),
    ("water_heater", "Water heater", 0x050F),
    ("water_meter", "Water meter", None),
    ("weather", "Weather station", None),
    ("window_sensor", "Window sensor", 0x0015),
)

DEVICE_TYPES_AT_FIRST: Sequence[Mapping[str, Any]] = [
    {"identifier": identifier, "title": title, "matter_device_type": code}
    for identifier, title, code in _TYPES
]
