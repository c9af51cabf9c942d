"""Answers that never change while the gateway runs: each is compressed once a coding, not again."""

from __future__ import annotations

import asyncio
import hashlib

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.codings import ENCODERS
from gateway.compression import SMALLEST, coding_of, is_text
from openapi.request import header


class FixedPage:
    """A page out of memory, with an ``ETag`` by its content (RFC 9110 §8.8.3)."""

    def __init__(self, content: bytes, media_type: str, *, coded: bool) -> None:
        """``coded``: compressed for clients that take it, where that is worth it."""
        plain = Response(content, media_type=media_type)
        self._is_coded = (
            coded and len(content) >= SMALLEST and is_text(plain.headers["content-type"].encode())
        )
        self._content = content
        self._media_type = media_type
        self._digest = hashlib.sha256(content).hexdigest()[:32]
        self._answers: dict[str | None, Response] = {None: self._answer(plain, None)}
        self._lock = asyncio.Lock()  # a crowd that comes first compresses it once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # The compression outside has taken its codings off the tags in conditions.
        if self._is_held(header(scope, b"if-none-match")):
            answer = self._answer(Response(status_code=304), None)
        else:
            answer = await self._in(coding_of(scope) if self._is_coded else None)
        await answer(scope, receive, send)

    async def _in(self, coding: str | None) -> Response:
        if coding not in self._answers:
            async with self._lock:
                if coding not in self._answers:
                    self._answers[coding] = await asyncio.to_thread(self._code, coding or "")
        return self._answers[coding]

    def _code(self, coding: str) -> Response:
        content = ENCODERS[coding]().finish(self._content)
        answer = self._answer(Response(content, media_type=self._media_type), coding)
        answer.headers["Content-Encoding"] = coding
        return answer

    def _answer(self, answer: Response, coding: str | None) -> Response:
        answer.headers["ETag"] = f'"{self._digest}+{coding}"' if coding else f'"{self._digest}"'
        if self._is_coded:
            answer.headers["Vary"] = "Accept-Encoding"
        return answer

    def _is_held(self, condition: str | None) -> bool:
        tags = [tag.strip().removeprefix("W/").strip('"') for tag in (condition or "").split(",")]
        return self._digest in tags or tags == ["*"]
