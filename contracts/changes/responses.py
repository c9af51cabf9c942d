"""Compares what an operation answers: statuses, headers, media types and bodies."""

from __future__ import annotations

from functools import partial

from contracts.changes.change import Grade
from contracts.changes.content import content_changes
from contracts.changes.found import Found, below, found
from contracts.changes.grading import Way
from contracts.changes.node import Node, names_of, shown
from contracts.changes.schemas import Schemas


def response_changes(old: Node, new: Node, schemas: Schemas) -> list[Found]:
    """What changed of the ``responses`` of an operation."""
    was, now = old.map_of("responses"), new.map_of("responses")
    changes: list[Found] = []
    for status in names_of(was, now):
        if status in was and status in now:
            pair = was[status], now[status]
            told = schemas.once(*pair, partial(_both, *pair, schemas))
        elif status in was:
            grade, why = _gone(status)
            told = [found(grade, "", status, "-", why, was[status], None)]
        else:
            grade, why = _come(status)
            told = [found(grade, "", "-", status, why, None, now[status])]
        changes += below(f"response {status}", told)
    return changes


def _gone(status: str) -> tuple[Grade, str]:
    """A failure of the service that there is no more is nobody's loss."""
    if status.startswith("5"):
        return Grade.COMPATIBLE, f"clients are no longer answered {status}"
    return Grade.BREAKING, f"a client that waits for {status} is never answered so again"


def _come(status: str) -> tuple[Grade, str]:
    """Of an error that it does not know, a client can read the class (RFC 9110, section 15)."""
    if status[:1] in ("4", "5"):
        what = f"{status[0]}xx"
        return Grade.COMPATIBLE, f"a client takes {status}, if it does not know it, as any {what}"
    if status == "default":
        return Grade.BREAKING, "a client may now be answered any status, which it was not told of"
    return Grade.BREAKING, f"a client may now be answered {status}, which it was never told of"


def _both(was: Node, now: Node, schemas: Schemas) -> list[Found]:
    return [*_headers(was, now, schemas), *content_changes(was, now, Way.RESPONSE, schemas)]


def _headers(old: Node, new: Node, schemas: Schemas) -> list[Found]:
    was, now = (
        {n.lower(): (n, node) for n, node in side.map_of("headers").items()} for side in (old, new)
    )
    changes: list[Found] = []
    for key in names_of(was, now):
        name = (was.get(key) or now[key])[0]
        told = _header(key, was, now, schemas)
        changes += below(f"header {name}", told, name)
    return changes


def _header(
    key: str, old: dict[str, tuple[str, Node]], new: dict[str, tuple[str, Node]], schemas: Schemas
) -> list[Found]:
    if key not in new:
        why = "a client that reads {it} never finds it again"
        return [found(Grade.BREAKING, "", old[key][0], "-", why, old[key][1], None)]
    if key not in old:
        why = "the answer has {it} too, which clients may pass over"
        return [found(Grade.COMPATIBLE, "", "-", new[key][0], why, None, new[key][1])]
    was, now = old[key][1], new[key][1]
    return [
        *_required(was, now),
        *_exploded(was, now),
        *schemas.held_by(was, now, Way.RESPONSE),
        *content_changes(was, now, Way.RESPONSE, schemas),
    ]


def _required(was: Node, now: Node) -> list[Found]:
    old, new = was.get("required") is True, now.get("required") is True
    if old == new:
        return []
    why = "a client that reads {it} may now find none"
    if new:
        why = "a client finds {it} in every such answer"
    grade = Grade.COMPATIBLE if new else Grade.BREAKING
    texts = ("optional", "always") if new else ("always", "optional")
    before, after = (node.step("required", node.get("required")) for node in (was, now))
    return [found(grade, "required", *texts, why, before, after)]


def _exploded(was: Node, now: Node) -> list[Found]:
    """How a header that is an object is written; its style can only be one."""
    old, new = bool(was.get("explode")), bool(now.get("explode"))
    if old == new:
        return []
    why = "a client that reads {it} finds its members written otherwise"
    before, after = (node.step("explode", node.get("explode")) for node in (was, now))
    return [found(Grade.BREAKING, "explode", shown(old), shown(new), why, before, after)]
