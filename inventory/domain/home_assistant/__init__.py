"""Reads the registry files of a Home Assistant as devices of ours."""

from inventory.domain.home_assistant.registry import read_home_assistant
from inventory.domain.home_assistant.row import Mapped, Rejected, Row, Skipped

__all__ = ["Mapped", "Rejected", "Row", "Skipped", "read_home_assistant"]
