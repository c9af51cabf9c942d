"""Compares the media types of a body, and what each of them holds."""

from __future__ import annotations

from contracts.changes.change import Grade
from contracts.changes.found import Found, below, found
from contracts.changes.grading import Way
from contracts.changes.node import Node, canonical, names_of, shown
from contracts.changes.schemas import Schemas

_GONE = {
    Way.REQUEST: "a client that sends {type} was served, and is now refused with 415",
    Way.RESPONSE: "a client that asks for {type} or reads it gets none any more",
}
_COME = {
    Way.REQUEST: "a client may now send {type} too; what clients send today is served as before",
    Way.RESPONSE: "a client that asks for {type} is given it; the others get what they got",
}


def content_changes(old: Node, new: Node, way: Way, schemas: Schemas) -> list[Found]:
    """What changed of the ``content`` of a body, an answer, or a parameter."""
    was, now = (
        {_essence(n): node for n, node in side.map_of("content").items()} for side in (old, new)
    )
    changes: list[Found] = []
    for name in names_of(was, now):
        if name in was and name in now:
            told = _media_type(was[name], now[name], way, schemas)
        elif name in was:
            why = _GONE[way].replace("{type}", name)
            told = [found(Grade.BREAKING, "", name, "-", why, was[name], None)]
        else:
            why = _COME[way].replace("{type}", name)
            told = [found(Grade.COMPATIBLE, "", "-", name, why, None, now[name])]
        changes += below(name, told, "the body")
    return changes


def _media_type(was: Node, now: Node, way: Way, schemas: Schemas) -> list[Found]:
    changes = list(schemas.held_by(was, now, way))
    old, new = was.get("encoding"), now.get("encoding")
    if canonical(old) != canonical(new):
        why = "the parts of the body are written otherwise than clients were told"
        changes.append(
            found(
                Grade.BREAKING,
                "encoding",
                shown(old),
                shown(new),
                why,
                was.step("encoding", old),
                now.step("encoding", new),
            )
        )
    return changes


def _essence(name: str) -> str:
    return name.partition(";")[0].strip().lower()


def body_changes(old: Node, new: Node, schemas: Schemas) -> list[Found]:
    """What changed of the ``requestBody`` of an operation."""
    was, now = old.below("requestBody"), new.below("requestBody")
    if was and now:
        inside = content_changes(was, now, Way.REQUEST, schemas)
        return below("request body", [*_required(was, now), *inside])
    if was:
        why = "a client that sends a body was served, and is now refused with 400"
        return [found(Grade.BREAKING, "request body", _told(was), "-", why, was, None)]
    if now is None:
        return []
    needed = now.get("required") is True
    why = "a client may now send a body; without one, it is served as before"
    if needed:
        why = "a client that sends no body was served, and is now refused with 400"
    grade = Grade.BREAKING if needed else Grade.COMPATIBLE
    return [found(grade, "request body", "-", _told(now), why, None, now)]


def _told(node: Node) -> str:
    return "required" if node.get("required") is True else "optional"


def _required(was: Node, now: Node) -> list[Found]:
    if _told(was) == _told(now):
        return []
    why = "a client may now leave the body out; with it, it is served as before"
    if now.get("required") is True:
        why = "a client that sends no body was served, and is now refused with 400"
    grade = Grade.BREAKING if now.get("required") is True else Grade.COMPATIBLE
    before, after = (node.step("required", node.get("required")) for node in (was, now))
    return [found(grade, "required", _told(was), _told(now), why, before, after)]
