"""Where requests are made for: the names of the things that are there, by what they are."""

from __future__ import annotations

from collections.abc import Mapping

from openapi.document import Operation

Place = Mapping[str, str]  # collection of the contract's paths → identifier of the thing there
TWIN, DELETED = "twin", "deleted"  # two more devices of a place
# Members of bodies that name a thing, and where it is.
REFERENCES: Mapping[str, str] = {
    "customer_id": "customers",
    "home_id": "homes",
    "area_id": "areas",
    "via_device": TWIN,
    "parent_device": TWIN,
    "duplicate": TWIN,
}


def kind_of(operation: Operation) -> str:
    """What the identifier in the operation's path is one of; nothing where there is none."""
    if "{identifier}" not in operation.path:
        return ""
    return DELETED if operation.path.endswith("/restore") else operation.path.split("/")[2]
