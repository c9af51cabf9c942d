"""One request for an answer that may be kept, from the search for it to the reply."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.caching import status
from gateway.caching.conditions import (
    CLIENTS,
    LEFT_ALONE,
    check_headers,
    has_it_already,
    is_another,
    is_of,
    not_modified_headers,
)
from gateway.caching.directives import read_directives
from gateway.caching.entries import Entry, Exchange, first
from gateway.caching.flights import Flight, Flights
from gateway.caching.keys import CachedOperation, variant_of
from gateway.caching.recording import Recording, Whole
from gateway.caching.status import CacheStatus
from gateway.caching.store import MemoryStore
from gateway.caching.storing import entry_of, freshened, may_keep
from gateway.problems import GATEWAY_TIMEOUT
from gateway.upstreams import UpstreamError
from openapi.bodies import has_body
from openapi.connection import leave_date
from openapi.problems import Headers, Problem
from telemetry.middleware import note_cache

_ERRORS = frozenset((500, 502, 503, 504))  # what stale-if-error is for (RFC 5861 §4)


class Cache(Protocol):
    """What the requests of one worker share."""

    app: ASGIApp
    store: MemoryStore
    flights: Flights
    now: Callable[[], float]

    def refresh(self, lookup: Lookup) -> None:
        """Has the answer asked for again, while the client has the old one."""
        ...


@dataclass(frozen=True, slots=True)
class _Question:
    """What the service is asked. ``entry``: what is kept, if anything is.

    ``checked``: the same, when it is what is asked about; ``spare``: when it may be given instead
    of an error. ``headers``: the request's; ``sent``: when, in seconds since the epoch.
    """

    entry: Entry | None
    checked: Entry | None
    spare: Entry | None
    headers: Headers
    why: str
    sent: float


class Lookup:
    """A GET or HEAD of an operation whose answers are kept."""

    def __init__(
        self,
        cache: Cache,
        operation: CachedOperation,
        scope: Scope,
        receive: Receive,
        send: Send,
    ) -> None:
        self.key = operation.key(scope)
        self._cache = cache
        self._operation = operation
        self._scope = scope
        self._receive = receive
        self._send = send
        self._headers: Headers = scope["headers"]
        self._asked = read_directives(self._headers)

    async def answer(self) -> None:
        """Answers by what is kept, or by what the service says."""
        if self._is_left_alone():
            await self._pass("bypass", None)
            return
        entry = self._find()
        if entry is not None and self._may_use(entry):
            await self._reply_kept(entry)
        elif "only-if-cached" in self._asked:
            raise Problem(GATEWAY_TIMEOUT, "Nothing that may be used is in the cache.")
        elif self._scope["method"] == "HEAD":
            await self._pass(self._why(entry), entry)
        else:
            await self._join_or_ask(entry)

    async def refresh(self) -> None:
        """Asks the service, and keeps what it says."""
        await self._ask(self._find())

    def _is_left_alone(self) -> bool:
        return (
            "no-store" in self._asked
            or any(name in LEFT_ALONE for name, _ in self._headers)
            or has_body(self._scope)
        )

    def _find(self) -> Entry | None:
        return self._cache.store.find(self.key, self._headers)

    def _may_use(self, entry: Entry) -> bool:
        """Whether the client is given the entry without the service being asked before."""
        freshness, now = entry.freshness, self._cache.now()
        if freshness.is_checked or "no-cache" in self._asked:
            return False
        longest, shortest = self._asked.seconds("max-age"), self._asked.seconds("min-fresh")
        left = freshness.left(now)
        if left > 0:
            is_young = longest is None or freshness.age(now) <= longest
            return is_young and left >= (shortest or 0)
        return longest is None and shortest is None and -left < freshness.while_revalidate

    async def _reply_kept(self, entry: Entry, is_collapsed: bool = False) -> None:
        left = entry.freshness.left(self._cache.now())
        if left <= 0 and not self._cache.flights.is_under_way(self.key):
            self._cache.refresh(self._for_nobody())
        await self._reply_by(entry, status.hit(left, is_collapsed))

    def _for_nobody(self) -> Lookup:
        scope = {
            **self._scope,
            "method": "GET",
            "headers": [(n, v) for n, v in self._headers if n not in CLIENTS],
            "extensions": dict(self._scope["extensions"]),
        }
        return Lookup(self._cache, self._operation, scope, _no_body, _discard)

    async def _join_or_ask(self, entry: Entry | None) -> None:
        flight = None if self._asked else self._cache.flights.find(self.key)
        if flight is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._operation.patience):
                    await flight.landed.wait()
            entry = self._find()
            if entry is not None and entry.freshness.is_fresh(self._cache.now()):
                await self._reply_kept(entry, is_collapsed=True)
                return
        await self._ask(entry)

    async def _ask(self, entry: Entry | None) -> None:
        flight = self._cache.flights.begin(self.key)
        try:
            await self._ask_in(flight, entry)
        finally:
            self._cache.flights.end(flight)

    async def _ask_in(self, flight: Flight, entry: Entry | None) -> None:
        question = self._question(entry)
        recording = Recording(
            lambda code, headers: self._is_wanted(question, code, headers),
            lambda start: self._pass_on(flight, question, start),
            self._send,
        )
        scope = {**self._scope, "headers": question.headers}
        try:
            await self._cache.app(scope, self._receive, recording.send)
        except UpstreamError:
            if question.spare is None or recording.is_passed:
                raise
            await self._save(flight, question.spare, question.why, None)
        else:
            if not recording.is_passed:
                await self._settle(flight, question, recording.whole)

    def _question(self, entry: Entry | None) -> _Question:
        checked = entry if entry is not None and entry.has_validator else None
        return _Question(
            entry,
            checked=checked,
            spare=entry if entry is not None and self._may_save(entry) else None,
            headers=self._headers if checked is None else check_headers(self._headers, checked),
            why=self._why(entry),
            sent=self._cache.now(),
        )

    def _is_wanted(self, question: _Question, code: int, headers: Headers) -> bool:
        """Whether an answer is read whole, as there is something to do with it."""
        return (
            (question.checked is not None and code == 304)
            or (question.spare is not None and code in _ERRORS)
            or may_keep(code, headers, self._exchange(question))
        )

    def _exchange(self, question: _Question) -> Exchange:
        return Exchange(question.sent, self._cache.now())

    def _pass_on(self, flight: Flight, question: _Question, start: Message) -> Message:
        self._give_up(flight, question.entry, start["status"])
        return self._start(start, status.forwarded(question.why, start["status"]))

    async def _settle(self, flight: Flight, question: _Question, answer: Whole) -> None:
        if question.checked is not None and answer.status == 304:
            await self._still_good(flight, question, question.checked, answer)
        elif question.spare is not None and answer.status in _ERRORS:
            await self._save(flight, question.spare, question.why, answer.status)
        else:
            await self._is_new(flight, question, answer)

    def _why(self, entry: Entry | None) -> str:
        if entry is None:
            return "miss"
        return "request" if entry.freshness.is_fresh(self._cache.now()) else "stale"

    def _may_save(self, entry: Entry) -> bool:
        overdue = -entry.freshness.left(self._cache.now())
        return overdue < entry.freshness.if_error

    def _give_up(self, flight: Flight, entry: Entry | None, code: int) -> None:
        if entry is not None and code < 500:
            self._cache.store.drop(self.key, entry)  # it is no longer what the service says
        self._cache.flights.end(flight)

    async def _still_good(
        self, flight: Flight, question: _Question, entry: Entry, told: Whole
    ) -> None:
        if not is_of(entry, told.headers):
            self._give_up(flight, entry, told.status)
            await self._ask(None)
            return
        rule = self._operation.rule
        entry = freshened(entry, told.headers, self._exchange(question), rule)
        self._keep(flight, entry)
        await self._reply_by(entry, status.revalidated(question.why))

    async def _is_new(self, flight: Flight, question: _Question, new: Whole) -> None:
        answer = new.status, new.headers, new.body
        variant = variant_of(self._headers, new.headers)
        entry = entry_of(*answer, variant, self._exchange(question), self._operation.rule)
        is_stored = entry is not None and self._keep(flight, entry)
        if not is_stored:
            self._give_up(flight, question.entry, new.status)
        await self._reply(*answer, status.forwarded(question.why, new.status, is_stored))

    def _keep(self, flight: Flight, entry: Entry) -> bool:
        is_kept = not flight.is_outdated and self._cache.store.keep(self.key, entry)
        is_for_all = is_kept and entry.freshness.is_fresh(self._cache.now())
        self._cache.flights.end(flight, is_for_all)
        return is_kept

    async def _save(self, flight: Flight, entry: Entry, why: str, code: int | None) -> None:
        self._cache.flights.end(flight)
        left = entry.freshness.left(self._cache.now())
        await self._reply_by(entry, status.saved(why, code, left))

    async def _reply_by(self, entry: Entry, what: CacheStatus) -> None:
        age = (b"age", b"%d" % entry.freshness.age(self._cache.now()))
        await self._reply(entry.status, [*entry.headers, age], entry.body, what)

    async def _reply(self, code: int, headers: Headers, body: bytes, what: CacheStatus) -> None:
        if code == 200 and has_it_already(self._headers, headers, self._cache.now()):
            code, body = 304, b""
            age = [(n, v) for n, v in headers if n == b"age"]
            headers = not_modified_headers(headers) + age
        elif code not in (204, 304) and first(headers, b"content-length") is None:
            headers = [*headers, (b"content-length", b"%d" % len(body))]
        start = {"type": "http.response.start", "status": code, "headers": headers}
        await self._send(self._start(start, what))
        sent = b"" if self._scope["method"] == "HEAD" else body
        await self._send({"type": "http.response.body", "body": sent})

    async def _pass(self, why: str, entry: Entry | None) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                if entry is not None and is_another(entry, message["headers"]):
                    self._cache.store.drop(self.key, entry)
                message = self._start(message, status.forwarded(why, message["status"]))
            await self._send(message)

        await self._cache.app(self._scope, self._receive, send)

    def _start(self, start: Message, what: CacheStatus) -> Message:
        note_cache(self._scope, what.outcome)
        headers = start["headers"]
        if first(headers, b"date") is not None and not leave_date(self._scope):
            headers = [(n, v) for n, v in headers if n != b"date"]
        return {**start, "headers": [*headers, what.header]}


async def _no_body() -> Message:
    return {"type": "http.request"}


async def _discard(_message: Message) -> None:
    """Nobody waits for it."""
