"""Merges what another system says of a resource into what is known of it here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

# Lists of things that both sides may have added to, and objects that both may have members in.
_SETS = ("labels", "external_refs")
_OBJECTS = ("attributes",)


def merge(
    base: Mapping[str, Any] | None,
    ours: Mapping[str, Any],
    theirs: Mapping[str, Any],
    guessed: Collection[str] = (),
) -> tuple[dict[str, Any], list[str]]:
    """The writable fields from now on, and the members where ours was kept although theirs differs.

    ``base``: what they said the last time, None when that is not known. A member that was changed
    here since is kept; any other becomes what they say now. ``guessed``: members that they only
    guess at this time.
    """
    if base is None:
        base = _presumed(ours, theirs)
    merged, kept = dict(ours), []
    for member in sorted({*base, *theirs} - set(guessed)):
        was, own, said = base.get(member), ours.get(member), theirs.get(member)
        if member in _SETS:
            value: Any = _merge_sets(was or [], own or [], said or [])
        elif member in _OBJECTS:
            value = _merge_objects(was or {}, own or {}, said or {})
        elif own == was:
            value = said
        else:
            value = own
            if said != own:
                kept.append(member)
        if value is None or (value in ([], {}) and member not in ours):
            merged.pop(member, None)
        else:
            merged[member] = value
    return merged, kept


def _presumed(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    """What they said before, if nobody knows: so that theirs is taken, and else nothing goes."""
    said = {member: ours[member] for member in theirs if member in ours and member not in _SETS}
    for member in _OBJECTS:
        if member in said:
            said[member] = {name: v for name, v in ours[member].items() if name in theirs[member]}
    return said


def _merge_sets(was: list[Any], own: list[Any], said: list[Any]) -> list[Any]:
    gone = [item for item in was if item not in said]
    return [item for item in own if item not in gone] + [
        item for item in said if item not in own and item not in was
    ]


def _merge_objects(
    was: Mapping[str, Any], own: Mapping[str, Any], said: Mapping[str, Any]
) -> dict[str, Any]:
    merged = dict(own)
    for member in {*was, *said}:
        if own.get(member) == was.get(member):
            if member in said:
                merged[member] = said[member]
            else:
                merged.pop(member, None)
    return merged
