"""uvicorn's HTTP/1.1 with limits on what is not a request yet, and refusals in our own words.

uvicorn takes a head of any size, waits for ever for the rest of a request and for a client to read,
and adds the fields of a chunked body's trailer to the headers when they come in the same segment.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from openapi.connection import KEY
from openapi.connection_limits import ConnectionLimits
from openapi.problems import (
    HEADERS_TOO_LARGE,
    MALFORMED_HTTP,
    REQUEST_TIMEOUT,
    Answer,
    Headers,
    Problem,
    ProblemType,
    write_problem,
)

MAX_HEAD = 128 * 1024  # bytes that do not end a head, or a trailer; FramingMiddleware says more
# Seconds in which LEAST bytes of a request have to come, or all of it, or be read of an answer.
PATIENCE = 20.0
LEAST = 8 * 1024  # bytes
# Seconds for which a connection that may still bring a request is kept when the service ends:
# longer than a gateway takes to notice that nothing listens any more.
LINGER = 1.5

_WHOLE_URL = re.compile(rb"https?://([^/?#]*)", re.IGNORECASE)

logger = logging.getLogger(__name__)


class StrictProtocol(HttpToolsProtocol):
    """One connection.

    ``limits``: of the connections that there may be. ``headers``: of each refusal.
    """

    def __init__(
        self,
        *args: Any,
        limits: ConnectionLimits | None = None,
        headers: Headers | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self._limits = limits
        self._own_headers = headers or []
        self._leave: Callable[[], None] | None = None
        self._is_turned_away = False
        self._stall: asyncio.TimerHandle | None = None
        self._unread = 0  # bytes that waited to be sent when the stall began

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection that says nothing is not kept, and one too many not taken."""
        super().connection_made(transport)
        self._is_under_way = True  # a request has begun, and has not come whole
        self._came_on = False  # by what was received last
        self._without_end = 0  # bytes since it last came on
        self._received = 0  # bytes since the watch began
        self._watch: asyncio.TimerHandle | None = None
        self._is_ending = False  # and so is the service
        self._at_end: list[Callable[[], None]] = []
        try:
            self._enter()
        except Problem as problem:
            self._turn_away(problem)
        else:
            self._start_watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is waited for any more."""
        if self._leave is not None:
            self._leave()
        self._stop_watch()
        self._stop_stall()
        self._at_end.clear()
        super().connection_lost(exc)

    def call_when_ending(self, act: Callable[[], None]) -> None:
        """Has ``act`` called once when the server begins to shut down; at once if it has begun."""
        if self._is_ending:
            act()
        else:
            self._at_end.append(act)

    def leave_date(self, extensions: Mapping[str, Any]) -> bool:
        """Has the answer to the request with these ``extensions`` keep its own ``Date``."""
        cycle = self.cycle
        if cycle is None or cycle.scope["extensions"] is not extensions:
            return False  # another request was sent before this one was answered
        cycle.default_headers = [(n, v) for n, v in cycle.default_headers if n != b"date"]
        return True

    def abort(self) -> None:
        """Drops the connection with all that waits to be sent."""
        self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Reads on, within the limits."""
        if self._is_turned_away:
            return
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
        if b"#" in self.url:
            raise ValueError("a target has no fragment")  # the parser makes a refusal of it
        if not self.url.startswith((b"/", b"*")):
            self._take_authority()
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

    def _enter(self) -> None:
        if self._limits is not None and self.client is not None:
            port = self.server[1] if self.server else None
            self._leave = self._limits.enter(self.client[0], port)

    def _turn_away(self, problem: Problem) -> None:
        """Answers before anything is asked, and lets the client read it.

        To close a socket on which something came that was not read resets the connection, and the
        answer may be lost with it: only this end is closed until the client has closed its own.
        """
        self._is_turned_away = True
        self._write(problem)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.abort)

    def _take_authority(self) -> None:
        """A target that is a whole URL says which host is meant, whatever ``Host`` says.

        RFC 9112 §3.2.2. Who is let in by ``Host`` is let in by what takes its place.
        """
        match = _WHOLE_URL.match(self.url)
        if match is None:
            raise ValueError("a whole URL is one of http or https")
        self.headers[:] = [(n, match[1] if n == b"host" else v) for n, v in self.headers]

    def pause_writing(self) -> None:
        """The client does not read as fast as is written to it."""
        super().pause_writing()
        self._start_stall()

    def resume_writing(self) -> None:
        """The client has read."""
        super().resume_writing()
        self._stop_stall()

    def _start_stall(self) -> None:
        self._unread = self.transport.get_write_buffer_size()
        self._stall = self.loop.call_later(PATIENCE, self._look_at_reader)

    def _stop_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _look_at_reader(self) -> None:
        # What it does not read is held here, and with it a connection to a service.
        if self._unread - self.transport.get_write_buffer_size() >= LEAST:
            self._start_stall()
        else:
            logger.info("%s did not read its answer", self.client[0] if self.client else None)
            self.transport.abort()

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
            self._write(Problem(kind, detail, headers={"Connection": "close"}))
        self.transport.close()

    def _write(self, problem: Problem) -> None:
        """Writes an answer that no application has seen, with an id of its own."""
        request_id = os.urandom(16).hex()
        client = self.client[0] if self.client else None
        logger.info("refused %s as %s: %s", client, request_id, problem.kind.slug)
        answer = write_problem(problem, request_id)
        answer.headers.extend([(b"x-request-id", request_id.encode()), *self._own_headers])
        self.transport.write(_to_wire(answer))


def _to_wire(answer: Answer) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    lines: Iterable[bytes] = (name + b": " + value for name, value in answer.headers)
    head = f"HTTP/1.1 {answer.status} {phrase}".encode()
    return b"\r\n".join([head, *lines, b"", answer.body])
