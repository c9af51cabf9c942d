"""Folds what another system says of a device into what is known of it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inventory.domain.device import READ_ONLY, Document

# What Home Assistant does not know is not its to remove.
_KEPT = ("customer_id", "home_id", "controller_gateway", "matter_device_type", "purchased_on",
         "warranty_expires_on", "last_seen_at")  # fmt: skip


def fold(current: Document, imported: Mapping[str, Any]) -> dict[str, Any]:
    """The writable fields of the device: the import's, and those it has no word on.

    Labels, external references and attributes are joined. A device that the import no longer calls
    disabled becomes active again only if it was an import that disabled it.
    """
    fields = {m: v for m, v in imported.items() if m not in READ_ONLY}
    fields.update((m, current[m]) for m in _KEPT if m in current)
    for member in ("labels", "external_refs"):
        joined = _joined(current.get(member, []), imported.get(member, []))
        if joined or member in current:
            fields[member] = joined
    attributes = current.get("attributes", {}) | imported.get("attributes", {})
    if attributes or "attributes" in current:
        fields["attributes"] = attributes
    if "status" not in imported and "disabled_by" not in current:
        fields["status"] = current["status"]
    return fields


def _joined(ours: list[Any], theirs: list[Any]) -> list[Any]:
    return ours + [item for item in theirs if item not in ours]
