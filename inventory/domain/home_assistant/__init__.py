"""Reads the registry files of a Home Assistant as devices of ours."""

from inventory.domain.home_assistant.order import hubs_first
from inventory.domain.home_assistant.place import area_identifier, read_areas
from inventory.domain.home_assistant.registry import read_home_assistant
from inventory.domain.home_assistant.row import Mapped, Rejected, Row, Skipped
from inventory.domain.home_assistant.unsaid import Unsaid, unsaid

__all__ = [
    "Mapped",
    "Rejected",
    "Row",
    "Skipped",
    "Unsaid",
    "area_identifier",
    "hubs_first",
    "read_areas",
    "read_home_assistant",
    "unsaid",
]
