"""``GET /v1/changes/stream``: the feed of changes as Server-Sent Events (HTML, §9.2)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.change_feed import ChangeFeed, CursorRefused, Event, Listener
from gateway.problems import TOO_MANY_STREAMS
from openapi.changed_kinds import ChangedKinds
from openapi.connection import connection_of
from openapi.problems import INVALID_REQUEST, SERVICE_UNAVAILABLE, Problem
from openapi.request import principal, principal_now, validated

STREAMS = 20  # of one principal, in one worker
HEARTBEAT = 15.0  # seconds without a change after which a comment keeps the connection
CHECKED = 0.5  # seconds between two looks at whether the credential is good for it still
PATIENCE = 30.0  # seconds that a listener may take to read what was sent
RETRY = 2000  # milliseconds after which a client comes again

_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store, no-transform"),
    (b"x-accel-buffering", b"no"),  # proxies that gather an answer would hold changes back
]


Rights = tuple[str, frozenset[str], str | None]


class ChangeStream:
    """The operation, as an ASGI application."""

    def __init__(self, feed: ChangeFeed, kinds: ChangedKinds) -> None:
        self._feed = feed
        self._kinds = kinds
        self._streams: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        parameters = validated(scope).parameters
        kinds = self._kinds.seen(principal(scope)["scopes"], parameters["kind"] or ())
        listener = Listener(principal(scope).get("tenant"), kinds)
        with self._slot(principal(scope)["sub"]):
            try:
                await self._feed.join(listener)
                missed = self._missed(scope, parameters, kinds)
                await _Stream(scope, send, listener, parameters["duration"]).run(missed, receive)
            finally:
                self._feed.leave(listener)

    @contextmanager
    def _slot(self, who: str) -> Iterator[None]:
        if self._streams[who] >= STREAMS:
            raise Problem(
                TOO_MANY_STREAMS,
                f"A key has {STREAMS} streams at the most: end another one first.",
                headers={"Retry-After": "60"},
            )
        self._streams[who] += 1
        try:
            yield
        finally:
            self._streams[who] -= 1
            if not self._streams[who]:
                del self._streams[who]

    async def _missed(
        self, scope: Scope, parameters: dict[str, Any], kinds: tuple[str, ...]
    ) -> AsyncIterator[list[Event]]:
        """Pages of what has changed since the place that the client was at."""
        after = parameters["last_event_id"] or parameters["after"]
        while after is not None:
            try:
                events, after = await self._feed.page(principal(scope), after, kinds=kinds)
            except CursorRefused as exc:
                fault = {"in": "header", "name": "Last-Event-ID", "detail": "not one of ours"}
                raise Problem(
                    INVALID_REQUEST, "There is no such place in the changes.", errors=[fault]
                ) from exc
            if not events:
                return
            yield events


class _Stream:
    """One answer."""

    def __init__(self, scope: Scope, send: Send, listener: Listener, duration: int) -> None:
        self._scope = scope
        self._send = send
        self._listener = listener
        self._connection = connection_of(scope)
        self._end = asyncio.get_running_loop().time() + duration
        self._last = 0  # sequence that was sent

    async def run(self, missed: AsyncIterator[list[Event]], receive: Receive) -> None:
        """Sends what was missed, and then each change as it comes, until something ends it."""
        page: list[Event] = await anext(
            missed, []
        )  # a cursor that is none is a problem, not a stream
        start = {"type": "http.response.start", "status": 200, "headers": _HEADERS}
        await self._send(start)
        gone = asyncio.create_task(_wait_until_gone(receive))
        gone.add_done_callback(lambda _: self._listener.end("gone"))
        watching = asyncio.create_task(self._watch_credential())
        # However it ends: a stream that nobody watches over is none.
        watching.add_done_callback(
            lambda _: self._listener.end("the credential is not what it was")
        )
        if self._connection is not None:
            self._connection.call_when_ending(lambda: self._listener.end("the service ends"))
        try:
            async with asyncio.timeout(None) as patience:
                self._patience = patience
                await self._write(b"retry: %d\n\n" % RETRY)
                while page and self._listener.ended is None:
                    await self._give(page)
                    page = await anext(missed, [])
                await self._follow()
                await self._finish()
        except TimeoutError:
            if self._connection is not None:
                self._connection.abort()
                await gone
        finally:
            gone.cancel()
            watching.cancel()

    async def _watch_credential(self) -> None:
        """Returns when the credential is not good any more, or for something else than before."""
        begun = _rights(principal(self._scope))
        while await self._has_now(begun):
            await asyncio.sleep(CHECKED)

    async def _has_now(self, rights: Rights) -> bool:
        try:
            return _rights(await principal_now(self._scope)) == rights
        except Problem as exc:
            # What is unavailable for a while says nothing of the credential.
            return exc.kind is SERVICE_UNAVAILABLE

    async def _follow(self) -> None:
        clock = asyncio.get_running_loop().time
        while self._listener.ended is None and (left := self._end - clock()) > 0:
            events = await self._listener.take(min(left, HEARTBEAT))
            if events:
                await self._give(events)
            elif self._listener.ended is None and clock() < self._end:
                await self._write(b":\n\n")

    async def _give(self, events: list[Event]) -> None:
        """Sends those that were not sent yet: what was missed and what is new may overlap."""
        fresh = [event for event in events if event.sequence > self._last]
        if fresh:
            self._last = fresh[-1].sequence
            await self._write(b"".join(event.chunk for event in fresh))

    async def _finish(self) -> None:
        """The end; the client comes again by itself, and goes on where it was."""
        if self._listener.ended == "gone":
            return
        reason = self._listener.ended or "its time is over"
        await self._write(f": the end, as {reason}\n\n".encode())
        await self._send({"type": "http.response.body", "body": b""})

    async def _write(self, chunk: bytes) -> None:
        """Sends; a client that does not read is given up, as it would keep what it is sent here."""
        self._patience.reschedule(asyncio.get_running_loop().time() + PATIENCE)
        await self._send({"type": "http.response.body", "body": chunk, "more_body": True})
        self._patience.reschedule(None)


def _rights(who: Mapping[str, Any]) -> Rights:
    return who["sub"], who["scopes"], who.get("tenant")


async def _wait_until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
