"""An answer on its way from the service: read whole while it may be kept, passed on otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Message, Send

from openapi.problems import Headers

LONGEST = 256 * 1024  # bytes of a body; a longer one is not kept, and streamed as ever

Wanted = Callable[[int, Headers], bool]


@dataclass(frozen=True, slots=True)
class Whole:
    """An answer that was read whole, of which nothing has been sent."""

    status: int
    headers: Headers
    body: bytes


class Recording:
    """Takes an answer, and reads it whole as long as it is ``wanted`` and not too long.

    Nobody who waits for it waits for its own client, which may read it slowly. ``pass_on`` makes
    the start of one that is passed on, before which nothing was sent.
    """

    def __init__(self, wanted: Wanted, pass_on: Callable[[Message], Message], send: Send) -> None:
        self.is_passed = False
        self._wanted = wanted
        self._pass_on = pass_on
        self._send = send
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._length = 0

    @property
    def whole(self) -> Whole:
        """What was read."""
        assert self._start is not None
        return Whole(self._start["status"], self._start["headers"], b"".join(self._parts))

    async def send(self, message: Message) -> None:
        """What the service's answer is made of."""
        if self.is_passed:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self._start = message
            if not self._wanted(message["status"], message["headers"]):
                await self._give_up()
        else:
            self._parts.append(message.get("body", b""))
            self._length += len(self._parts[-1])
            if self._length > LONGEST:
                await self._give_up(message.get("more_body", False))

    async def _give_up(self, more: bool = True) -> None:
        start, self._start = self._start, None
        assert start is not None
        self.is_passed = True
        await self._send(self._pass_on(start))
        if self._parts:
            body = b"".join(self._parts)
            self._parts.clear()
            await self._send({"type": "http.response.body", "body": body, "more_body": more})
