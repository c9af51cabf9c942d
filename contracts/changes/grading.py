"""Grades what happened to the set of values that a place of the contract allows.

Each keyword says only what became of that set; who sends the value says what that means:

===========  =====================  =====================
the set      sent by clients        sent by the service
===========  =====================  =====================
narrowed     breaking               compatible
widened      compatible             breaking
different    breaking               breaking
===========  =====================  =====================

All widenings of an answer are breaking, also of ``maximum``, ``maxLength``, ``pattern`` and
``format``: a client made its column, its integer or its parser as wide as it was told. The
exceptions stand where they are made: a new member of an answer is compatible, as clients pass over
what they do not know, and a member that is gone from an answer is breaking, though it was optional.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from contracts.changes.change import Grade
from contracts.changes.found import IT


class Way(Enum):
    """Who sends the value."""

    REQUEST = "request"
    RESPONSE = "response"


class Effect(Enum):
    """What became of the set of values."""

    NARROWED = "narrowed"
    WIDENED = "widened"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Move:
    """What one keyword did.

    ``values``: the values that left the set, or joined it, in words; of a set that is different,
    what became of it. ``why``: a sentence that says it better than the one of ``reason``.
    """

    effect: Effect
    values: str
    was: str
    now: str
    why: str = ""


GRADES = {
    (Way.REQUEST, Effect.NARROWED): Grade.BREAKING,
    (Way.REQUEST, Effect.WIDENED): Grade.COMPATIBLE,
    (Way.REQUEST, Effect.DIFFERENT): Grade.BREAKING,
    (Way.RESPONSE, Effect.NARROWED): Grade.COMPATIBLE,
    (Way.RESPONSE, Effect.WIDENED): Grade.BREAKING,
    (Way.RESPONSE, Effect.DIFFERENT): Grade.BREAKING,
}

_REASONS = {
    (Way.REQUEST, Effect.NARROWED): "a client that sends {values} was served, and is now refused"
    " with 400",
    (Way.REQUEST, Effect.WIDENED): "a client may now send {values} too; what clients send today is"
    " served as before",
    (Way.REQUEST, Effect.DIFFERENT): "a client that sends {it} as it was told to may now be refused"
    " with 400, or be taken otherwise: {values}",
    (Way.RESPONSE, Effect.NARROWED): "a client no longer gets {values}; all that it gets is what it"
    " was told of",
    (Way.RESPONSE, Effect.WIDENED): "a client may now get {values}, which it was never told of and"
    " may not be able to read",
    (Way.RESPONSE, Effect.DIFFERENT): "a client that reads {it} may now get what it was never told"
    " of: {values}",
}


def reason(way: Way, move: Move) -> str:
    """One sentence on who notices; ``{it}`` in it still stands for the value's name."""
    if move.why:
        return move.why
    return _REASONS[way, move.effect].replace("{values}", move.values).replace("{it}", IT)
