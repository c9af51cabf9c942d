"""Reads JSON by I-JSON's rules (RFC 7493): what two parsers could read differently is refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

MAX_DEPTH = 64
MAX_VALUES = 2_000_000  # members and items, by the commas and brackets that they need
MAX_DIGITS = 308  # a number has to fit the range of a double, as most clients keep it in one

# A string that does not end is taken too: looking for its end again from each quote in it would
# take quadratic time.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_NOT_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JSONFault(ValueError):
    """The text is not JSON as this API takes it; the message says why and where."""


def parse(data: bytes) -> Any:
    """The value that ``data`` holds (UTF-8 JSON), or ``JSONFault``.

    Refused beyond what is not JSON: repeated member names, NaN and Infinity, numbers outside a
    double's range, lone surrogates, nesting deeper than ``MAX_DEPTH``, and over ``MAX_VALUES``.
    """
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise JSONFault(f"it is not UTF-8 at byte {exc.start}") from exc
    _check_count(data)
    _check_depth(data)
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as exc:
        raise JSONFault(f"{exc.msg} at line {exc.lineno}, column {exc.colno}") from exc
    except RecursionError as exc:
        raise JSONFault(f"it is nested deeper than {MAX_DEPTH} levels") from exc
    if _SURROGATE_ESCAPE.search(text):
        _check_surrogates(value)
    return value


def _check_count(data: bytes) -> None:
    """A byte can be a value that takes a hundred in memory."""
    if len(data) > MAX_VALUES and sum(map(data.count, (b",", b"[", b"{"))) > MAX_VALUES:
        raise JSONFault(f"it has more than {MAX_VALUES} values")


def _check_depth(data: bytes) -> None:
    """Peels the innermost pairs of brackets off, a level a pass: all of it runs in C."""
    if data.count(b"[") + data.count(b"{") <= MAX_DEPTH:
        return
    rest = _STRING.sub(b"", data).translate(None, _NOT_BRACKETS)
    for _ in range(MAX_DEPTH):
        peeled = rest.replace(b"[]", b"").replace(b"{}", b"")
        if peeled == rest:
            return  # all peeled off, or unbalanced: the decoder says where
        rest = peeled
    if rest:
        raise JSONFault(f"it is nested deeper than {MAX_DEPTH} levels")


def _check_surrogates(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError as exc:
        raise JSONFault("it has a lone surrogate in a \\u escape") from exc


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        twice = _first_repeated(name for name, _ in pairs)
        raise JSONFault(f"the member {json.dumps(twice)[:80]} stands twice in one object")
    return members


def _first_repeated(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            break
        seen.add(name)
    return name


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise JSONFault(f"a number has more than {MAX_DIGITS} digits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise JSONFault(f"the number {digits[:40]} is too large")
    return number


def _constant(name: str) -> NoReturn:
    raise JSONFault(f"{name} is not a JSON value")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members, parse_int=_integer, parse_float=_float, parse_constant=_constant
)
