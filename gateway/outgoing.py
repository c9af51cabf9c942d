"""A request on its way to a service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from multidict import CIMultiDict
from starlette.types import Receive

from gateway.retries import may_happen_twice
from openapi.bodies import ClientDisconnected
from openapi.policy import Policy


class Upload(AsyncIterator[bytes]):
    """A body as it comes.

    ``failure``: what ended it too early, which the client library hides. ``has_begun``: some of it
    was taken, so it cannot be sent a second time.
    """

    def __init__(self, receive: Receive) -> None:
        self.failure: Exception | None = None
        self.has_begun = False
        self._receive = receive
        self._more = True

    async def __anext__(self) -> bytes:
        if not self._more:
            raise StopAsyncIteration
        self.has_begun = True
        try:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnected
        except Exception as exc:
            self.failure = exc
            raise
        self._more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body


@dataclass(slots=True)
class Outgoing:
    """``target`` is path and query as they were received; ``takes_key``: an Idempotency-Key."""

    policy: Policy
    method: str
    target: str
    headers: CIMultiDict[str]
    body: bytes | Upload | None = None
    takes_key: bool = False

    @property
    def client_failure(self) -> Exception | None:
        """What ended the request's body too early, if anything did."""
        return self.body.failure if isinstance(self.body, Upload) else None

    def may_go_again(self, was_sent: bool) -> bool:
        """Whether it may be sent once more; ``was_sent``: the service may have got it."""
        if isinstance(self.body, Upload) and self.body.has_begun:
            return False
        return not was_sent or may_happen_twice(self.method, self.headers, self.takes_key)
