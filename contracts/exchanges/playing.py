"""Plays an exchange against a service, and tells where it is not as its consumer relies on."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from contracts.door import Door
from contracts.exchanges.matching import ABSENT, mismatches
from contracts.exchanges.reading import NEW, VARIABLE, Exchange
from contracts.wire import Answer, Header, NoAnswer, Request

PATIENCE = 60.0  # seconds
PAUSE = 0.1  # seconds between two looks at what takes its time


class Provider(Protocol):
    """A service that is asked. ``who``: as the file says it, None for who may do everything."""

    def door(self, who: Any) -> Door:
        """The service, for a client that is this one."""


@dataclass(frozen=True, slots=True)
class Broken:
    """An exchange that is not kept: how, in lines, and the request that shows it."""

    how: str
    curl: str


class _NotGiven(Exception):
    """What the exchange takes for granted is not so."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.how)
        self.broken = broken


def play(exchange: Exchange, provider: Provider, patience: float = PATIENCE) -> Broken | None:
    """How the service does not keep the exchange; None when it does.

    What was made for it is deleted afterwards, as far as it can be. ``patience``: the longest that
    is waited for what takes its time, whatever the exchange says.
    """
    player = _Player(provider, patience)
    try:
        for step in exchange.content.get("given", ()):
            player.give(step)
        return next(filter(None, map(player.judge, exchange.asked)), None)
    except _NotGiven as exc:
        return exc.broken
    finally:
        player.clean(exchange.content.get("afterwards", ()))


class _Player:
    def __init__(self, provider: Provider, patience: float) -> None:
        self._provider = provider
        self._patience = patience
        self._values = {NEW: f"x{secrets.token_hex(4)}"}
        self._made: list[str] = []

    def give(self, step: Mapping[str, Any]) -> None:
        """Sends a request that has to be taken, and keeps what is captured of its answer."""
        door, request = self._asked(step["request"])
        answer = self._ask(door, request)
        if not 200 <= answer.status < 300:
            how = f"What has to be there first is answered {answer.status}: {_excerpt(answer)}"
            raise _NotGiven(Broken(how, door.curl(request)))
        for name, where in step.get("capture", {}).items():
            value = _captured(answer, where)
            if value is ABSENT:
                named = where.replace(":", " ", 1)
                how = f"An answer that is needed first has no {named}: {_excerpt(answer)}"
                raise _NotGiven(Broken(how, door.curl(request)))
            self._values[name] = value if isinstance(value, str) else json.dumps(value)

    def judge(self, asked: Mapping[str, Any]) -> Broken | None:
        """Sends a request that it is about, again while its answer may take its time."""
        door, request = self._asked(asked["request"])
        deadline = time.monotonic() + min(asked.get("within", 0), self._patience)
        while True:
            answer = self._ask(door, request)
            found = list(differences(self._filled(asked["answer"]), answer))
            if not found or time.monotonic() >= deadline:
                break
            time.sleep(PAUSE)
        return Broken("\n".join(found), door.curl(request)) if found else None

    def clean(self, afterwards: Any) -> None:
        """Takes away what was made."""
        for each in afterwards:
            door, request = self._asked(each)
            self._ask(door, request)
        door = self._provider.door(None)
        for _ in range(2):  # what another one needed can go now
            for path in reversed(self._made):
                self._ask(door, Request("DELETE", path))

    def _asked(self, asked: Mapping[str, Any]) -> tuple[Door, Request]:
        asked = self._filled(asked)
        headers: list[Header] = list(asked.get("headers", {}).items())
        body = asked["text"].encode() if "text" in asked else None
        if "body" in asked:
            body = json.dumps(asked["body"]).encode()
            if not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("Content-Type", "application/json"))
        request = Request(
            asked["method"], asked["path"], tuple(headers), body, asked.get("chunked", False)
        )
        return self._provider.door(asked.get("as")), request

    def _ask(self, door: Door, request: Request) -> Answer:
        try:
            answer = door.ask(request)
        except NoAnswer as exc:
            raise _NotGiven(Broken(f"Nothing is answered: {exc}.", door.curl(request))) from exc
        if answer.status == 201:
            self._made.append(answer.header("location") or request.target)
        return answer

    def _filled(self, part: Any) -> Any:
        """The part with the values that its texts name."""
        if isinstance(part, str):
            return VARIABLE.sub(lambda found: self._values.get(found[1], found[0]), part)
        if isinstance(part, Mapping):
            return {key: self._filled(value) for key, value in part.items()}
        return [self._filled(value) for value in part] if isinstance(part, list) else part


def differences(expected: Mapping[str, Any], answer: Answer) -> Iterator[str]:
    """Where an answer is not as it is relied on, in sentences; nothing where it is."""
    if answer.status != expected["status"]:
        yield f"The status is {answer.status}, not {expected['status']}: {_excerpt(answer)}"
    for name, matcher in expected.get("headers", {}).items():
        value = answer.header(name)
        for _, what in mismatches(matcher, ABSENT if value is None else value):
            yield f"The header {name}: {what}."
    for key, read in (("body", _json), ("text", _text), ("lines", _lines)):
        if key in expected:
            for where, what in mismatches(expected[key], read(answer)):
                yield f"The body, {where or 'as a whole'}: {what}."


def _excerpt(answer: Answer) -> str:
    if coding := answer.header("content-encoding"):
        return f"{len(answer.body)} bytes of {coding}"
    return answer.text[:500]


def _captured(answer: Answer, where: str) -> Any:
    kind, _, name = where.partition(":")
    if kind == "header":
        value = answer.header(name)
        return ABSENT if value is None else value
    found = _json(answer)
    for step in name.split("/")[1:]:
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
        else:
            found = found.get(step, ABSENT) if isinstance(found, dict) else ABSENT
    return found


def _json(answer: Answer) -> Any:
    try:
        return answer.json() if answer.body else ABSENT
    except ValueError:
        return answer.text


def _text(answer: Answer) -> Any:
    return answer.text if answer.body else ABSENT


def _lines(answer: Answer) -> Any:
    try:
        return [json.loads(line) for line in answer.text.splitlines()]
    except ValueError:
        return answer.text
