"""Tells what changed in the document, and in no operation: nothing that changed goes unsaid.

Most of it is documentation, which is compared here alone. Some stands where no operation comes by,
or says the same in other words. What is left is a keyword that nobody wrote a rule for: it is
breaking until somebody does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import Enum, auto

from contracts.changes.change import Grade
from contracts.changes.found import Found
from contracts.changes.keywords import RULES
from contracts.changes.node import Node, Pointer, canonical, shown
from contracts.changes.policy import RULES as POLICIES
from contracts.changes.texts import Difference, differences, parts
from openapi.document import METHODS
from openapi.policy import KEY


class Kind(Enum):
    """What a place of the document is for."""

    TEXT = auto()
    LINK = auto()
    WIRE = auto()  # what the other modules compare
    UNKNOWN = auto()


_TEXTS = {
    "scopes",  # their names are compared where they are
    "description",
    "summary",
    "title",
    "example",
    "examples",
    "externalDocs",
    "tags",
    "info",
    "openapi",
    "contact",
    "license",
}
# What is below these is a name or an index, and no keyword.
_OF_NAMES = {
    "properties",
    "content",
    "responses",
    "headers",
    "parameters",
    "allOf",
    "oneOf",
    "anyOf",
    "servers",
    "flows",
    "paths",
}
# Below these is a value of their own, which is compared as a whole.
_OF_VALUES = {
    "enum",
    "default",
    "required",
    "not",
    "discriminator",
    "xml",
    "security",
    "encoding",
    "variables",
}
_PLAIN = {
    *RULES,
    *METHODS,
    "items",
    "additionalProperties",
    "schema",
    "requestBody",
    "operationId",
    "deprecated",
    "readOnly",
    "writeOnly",
    "$ref",
    "name",
    "in",
    "style",
    "explode",
    "url",
    "allowReserved",
    "allowEmptyValue",
    "scheme",
    "bearerFormat",
    "openIdConnectUrl",
    "tokenUrl",
    "authorizationUrl",
    "refreshUrl",
    "components",
}
_POLICIES = {setting[0] for setting in POLICIES}


def remainder(old: Node, new: Node, told: Collection[Found]) -> Iterator[Found]:
    """What changed and is not among what was told."""
    known = _Told(told)
    left = [one for difference in differences(old, new) for one in known.left_of(difference)]
    yield from _renamed(left)
    yield from map(_told, left)


class _Told:
    """The places in both documents whose change was told, each with all that is below it."""

    def __init__(self, told: Collection[Found]) -> None:
        also = {pointer for change in told for pointer in change.also}
        self._old = {change.old for change in told if change.old is not None} | also
        self._new = {change.new for change in told if change.new is not None} | also
        self._around = {
            place[:length] for place in self._old | self._new for length in range(len(place))
        }

    def left_of(self, one: Difference) -> Iterator[Difference]:
        """What of the difference was not told: of a part that came or went, some may have been."""
        if _is_below(one.old, self._old) or _is_below(one.new, self._new):
            return
        inside = parts(one) if (one.old or one.new) in self._around else ()
        if not inside:
            yield one
        for part in inside:
            yield from self.left_of(part)


def _is_below(pointer: Pointer | None, places: Collection[Pointer]) -> bool:
    steps = pointer or ()
    return any(steps[:length] in places for length in range(1, len(steps) + 1))


def _renamed(left: list[Difference]) -> Iterator[Found]:
    """Components that have another name; they are taken off the list."""
    for gone in [one for one in left if one.old and one.new is None and _is_component(one.old)]:
        match = next(
            (
                one
                for one in left
                if one.old is None
                and one.new
                and _is_component(one.new)
                and gone.old
                and one.new[:2] == gone.old[:2]
                and canonical(one.now) == canonical(gone.was)
            ),
            None,
        )
        if match and gone.old and match.new:
            left.remove(gone)
            left.remove(match)
            grade, why = _component(gone.old)
            place = "/".join(gone.old)
            yield Found(grade, (place, "name"), gone.old[2], match.new[2], why)


def _is_component(pointer: Pointer) -> bool:
    return pointer[0] == "components" and len(pointer) == 3


def _component(pointer: Pointer) -> tuple[Grade, str]:
    if pointer[1] == "schemas":
        return Grade.COMPATIBLE, (
            "the name of a schema is on no wire; generated SDKs add, rename or drop the model"
        )
    return Grade.DOCUMENTATION, "the name of a component is on no wire"


def _told(difference: Difference) -> Found:
    pointer = difference.old or difference.new or ()
    grade, why = _graded(pointer, difference)
    return Found(grade, (place_of(pointer),), shown(difference.was), shown(difference.now), why)


def _graded(pointer: Pointer, difference: Difference) -> tuple[Grade, str]:
    kind = kind_of(pointer)
    if kind is Kind.TEXT:
        return Grade.DOCUMENTATION, "it is for people to read, and on no wire"
    if kind is Kind.UNKNOWN:
        return Grade.BREAKING, (
            "nobody has said yet what clients notice of this keyword: it may break them"
        )
    if _is_component(pointer):
        return _component(pointer)
    if difference.order:
        return Grade.DOCUMENTATION, "the same things stand in another order"
    if kind is Kind.LINK:
        return Grade.COMPATIBLE, (
            "a link is in no answer; tools that follow the contract's links go another way"
        )
    return _of_the_wire(difference)


def _of_the_wire(difference: Difference) -> tuple[Grade, str]:
    values = (difference.was, difference.now)
    if any(isinstance(value, Mapping) and "$ref" in value for value in values):
        return Grade.COMPATIBLE, (
            "what it leads to is compared by itself; generated SDKs take another model here"
        )
    if None not in values and len({isinstance(v, Mapping | list) for v in values}) == 2:
        return Grade.BREAKING, "it is of another form, which no client was told of"
    return Grade.COMPATIBLE, "no operation comes by here, or it says the same in other words"


def kind_of(pointer: Pointer) -> Kind:
    """What the place is for, read from the root on."""
    if pointer[:2] == ("components", "examples"):
        return Kind.TEXT
    if pointer[:2] == ("components", "links"):
        return _of_link(pointer)
    steps = iter(pointer[3:] if pointer[:1] == ("components",) else pointer)
    kind = Kind.WIRE
    for step in steps:
        kind = _keyword(step)
        if step == KEY and next(steps, "timeout") not in _POLICIES:
            return Kind.UNKNOWN
        if kind is Kind.LINK:
            return _of_link(pointer)
        if kind is not Kind.WIRE or step in _OF_VALUES or step == KEY:
            return kind
        if step in _OF_NAMES:
            next(steps, None)
    return kind


def _of_link(pointer: Pointer) -> Kind:
    is_text = pointer[-1] == "description" and pointer[-2] != "parameters"
    return Kind.TEXT if is_text else Kind.LINK


def _keyword(step: str) -> Kind:
    if step in _TEXTS:
        return Kind.TEXT
    if step == "links":
        return Kind.LINK
    known = step in _OF_NAMES or step in _OF_VALUES or step in _PLAIN or step == KEY
    return Kind.WIRE if known else Kind.UNKNOWN


def place_of(pointer: Pointer) -> str:
    """The place for a person: in an operation, by its method and path."""
    if pointer[:1] == ("paths",) and len(pointer) > 2 and pointer[2] in METHODS:
        rest = "/".join(pointer[3:])
        return f"{pointer[2].upper()} {pointer[1]}" + (f", {rest}" if rest else "")
    return "/".join(pointer)
