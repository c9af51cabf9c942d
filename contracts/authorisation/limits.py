"""Waits where a limit lets no more requests through: limits are not what is judged here."""

from __future__ import annotations

import time
from collections.abc import Callable

import requests

from contracts.door import Door
from contracts.wire import Answer, Request

_TRIES = 4
_LONGEST = 65.0  # seconds; the longest window of the contract is a minute
_LIMITED = 429


def ask(door: Door, request: Request) -> Answer:
    """The answer; one of a limit only when it stays at that."""
    answer = door.ask(request)
    for _ in range(_TRIES):
        if answer.status != _LIMITED:
            break
        _wait(answer.header("retry-after"))
        answer = door.ask(request)
    return answer


def make(made: Callable[[], str]) -> str:
    """What is made, by what raises ``requests.HTTPError`` for answers that are none."""
    for _ in range(_TRIES):
        try:
            return made()
        except requests.HTTPError as exc:
            if exc.response.status_code != _LIMITED:
                raise
            _wait(exc.response.headers.get("Retry-After"))
    return made()


def _wait(seconds: str | None) -> None:
    """As the answer says; a second where it says a date (RFC 9110 §10.2.3), or nothing."""
    told = float(seconds) if seconds and seconds.isdecimal() else 1.0
    time.sleep(min(told, _LONGEST))
