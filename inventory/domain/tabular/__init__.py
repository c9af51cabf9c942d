"""Devices as tables: CSV, NDJSON and JSON text into rows and back, one row in memory at a time."""

from inventory.domain.tabular.formats import MEDIA_TYPES, read_rows, write_rows
from inventory.domain.tabular.row import Faulty, FormatFault, Parsed, Row

__all__ = ["MEDIA_TYPES", "Faulty", "FormatFault", "Parsed", "Row", "read_rows", "write_rows"]
