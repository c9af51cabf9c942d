"""Compares answers of twins: services that were asked the same, each of which makes its own names.

What a service makes up (identifiers, entity tags, cursors) is another in each twin. The first time
that it stands where the other has one, the two are taken for the same, and have to be from then on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import Any

from contracts.wire import Answer, Request

# UUIDs, hexadecimal identifiers, entity tags, signed cursors.
_MADE_UP = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
    r"|\b[0-9a-f]{16}\b|\b[0-9a-f]{24,32}\b|(?<=\")[A-Za-z0-9_-]{16}(?=\")|[A-Za-z0-9_-]{20,}(?:\.[A-Za-z0-9_-]+)*"
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
# The length goes with the body, which is compared.
_OF_A_CONNECTION = frozenset(("content-length", "connection"))
_SHOWN = 200  # characters of a value

Difference = tuple[str, Any, Any]  # where, and both values


class Twins:
    """Knows which names of one twin, ``there``, are which of the other's, ``here``.

    ``since``: when the twins were started; later moments are taken for the same. ``declared``:
    where answers may differ, as ``header date``; ``seen`` has those that did.
    """

    def __init__(self, since: datetime, declared: Collection[str]) -> None:
        self._here: dict[str, str] = {}
        self._since = since - timedelta(seconds=1)
        self._declared = frozenset(declared)
        self.seen: set[str] = set()

    def translate(self, request: Request) -> Request:
        """The request as it is for the twin here."""
        headers = tuple((name, self._bytes(value)) for name, value in request.headers)
        target = self._text(request.target)
        body = None if request.body is None else self._bytes(request.body)
        return Request(request.method, target, headers, body, request.chunked)

    def differences(self, there: Answer, here: Answer) -> list[str]:
        """In what the answers differ, in words; none that is declared."""
        if there.status != here.status:
            return [f"status: {there.status}, and {here.status} by the inventory itself"]
        found = [*self._of_headers(there, here), *self._of_values(*_bodies(there, here), "")]
        return [
            f"{place}: {str(was)[:_SHOWN]}, and {str(now)[:_SHOWN]} by the inventory itself"
            for place, was, now in found
        ]

    def _of_headers(self, there: Answer, here: Answer) -> Iterator[Difference]:
        names = {name for name, _ in (*there.headers, *here.headers)} - _OF_A_CONNECTION
        for name in sorted(names):
            was, now = there.header(name), here.header(name)
            if self._differ(f"header {name}", was, now):
                yield f"header {name}", was, now

    def _of_values(self, was: Any, now: Any, place: str) -> Iterator[Difference]:
        if isinstance(was, dict) and isinstance(now, dict) and was.keys() == now.keys():
            for name, value in was.items():
                yield from self._of_values(value, now[name], f"{place}/{name}")
        elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
            for number, value in enumerate(was):
                yield from self._of_values(value, now[number], f"{place}/{number}")
        elif self._differ(f"field {place.rpartition('/')[2]}", was, now):
            yield f"field {place}", was, now

    def _differ(self, name: str, was: Any, now: Any) -> bool:
        if type(was) is type(now) and was == now:
            return False
        if name in self._declared:
            self.seen.add(name)
            return False
        return not (isinstance(was, str) and isinstance(now, str) and self._alike(was, now))

    def _alike(self, was: str, now: str) -> bool:
        """Whether the texts are the same but for made-up names, and moments of the run."""
        was, now = self._timeless(was), self._timeless(now)
        if _MADE_UP.sub("\0", was) != _MADE_UP.sub("\0", now):
            return False
        return all(
            self._here.setdefault(theirs, ours) == ours
            for theirs, ours in zip(_MADE_UP.findall(was), _MADE_UP.findall(now), strict=True)
        )

    def _timeless(self, text: str) -> str:
        return _MOMENT.sub(lambda found: "" if self._is_of_the_run(found[0]) else found[0], text)

    def _is_of_the_run(self, text: str) -> bool:
        try:
            return datetime.fromisoformat(text) >= self._since
        except ValueError:
            return False

    def _text(self, text: str) -> str:
        return _MADE_UP.sub(lambda found: self._here.get(found[0], found[0]), text)

    def _bytes(self, value: str | bytes) -> bytes:
        text = value if isinstance(value, str) else value.decode("latin-1")
        return self._text(text).encode("latin-1", "replace")


def _bodies(there: Answer, here: Answer) -> tuple[Any, Any]:
    try:
        return json.loads(there.body), json.loads(here.body)
    except ValueError:
        return there.text, here.text
