"""Holds each request's body to the size that the contract gives its operation."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openapi.problems import CONTENT_TOO_LARGE, INVALID_REQUEST, Problem
from openapi.request import header, operation_id

MAX_DIGITS = 18  # of a Content-Length; no limit has as many


class BodyLimitMiddleware:
    """Refuses a body by its ``Content-Length``, or as soon as it has grown too large."""

    def __init__(self, app: ASGIApp, *, limits: Mapping[str, int]) -> None:
        """``limits``: operationId to the bytes that a body may have."""
        self.app = app
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self._limits[operation_id(scope) or ""]
        length = header(scope, b"content-length")
        if length is None:
            await self.app(scope, _counted(receive, limit), send)
            return
        if not (length.isascii() and length.isdigit()):
            raise Problem(INVALID_REQUEST, "Content-Length is not a number.")
        # Python reads no number of thousands of digits.
        if len(length) > MAX_DIGITS or int(length) > limit:
            raise too_large(limit)
        await self.app(scope, receive, send)


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def receive_counted() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise too_large(limit)
        return message

    return receive_counted


def too_large(limit: int) -> Problem:
    """The refusal of a body that has more than ``limit`` bytes."""
    # The rest of the body is not read, so the connection cannot be used again.
    return Problem(
        CONTENT_TOO_LARGE,
        f"The body may have {limit} bytes at the most.",
        headers={"Connection": "close"},
    )
