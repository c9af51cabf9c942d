"""A cache in front of an origin that answers what it is told to, under a clock that stands."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from gateway.caching.keys import CachedOperation
from gateway.caching.stage import CacheMiddleware
from gateway.caching.store import MemoryStore
from gateway.upstreams import UpstreamBroken
from openapi.policy import Caching

Value = str | int  # a number: a date, in seconds from now
Lines = Sequence[tuple[str, Value]]

START = 1_790_000_000.0  # September 2026
NOBODY: dict[str, Any] = {"tenant": None, "scopes": frozenset(), "sub": "a"}


@dataclass(frozen=True)
class Says:
    """What the origin says when it is asked. ``body``: None for one that is new each time.

    ``confirms``: a request with a condition is answered 304 with these headers, unless ``status``
    is another one than 200. ``breaks``: it closes the connection instead; ``breaks_off``: it does
    when all but the end is sent.
    """

    headers: Lines = ()
    status: int = 200
    body: bytes | None = None
    confirms: bool = True
    breaks: bool = False
    breaks_off: bool = False
    parts: int = 1


def says(*headers: tuple[str, Value], **other: Any) -> Says:
    return Says(headers, **other)


@dataclass
class Reply:
    """What a client was answered."""

    status: int
    lines: list[tuple[str, str]]
    body: bytes
    asked: list[dict[str, Any]]
    outcome: str | None  # what telemetry is told

    def header(self, name: str) -> str | None:
        """All values of a header as one."""
        values = [v for n, v in self.lines if n == name.lower()]
        return ", ".join(values) if values else None

    @property
    def was_asked(self) -> bool:
        return bool(self.asked)


@dataclass
class Origin:
    """The cache's ``app``. ``gate``: what each answer waits for, when there is one."""

    now: Callable[[], float]
    answers: Iterator[Says] = field(default_factory=lambda: iter(()))
    asked: list[dict[str, Any]] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.asked.append(scope)
        number = len(self.asked)
        answer = next(self.answers)
        if self.gate is not None:
            await self.gate.wait()
        if answer.breaks:
            raise UpstreamBroken("closed")
        names = {name for name, _ in scope["headers"]}
        is_checked = answer.confirms and names & {b"if-none-match", b"if-modified-since"}
        code = 304 if is_checked and answer.status == 200 else answer.status
        await send({"type": "http.response.start", "status": code, "headers": self._wire(answer)})
        has_body = code not in (204, 304) and scope["method"] != "HEAD"
        body = (b"answer %d" % number if answer.body is None else answer.body) if has_body else b""
        await _send_parts(send, body, answer.parts)
        if answer.breaks_off:
            raise UpstreamBroken("broken off")

    def _wire(self, answer: Says) -> list[tuple[bytes, bytes]]:
        return wire(answer.headers, self.now())


async def _send_parts(send: Any, body: bytes, parts: int) -> None:
    size = len(body) // parts + 1
    for number in range(parts):
        part = body[number * size : (number + 1) * size]
        more = number < parts - 1
        await send({"type": "http.response.body", "body": part, "more_body": more})


def wire(headers: Lines, now: float) -> list[tuple[bytes, bytes]]:
    return [(n.lower().encode(), _text(v, now).encode("latin-1")) for n, v in headers]


def _text(value: Value, now: float) -> str:
    if isinstance(value, str):
        return value
    return format_datetime(datetime.fromtimestamp(int(now) + value, UTC), usegmt=True)


class World:
    """The clock, the origin, and a client."""

    def __init__(self, rule: Caching | None = None, size: int = 10**6, **operation: Any) -> None:
        self.time = START
        self.origin = Origin(lambda: self.time)
        names: tuple[bytes, ...] = operation.get("headers", ())
        cached = CachedOperation(
            "get_thing", rule or Caching(), names, operation.get("patience", 20.0)
        )
        self.store = MemoryStore(size)
        self.cache = CacheMiddleware(
            self.origin, {"get_thing": cached}, self.store, lambda: self.time
        )

    async def ask(
        self,
        answer: Says | None = None,
        method: str = "GET",
        headers: Lines = (),
        path: str = "/things/a",
        query: str = "",
        who: dict[str, Any] | None = None,
    ) -> Reply:
        """One request; ``answer``: what the origin says if it is asked, and None if it is not."""
        if answer is not None:
            self.origin.answers = iter([answer] * 9)
        before = len(self.origin.asked)
        sent: list[dict[str, Any]] = []

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", b"door.example"), *wire(headers, self.time)],
            "extensions": {
                "connexion_routing": {"operation_id": "get_thing"},
                "connexion_context": {"token_info": who or NOBODY},
            },
        }
        await self.cache(scope, nothing_more, send)  # type: ignore[arg-type]
        await asyncio.sleep(0)  # what is refreshed behind the client's back begins
        start, *parts = sent
        lines = [(n.decode(), v.decode("latin-1")) for n, v in start["headers"]]
        body = b"".join(part["body"] for part in parts)
        outcome = scope["extensions"].get("telemetry_cache")
        return Reply(start["status"], lines, body, self.origin.asked[before:], outcome)  # type: ignore[attr-defined]

    def wait(self, seconds: float) -> None:
        self.time += seconds


async def nothing_more() -> dict[str, Any]:
    return {"type": "http.request", "body": b"", "more_body": False}


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def within_time() -> None:
        async with asyncio.timeout(20):
            await test()

    asyncio.run(within_time())
