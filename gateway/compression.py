"""Compresses answers for clients that take it (RFC 9110 §8.4), streamed ones as they come."""

from __future__ import annotations

import asyncio
import re
from concurrent.futures import Executor, ThreadPoolExecutor
from functools import lru_cache

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.coded_tags import CodedTags
from gateway.codings import ENCODERS, Encoder, choose
from gateway.vary import with_vary
from openapi.problems import Headers

SMALLEST = 1024  # bytes; less fits into one packet anyway
IN_PLACE = 16 * 1024  # bytes that take less than a millisecond; more is left to a thread
# A crowd that asks for long answers takes no more processors than this, and no thread from those
# that look up names.
THREADS = 2

_TYPES = re.compile(
    rb"(text/(?!event-stream)[^;]+|application/(json|yaml|xml|x-ndjson|javascript)"
    rb"|[a-z]+/[^;]+\+(json|yaml|xml))\s*(;.*)?",
    re.IGNORECASE,
)
_WITHOUT_BODY = frozenset((204, 205, 206, 304))
# Already coded, a part of something, or with a digest of the very bytes (RFC 9530).
_LEFT_ALONE = frozenset(
    (b"content-encoding", b"content-range", b"content-digest", b"repr-digest", b"digest",
     b"content-md5")
)  # fmt: skip
_NOT_CODED = frozenset((b"content-length", b"accept-ranges"))


class CompressionMiddleware:
    """Compresses what is worth it: text of a size, or of a size that is not known yet.

    Never an answer that may not be stored: it holds a secret, whose length compression would tell
    (BREACH), nor one that says ``no-transform`` (RFC 9111 §5.2.2.6).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self._tags = CodedTags(ENCODERS)
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="compression")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers, had = self._tags.decode(scope["headers"])
        if had:
            scope = {**scope, "headers": headers}
        answer = _Answer(coding_of(scope), self._tags, had, send, self._threads)
        try:
            await self.app(scope, receive, answer.send)
        finally:
            await answer.give_up()


class _Answer:
    """One answer on its way out. Its start is kept back until it is known what the body is like."""

    __slots__ = ("_coding", "_encoder", "_had", "_send", "_start", "_tags", "_threads")

    def __init__(
        self,
        coding: str | None,
        tags: CodedTags,
        had: dict[bytes, bytes],
        send: Send,
        threads: Executor,
    ) -> None:
        self._coding = coding
        self._tags = tags
        self._had = had
        self._send = send
        self._threads = threads
        self._start: Message | None = None
        self._encoder: Encoder | None = None

    async def send(self, message: Message) -> None:
        """What the application sends."""
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif self._start is not None:
            await self._first(self._start, message)
        elif self._encoder is not None:
            await self._send(await self._coded(self._encoder, message))
        else:
            await self._send(message)

    async def give_up(self) -> None:
        """Sends what was kept back, when the application ended before its body began."""
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)

    async def _begin(self, start: Message) -> None:
        headers: Headers = start["headers"]
        if self._had and start["status"] == 304:
            start["headers"] = [(n, self._had.get(v, v) if n == b"etag" else v) for n, v in headers]
        elif _is_worth_it(start["status"], headers):
            start["headers"] = with_vary(headers, b"Accept-Encoding")
            if self._coding is not None:
                self._start = start
                return
        await self._send(start)

    async def _first(self, start: Message, message: Message) -> None:
        self._start = None
        body: bytes = message.get("body", b"")
        more = message.get("more_body", False)
        if not more and len(body) < SMALLEST:
            await self._send(start)
            await self._send(message)
            return
        assert self._coding is not None
        self._encoder = ENCODERS[self._coding]()
        coded = await self._coded(self._encoder, message)
        length = None if more else len(coded["body"])
        start["headers"] = self._headers(start["headers"], self._coding, length)
        await self._send(start)
        await self._send(coded)

    async def _coded(self, encoder: Encoder, message: Message) -> Message:
        work = encoder.write if message.get("more_body") else encoder.finish
        body: bytes = message.get("body", b"")
        # The libraries let other threads run meanwhile, so other requests do not wait for this one.
        if len(body) <= IN_PLACE:
            return {**message, "body": work(body)}
        loop = asyncio.get_running_loop()
        return {**message, "body": await loop.run_in_executor(self._threads, work, body)}

    def _headers(self, headers: Headers, coding: str, length: int | None) -> Headers:
        coded = [
            (name, self._tags.code(value, coding) if name == b"etag" else value)
            for name, value in headers
            if name not in _NOT_CODED
        ]
        coded.append((b"content-encoding", coding.encode()))
        if length is not None:
            coded.append((b"content-length", b"%d" % length))
        return coded


def coding_of(scope: Scope) -> str | None:
    """The coding for the answers to this request; None: they go as they are."""
    accept: list[str] = []
    for name, value in scope["headers"]:
        if name == b"accept-encoding":
            accept.append(value.decode("latin-1"))
        elif name == b"range" or (name == b"cache-control" and b"no-transform" in value.lower()):
            return None
    return choose(",".join(accept)) if accept and scope["method"] != "HEAD" else None


def _is_worth_it(status: int, headers: Headers) -> bool:
    given = dict(headers)
    length = given.get(b"content-length")
    if length is not None and int(length) < SMALLEST:
        return False
    if status in _WITHOUT_BODY or not _LEFT_ALONE.isdisjoint(given):
        return False
    held = b",".join(v for n, v in headers if n == b"cache-control").lower()
    if b"no-transform" in held or b"no-store" in held:
        return False
    return is_text(given.get(b"content-type", b""))


@lru_cache(maxsize=64)
def is_text(media_type: bytes) -> bool:
    """Whether answers of this ``Content-Type`` get smaller."""
    return _TYPES.fullmatch(media_type) is not None
