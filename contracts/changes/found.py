"""A change as it is found: in one place, before those of all operations are put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from contracts.changes.change import Grade
from contracts.changes.node import Node, Pointer

IT = "{it}"  # stands in ``why`` for the name of the value, until the name is known


@dataclass(frozen=True, slots=True)
class Found:
    """A change seen from some place of an operation.

    ``path``: where it is below that place, for a person. ``old`` and ``new``: where it stands in
    the documents, which is the same for all that share a component; ``also``: where else something
    changed that this tells.
    """

    grade: Grade
    path: tuple[str, ...]
    was: str
    now: str
    why: str
    old: Pointer | None = None
    new: Pointer | None = None
    also: tuple[Pointer, ...] = ()
    operation: str = ""


def found(
    grade: Grade, path: str, was: str, now: str, why: str, old: Node | None, new: Node | None
) -> Found:
    """A change between two nodes; where one is missing, the other came or went where it is used."""
    steps = (path,) if path else ()
    if old and new:
        return Found(grade, steps, was, now, why, old.pointer, new.pointer)
    return Found(
        grade, steps, was, now, why, old.place if old else None, new.place if new else None
    )


def below(place: str, changes: Iterable[Found], it: str = "") -> list[Found]:
    """The changes as seen from above ``place``; ``it`` names the value, where it has a name."""
    return [
        replace(
            change,
            path=_joined(place, change.path),
            why=change.why.replace(IT, it) if it else change.why,
        )
        for change in changes
    ]


def _joined(place: str, path: tuple[str, ...]) -> tuple[str, ...]:
    """Members of a body are written as one pointer: ``/items/*/name``."""
    if path and place.startswith("/") and path[0].startswith("/"):
        return (place + path[0], *path[1:])
    return (place, *path)
