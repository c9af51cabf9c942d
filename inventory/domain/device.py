"""A device: how a valid request becomes the document that is stored.

A document is a dictionary of JSON values, its members in the order of ``MEMBERS``. What is not set
is absent, never null: so a merge patch (RFC 7396) can express every document.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from inventory.domain.errors import AttributesTooLarge, SelfReference

Document = dict[str, Any]

MAX_ATTRIBUTES = 32 * 1024  # bytes of canonical JSON
MEMBERS = (
    "identifier", "uid", "name", "device_type", "controller_gateway", "matter_device_type",
    "manufacturer", "model", "model_id", "hw_version", "sw_version", "serial_number",
    "identifiers", "connections", "via_device", "parent_device", "entry_type", "customer_id",
    "home_id", "area_id", "labels", "status", "disabled_by", "configuration_url", "purchased_on",
    "warranty_expires_on", "last_seen_at", "attributes", "external_refs", "created_at",
    "updated_at", "revision",
)  # fmt: skip
READ_ONLY = ("identifier", "uid", "created_at", "updated_at", "revision")
DEFAULTS: Mapping[str, Any] = {"entry_type": "device", "status": "active"}

_ORDER = {member: place for place, member in enumerate(MEMBERS)}
_MAC = re.compile(r"[0-9A-Fa-f]{2}([:-]?[0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2}")
_REFERENCES = ("via_device", "parent_device")


@dataclass(frozen=True, slots=True)
class StoredDevice:
    """A device as a store keeps it: its canonical JSON text and the tag of exactly that text."""

    identifier: str
    revision: int
    etag: str
    body: str

    def document(self) -> Document:
        """The text as a document."""
        return json.loads(self.body)  # type: ignore[no-any-return]


def store_form(document: Document) -> StoredDevice:
    """The document in the form that is stored."""
    body = to_json(document)
    return StoredDevice(document["identifier"], document["revision"], entity_tag(body), body)


def to_json(value: Any) -> str:
    """Canonical JSON text: compact, characters as they are, members in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def entity_tag(body: str) -> str:
    """The strong entity tag of a text (RFC 9110 §8.8.3), quotes included."""
    digest = hashlib.blake2b(body.encode(), digest_size=12).digest()
    return f'"{base64.urlsafe_b64encode(digest).decode()}"'


def create(fields: Mapping[str, Any], *, identifier: str, uid: str, now: str) -> Document:
    """A new device from the fields that a client may write. ``now``: RFC 3339 in UTC."""
    own = {"identifier": identifier, "uid": uid, "created_at": now, "updated_at": now}
    return _assemble(fields, own | {"revision": 1})


def replace(current: Document, fields: Mapping[str, Any], *, now: str) -> Document:
    """The device with these fields and no others; ``current`` itself when that is no change."""
    own = {member: current[member] for member in READ_ONLY}
    candidate = _assemble(fields, own)
    if candidate == current:
        return current
    candidate["updated_at"] = now
    candidate["revision"] += 1
    return candidate


def merge(current: Document, patch: Mapping[str, Any], *, now: str) -> Document:
    """The device after a JSON Merge Patch; ``current`` itself when that is no change."""
    fields = {member: value for member, value in current.items() if member not in READ_ONLY}
    return replace(current, merge_patch(fields, patch), now=now)


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396 §2, without touching ``target``."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(target) if isinstance(target, Mapping) else {}
    for member, value in patch.items():
        if value is None:
            merged.pop(member, None)
        else:
            merged[member] = merge_patch(merged.get(member), value)
    return merged


def _assemble(fields: Mapping[str, Any], own: Mapping[str, Any]) -> Document:
    document = dict(DEFAULTS)
    document.update((m, _normal(m, v)) for m, v in fields.items() if v is not None)
    document.update(own)
    _check(document)
    return dict(sorted(document.items(), key=lambda member: _ORDER[member[0]]))


def _check(document: Document) -> None:
    for member in _REFERENCES:
        if document.get(member) == document["identifier"]:
            raise SelfReference(member, document["identifier"])
    if "attributes" in document:
        size = len(to_json(document["attributes"]).encode())
        if size > MAX_ATTRIBUTES:
            raise AttributesTooLarge(size, MAX_ATTRIBUTES)


def _normal(member: str, value: Any) -> Any:
    if member == "connections":
        return [_connection(connection) for connection in value]
    if member == "last_seen_at":
        return _in_utc(value)
    return value


def _connection(connection: Mapping[str, str]) -> dict[str, str]:
    value = connection["value"]
    if connection["type"] == "mac" and _MAC.fullmatch(value):
        digits = re.sub("[^0-9a-f]", "", value.lower())
        value = ":".join(digits[at : at + 2] for at in range(0, 12, 2))
    return {"type": connection["type"], "value": value}


def _in_utc(text: str) -> str:
    """A valid RFC 3339 time in UTC with ``Z``.

    What Python's calendar does not hold (leap seconds, and the ends of year 1 and 9999 in other
    zones) stays as it was sent: it is valid, and nothing is computed with it.
    """
    try:
        moment = datetime.datetime.fromisoformat(text.upper())
        return timestamp(moment.astimezone(datetime.UTC))
    except (ValueError, OverflowError):
        return text


def timestamp(moment: datetime.datetime) -> str:
    """A moment in UTC as RFC 3339 text, always with six digits: so text sorts as time does."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
