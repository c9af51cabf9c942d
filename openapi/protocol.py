"""uvicorn's HTTP/1.1 with limits on what is not a request yet, and refusals in our own words.

uvicorn takes a head of any size, waits for the rest of a request for ever, and adds the fields of a
chunked body's trailer to the headers when they come in the same segment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openapi.connection import KEY
from openapi.problems import (
    HEADERS_TOO_LARGE,
    MALFORMED_HTTP,
    REQUEST_TIMEOUT,
    Answer,
    Problem,
    ProblemType,
    write_problem,
)

MAX_HEAD = 128 * 1024  # bytes that do not end a head, or a trailer; FramingMiddleware says more
PATIENCE = 20.0  # seconds in which a request has to come whole, or LEAST bytes of it
LEAST = 8 * 1024  # bytes
# Seconds for which a connection that may still bring a request is kept when the service ends:
# longer than a gateway takes to notice that nothing listens any more.
LINGER = 1.5


class StrictProtocol(HttpToolsProtocol):
    """One connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that says nothing is not kept."""
        super().connection_made(transport)
        self._is_under_way = True  # a request has begun, and has not come whole
        self._came_on = False  # by what was received last
        self._without_end = 0  # bytes since it last came on
        self._received = 0  # bytes since the watch began
        self._watch: asyncio.TimerHandle | None = None
        self._is_ending = False  # and so is the service
        self._at_end: list[Callable[[], None]] = []
        self._start_watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        self._stop_watch()
        self._at_end.clear()
        super().connection_lost(exc)

    def call_when_ending(self, act: Callable[[], None]) -> None:
        """Has ``act`` called once when the server begins to shut down; at once if it has begun."""
        if self._is_ending:
            act()
        else:
            self._at_end.append(act)

    def abort(self) -> None:
        """Drops the connection with all that waits to be sent."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Reads on, within the limits."""
        self._came_on = False
        super().data_received(data)
        self._received += len(data)
        self._without_end = 0 if self._came_on else self._without_end + len(data)
        if self._without_end > MAX_HEAD:
            self._refuse(HEADERS_TOO_LARGE, "The headers do not end.")
        elif not self._is_under_way:
            self._stop_watch()
        elif self._watch is None:
            self._start_watch()

    def on_message_begin(self) -> None:
        """The first bytes of a request."""
        self._is_under_way = True
        super().on_message_begin()
        self._at_end.clear()  # of the answer before
        self.scope["extensions"] = cast(Any, {KEY: self})  # more than uvicorn knows of

    def on_headers_complete(self) -> None:
        """The head of a request."""
        self._came_on = True
        super().on_headers_complete()
        # What is still added are the fields of a trailer, which are no headers (RFC 9110 §6.5.1).
        self.headers = []
        if self._is_ending:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """A part of a body."""
        self._came_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The end of a request."""
        self._came_on = True
        self._is_under_way = False
        super().on_message_complete()

    def shutdown(self) -> None:
        """Ends the connection, and loses no request that is on its way meanwhile.

        uvicorn closes it at once when it is idle, or after an answer that has begun without
        ``Connection: close``: a request that was just sent on it would be answered by a reset. Here
        the next answer says that it is the last one (RFC 9112 §9.6), or nothing comes for a while.
        """
        self._is_ending = True
        self.timeout_keep_alive = LINGER  # type: ignore[assignment]  # seconds, to call_later
        if self.cycle is None or self.cycle.response_complete:
            if not (self._is_under_way and self._received):  # else the watch goes on
                self._unset_keepalive_if_required()
                self.timeout_keep_alive_task = self.loop.call_later(
                    LINGER, self.timeout_keep_alive_handler
                )
        elif not self.cycle.response_started:
            self.cycle.keep_alive = False
        while self._at_end:
            self._at_end.pop()()

    def send_400_response(self, msg: str) -> None:
        """Answers what llhttp does not take: bad framing, folded lines, control characters."""
        self._refuse(MALFORMED_HTTP, "The request could not be read as HTTP/1.1.")

    def _start_watch(self) -> None:
        self._received = 0
        self._watch = self.loop.call_later(PATIENCE, self._look)

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def _look(self) -> None:
        self._watch = None
        if self._received >= LEAST or self.flow.read_paused:  # paused: it is us who are slow
            self._start_watch()
        elif self._received or self.cycle is not None:
            self._refuse(REQUEST_TIMEOUT, f"The request did not go on for {PATIENCE:.0f} s.")
        else:
            self.transport.close()

    def _refuse(self, kind: ProblemType, detail: str) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            problem = Problem(kind, detail, headers={"Connection": "close"})
            self.transport.write(_to_wire(write_problem(problem)))
        self.transport.close()


def _to_wire(answer: Answer) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    lines: Iterable[bytes] = (name + b": " + value for name, value in answer.headers)
    head = f"HTTP/1.1 {answer.status} {phrase}".encode()
    return b"\r\n".join([head, *lines, b"", answer.body])
