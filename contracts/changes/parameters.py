"""Compares what requests carry beside the body: the path, the query, headers and cookies.

The services refuse a query parameter that they do not know, so one that is gone breaks whoever
sends it. A header or a cookie that they do not know is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from contracts.changes.change import Grade
from contracts.changes.content import content_changes
from contracts.changes.found import Found, below, found
from contracts.changes.grading import Way
from contracts.changes.node import Node, names_of, shown
from contracts.changes.schemas import Schemas

Key = tuple[str, str]
_STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}


def parameters_of(path: str, item: Node, operation: Node) -> dict[str, Node]:
    """The parameters of an operation, its own before its path's, each by a name for a person.

    Those in the path go by their places, as their names are on no wire.
    """
    places = [name for name in re.findall(r"\{([^{}]*)\}", path)]
    declared: dict[str, Node] = {}
    for node in (*item.list_of("parameters"), *operation.list_of("parameters")):
        declared[_key(node, places)] = node
    return declared


def _key(node: Node, places: list[str]) -> str:
    name, where = str(node.get("name")), str(node.get("in"))
    if where == "path" and name in places:
        return f"path parameter {places.index(name) + 1}"
    return f"{where} parameter {name.lower() if where == 'header' else name}"


def parameter_changes(
    old: Mapping[str, Node], new: Mapping[str, Node], schemas: Schemas
) -> list[Found]:
    """What changed between the parameters of an operation."""
    changes: list[Found] = []
    for key in names_of(old, new):
        was, now = old.get(key), new.get(key)
        if was and now:
            told = _both(was, now, schemas)
        else:
            told = [_gone(was)] if was else [_come(now)] if now else []
        name = str((was or now or old[key]).get("name"))
        changes += below(_place(key, name), told, name)
    return changes


def _place(key: str, name: str) -> str:
    return f"{key.partition(' ')[0]} parameter {name}"


def _both(was: Node, now: Node, schemas: Schemas) -> list[Found]:
    return [
        *_renamed(was, now),
        *_required(was, now),
        *_serialised(was, now),
        *_deprecated(was, now),
        *schemas.held_by(was, now, Way.REQUEST),
        *content_changes(was, now, Way.REQUEST, schemas),
    ]


def _gone(was: Node) -> Found:
    why = "a client that sends {it} was served, and is now refused with 400: it is not known"
    if was.get("in") != "query":
        why = "a client that sends {it} was heeded, and now has it passed over"
    return found(Grade.BREAKING, "", _told(was), "-", why, was, None)


def _come(now: Node) -> Found:
    if now.get("required") is True:
        why = "a client that does not know {it} was served, and is now refused with 400"
        return found(Grade.BREAKING, "", "-", _told(now), why, None, now)
    why = "a client may now send {it} too; without it, it is served as before"
    return found(Grade.COMPATIBLE, "", "-", _told(now), why, None, now)


def _told(node: Node) -> str:
    return "required" if node.get("required") is True else "optional"


def _renamed(was: Node, now: Node) -> list[Found]:
    """Header names are the same in capitals or not; names in the path are not sent at all."""
    old, new = shown(was.get("name")), shown(now.get("name"))
    if old == new:
        return []
    why = "no name of it is sent, so the wire is the same; generated SDKs rename the argument"
    if was.get("in") == "header":
        why = "the name of a header is the same in capitals or not"
    return [_told_of("name", Grade.COMPATIBLE, old, new, why, was, now)]


def _required(was: Node, now: Node) -> list[Found]:
    old, new = was.get("required") is True, now.get("required") is True
    if old == new:
        return []
    why = "a client may now leave {it} out; with it, it is served as before"
    if new:
        why = "a client that leaves {it} out was served, and is now refused with 400"
    grade = Grade.BREAKING if new else Grade.COMPATIBLE
    return [_told_of("required", grade, _told(was), _told(now), why, was, now)]


def _serialised(was: Node, now: Node) -> list[Found]:
    """How the value is written as text."""
    changes = []
    why = "a client that writes {it} as it was told to is now refused with 400, or misread"
    for keyword, old in _writing(was).items():
        new = _writing(now)[keyword]
        if old != new:
            grade = Grade.COMPATIBLE if _allows(keyword, new) else Grade.BREAKING
            told = "a client may now send what it could not" if _allows(keyword, new) else why
            changes.append(_told_of(keyword, grade, shown(old), shown(new), told, was, now))
    return changes


def _allows(keyword: str, now: object) -> bool:
    return keyword.startswith("allow") and now is True


def _writing(node: Node) -> dict[str, object]:
    style = node.get("style", _STYLES.get(str(node.get("in")), "simple"))
    return {
        "style": style,
        "explode": node.get("explode", style == "form"),
        "allowReserved": node.get("allowReserved", False),
        "allowEmptyValue": node.get("allowEmptyValue", False),
    }


def _deprecated(was: Node, now: Node) -> list[Found]:
    old, new = bool(was.get("deprecated")), bool(now.get("deprecated"))
    if old == new:
        return []
    why = "it is served as before; clients are told that {it} may go in a coming version"
    if not new:
        why = "it is served as before, and is to stay"
    return [_told_of("deprecated", Grade.COMPATIBLE, shown(old), shown(new), why, was, now)]


def _told_of(
    keyword: str, grade: Grade, was: str, now: str, why: str, old: Node, new: Node
) -> Found:
    """A change of one keyword, which may be absent on one side."""
    before, after = (n.step(keyword, n.get(keyword)) for n in (old, new))
    return found(grade, keyword, was, now, why, before, after)
