"""How a valid request becomes the document that is kept, whichever kind of resource it is.

A document is a dictionary of JSON values, its members in the order of its kind's. What is not set
is absent, never null, nor is a member of an object below it: so a merge patch (RFC 7396) can
express every document, and every change of one.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from inventory.domain.kinds import OWN, STAMPS, Kind
from inventory.domain.store import Stored

Document = dict[str, Any]

_READ_ONLY = frozenset((*OWN, *STAMPS))


def store_form(document: Document) -> Stored:
    """The document in the form that is stored."""
    body = to_json(document)
    return Stored(document["identifier"], document["revision"], entity_tag(body), body)


def to_json(value: Any) -> str:
    """Canonical JSON text: compact, characters as they are, members in their order."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def entity_tag(body: str) -> str:
    """The strong entity tag of a text (RFC 9110 §8.8.3), quotes included."""
    digest = hashlib.blake2b(body.encode(), digest_size=12).digest()
    return f'"{base64.urlsafe_b64encode(digest).decode()}"'


def create(
    kind: Kind, fields: Mapping[str, Any], *, identifier: str, uid: str, now: str
) -> Document:
    """A new resource from the fields that a client may write. ``now``: RFC 3339 in UTC."""
    own = {"identifier": identifier, "uid": uid, "created_at": now, "updated_at": now}
    return _assemble(kind, fields, own | {"revision": 1})


def replace(kind: Kind, current: Document, fields: Mapping[str, Any], *, now: str) -> Document:
    """The resource with these fields and no others; ``current`` itself when that is no change."""
    candidate = _assemble(kind, fields, {member: current[member] for member in _READ_ONLY})
    if _is_same(candidate, current):
        return current
    candidate["updated_at"] = now
    candidate["revision"] += 1
    return candidate


def writable(document: Mapping[str, Any]) -> Document:
    """The document's fields that a client may write."""
    return {member: value for member, value in document.items() if member not in _READ_ONLY}


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


def difference(old: Any, new: Any) -> Any:
    """The merge patch that makes ``new`` of ``old``; neither has a null in an object."""
    if not (isinstance(old, Mapping) and isinstance(new, Mapping)):
        return new
    patch: Document = {member: None for member in old if member not in new}
    for member, value in new.items():
        if member not in old:
            patch[member] = value
        elif not _is_same(old[member], value):
            patch[member] = difference(old[member], value)
    return patch


def _is_same(one: Any, other: Any) -> bool:
    """Whether two JSON values are one. To Python, 1 is true and 1.0 too, also within lists."""
    if one != other or isinstance(one, str):
        return bool(one == other)
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _assemble(kind: Kind, fields: Mapping[str, Any], own: Mapping[str, Any]) -> Document:
    given = {member: _without_nulls(value) for member, value in fields.items() if value is not None}
    document = {**kind.defaults, **given, **own}
    return {member: document[member] for member in kind.all_members if member in document}


def _without_nulls(value: Any) -> Any:
    return merge_patch({}, value) if isinstance(value, Mapping) else value


def timestamp(moment: datetime.datetime) -> str:
    """A moment in UTC as RFC 3339 text, always with six digits: so text sorts as time does."""
    return moment.replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
