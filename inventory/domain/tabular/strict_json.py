"""Reads JSON by I-JSON's rules (RFC 7493): what two parsers could read differently is a fault.

The decoder's hooks only note such a fault, and the value is read to its end all the same: in a list
of values the next one can be found only then.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 64
MAX_DIGITS = 308  # a number has to fit the range of a double, as most clients keep it in one

SPACE = re.compile(r"[ \t\n\r]*+")

_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


class JSONFault(ValueError):
    """The text is not JSON as it is taken here; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value, where its text ends, and why it is refused, if it is."""

    value: Any
    end: int
    fault: str | None


class StrictJSON:
    """A reader of JSON values, for one thread."""

    def __init__(self) -> None:
        self._faults: list[str] = []
        self._decoder = json.JSONDecoder(
            object_pairs_hook=self._members,
            parse_int=self._integer,
            parse_float=self._float,
            parse_constant=self._constant,
        )

    def only_value(self, text: str) -> Any:
        """The value that is all of ``text``, or ``JSONFault``."""
        found = self.value_at(text, SPACE.match(text).end())  # type: ignore[union-attr]
        if SPACE.match(text, found.end).end() != len(text):  # type: ignore[union-attr]
            raise JSONFault("something follows the value")
        if found.fault:
            raise JSONFault(found.fault)
        return found.value

    def value_at(self, text: str, at: int) -> Found:
        """The value whose text begins at ``at``; ``JSONFault`` when no end of it is found."""
        self._faults.clear()
        try:
            value, end = self._decoder.raw_decode(text, at)
        except json.JSONDecodeError as exc:
            raise JSONFault(f"{exc.msg} at character {exc.pos - at + 1}") from exc
        except RecursionError as exc:
            raise JSONFault(_TOO_DEEP) from exc
        fault = self._faults[0] if self._faults else _fault_of(text[at:end], value)
        return Found(value, end, fault)

    def _members(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        members = dict(pairs)
        if len(members) != len(pairs):
            self._faults.append(f"the member {_repeated(pairs)} stands twice in one object")
        return members

    def _integer(self, digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            self._faults.append(f"a number has more than {MAX_DIGITS} digits")
            return 0
        return int(digits)

    def _float(self, digits: str) -> float:
        number = float(digits)
        if math.isinf(number):
            self._faults.append(f"the number {digits[:40]} is too large")
        return number

    def _constant(self, name: str) -> None:
        self._faults.append(f"{name} is not a JSON value")


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            break
        seen.add(name)
    return json.dumps(name)[:80]


def _fault_of(text: str, value: Any) -> str | None:
    if text.count("[") + text.count("{") > MAX_DEPTH and _is_too_deep(value):
        return _TOO_DEEP
    if not _is_unicode(text):
        return "it is not UTF-8"
    if _SURROGATE_ESCAPE.search(text) and not _is_unicode(json.dumps(value, ensure_ascii=False)):
        return "it has a lone surrogate in a \\u escape"
    return None


def _is_too_deep(value: Any) -> bool:
    """Goes down level by level: deep values would take more of the stack than there may be."""
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [part for part in level if isinstance(part, dict | list)]
        if not level:
            return False
        level = [
            inner for part in level for inner in (part.values() if isinstance(part, dict) else part)
        ]
    return True


def _is_unicode(text: str) -> bool:
    """Whether there are no lone surrogates in the text; a reader has them for bytes of no UTF-8."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
