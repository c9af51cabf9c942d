"""Says whether a value is what a consumer relies on: exactly, by its type, by its form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from openapi.schemas import shorten

_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "null": lambda value: value is None,
}


class _Absent:
    """What is not there."""

    def __repr__(self) -> str:
        return "nothing"


ABSENT = _Absent()
Mismatch = tuple[str, str]  # a JSON Pointer, and what is there instead of what


class MatcherFault(ValueError):
    """A matcher is none; the message says which there are."""


def mismatches(matcher: Any, value: Any, at: str = "") -> Iterator[Mismatch]:
    """Each place where the value is not as the matcher says. No member more is one.

    ``value``: what JSON can say, or ``ABSENT``.
    """
    if isinstance(matcher, Mapping):
        named = [key for key in matcher if key.startswith("$")]
        yield from _by_name(matcher, value, at) if named else _members(matcher, value, at)
    elif isinstance(matcher, list):
        yield from _items(matcher, value, at)
    elif (
        value is ABSENT or value != matcher or isinstance(value, bool) != isinstance(matcher, bool)
    ):
        yield at, f"{_told(value)} is there, not {_told(matcher)}"


def check_matcher(matcher: Any) -> None:
    """``MatcherFault`` when a part of it is no matcher."""
    if isinstance(matcher, list):
        for part in matcher:
            check_matcher(part)
    elif isinstance(matcher, Mapping):
        named = [key for key in matcher if key.startswith("$")]
        if named and len(named) < len(matcher):
            raise MatcherFault(f"{named[0]} stands beside names of members")
        if named and len([key for key in named if key != "$min"]) != 1:
            raise MatcherFault(f"{', '.join(named)}: there has to be one matcher, and $min beside")
        for key in named:
            _check_named(key, matcher[key])
        for part in () if named else matcher.values():
            check_matcher(part)


def _check_named(key: str, of: Any) -> None:
    if key not in (*_MATCHERS, "$min"):
        raise MatcherFault(f"there is no matcher {key}; there are: {', '.join(_MATCHERS)}")
    if key == "$type" and of not in _TYPES:
        raise MatcherFault(f"there is no type {of}; there are: {', '.join(_TYPES)}")
    if key == "$one_of" and not isinstance(of, list):
        raise MatcherFault("$one_of has to be a list of values")
    if key == "$min" and not (isinstance(of, int) and of >= 0):
        raise MatcherFault("$min has to be a number of items")
    if key == "$regex" and not isinstance(of, str):
        raise MatcherFault("$regex has to be text")
    if key == "$regex":
        try:
            re.compile(of)
        except re.error as exc:
            raise MatcherFault(f"{of} is no regular expression: {exc}") from exc
    if key in ("$each", "$contains"):
        check_matcher(of)


def _by_name(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    (name,) = [key for key in matcher if key != "$min"]
    yield from _MATCHERS[name](matcher, value, at)


def _any(_matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if value is ABSENT:
        yield at, "nothing is there, and anything would do"


def _absent(_matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if value is not ABSENT:
        yield at, f"{_told(value)} is there, and nothing should be"


def _type(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if not _TYPES[matcher["$type"]](value):
        yield at, f"{_told(value)} is there, not a value of type {matcher['$type']}"


def _regex(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if not (isinstance(value, str) and re.fullmatch(matcher["$regex"], value, re.DOTALL)):
        yield at, f"{_told(value)} is there, not text of the form {matcher['$regex']}"


def _one_of(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if value not in matcher["$one_of"]:
        yield at, f"{_told(value)} is there, not one of {_told(matcher['$one_of'])}"


def _each(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if not isinstance(value, list):
        yield at, f"{_told(value)} is there, not a list"
        return
    if len(value) < matcher.get("$min", 0):
        yield at, f"{len(value)} items are there, not {matcher['$min']} or more"
    for index, item in enumerate(value):
        yield from mismatches(matcher["$each"], item, f"{at}/{index}")


def _contains(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    items = value if isinstance(value, list) else ()
    if not any(not list(mismatches(matcher["$contains"], item)) for item in items):
        yield at, f"{_told(value)} is there, without {_told(matcher['$contains'])} in it"


_MATCHERS: Mapping[str, Callable[[Mapping[str, Any], Any, str], Iterator[Mismatch]]] = {
    "$any": _any,
    "$absent": _absent,
    "$type": _type,
    "$regex": _regex,
    "$one_of": _one_of,
    "$each": _each,
    "$contains": _contains,
}


def _members(matcher: Mapping[str, Any], value: Any, at: str) -> Iterator[Mismatch]:
    if not isinstance(value, dict):
        yield at, f"{_told(value)} is there, not an object"
        return
    for name, part in matcher.items():
        yield from mismatches(part, value.get(name, ABSENT), f"{at}/{name}")


def _items(matcher: list[Any], value: Any, at: str) -> Iterator[Mismatch]:
    if not isinstance(value, list) or len(value) != len(matcher):
        yield at, f"{_told(value)} is there, not {len(matcher)} items"
        return
    for index, part in enumerate(matcher):
        yield from mismatches(part, value[index], f"{at}/{index}")


def _told(value: Any) -> str:
    return "nothing" if value is ABSENT else shorten(json.dumps(value, ensure_ascii=False))
