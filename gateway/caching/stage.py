"""The stage that answers from memory where it may, and asks the service where it must."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping
from urllib.parse import urljoin, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.caching.entries import first
from gateway.caching.flights import Flights
from gateway.caching.keys import CachedOperation
from gateway.caching.lookup import Lookup
from gateway.caching.store import MemoryStore
from gateway.upstreams import UpstreamError
from openapi.problems import Headers
from openapi.request import operation_id

SAFE = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))

logger = logging.getLogger(__name__)


class CacheMiddleware:
    """Stands next to the forwarder: whoever gets here may have the answer, and within the limits.

    Every change that gets through is looked at, as it may be one of what is kept.
    """

    def __init__(
        self,
        app: ASGIApp,
        operations: Mapping[str, CachedOperation],
        store: MemoryStore,
        now: Callable[[], float] = time.time,
    ) -> None:
        """``now``: seconds since the epoch."""
        self.app = app
        self.store = store
        self.flights = Flights()
        self.now = now
        self._operations = operations
        self._refreshing: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] not in SAFE:
            await self._change(scope, receive, send)
            return
        operation = self._operations.get(operation_id(scope) or "")
        if operation is None:
            await self.app(scope, receive, send)
        else:
            await Lookup(self, operation, scope, receive, send).answer()

    async def close(self) -> None:
        """Ends what is still being refreshed."""
        for task in self._refreshing:
            task.cancel()
        await asyncio.gather(*self._refreshing, return_exceptions=True)

    def refresh(self, lookup: Lookup) -> None:
        """Asks the service for the answer again, for nobody in particular."""
        task = asyncio.create_task(_quietly(lookup))
        self._refreshing.add(task)
        task.add_done_callback(self._refreshing.discard)

    async def _change(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def watch(message: Message) -> None:
            # Before the client is told: its next request shall see what it did.
            if message["type"] == "http.response.start" and message["status"] < 400:
                self._invalidate(scope, message["headers"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except UpstreamError:
            self._invalidate(scope, [])  # it may have been done
            raise

    def _invalidate(self, scope: Scope, answer: Headers) -> None:
        """RFC 9111 §4.4, for every query, and for what is above and below the path as well."""
        for path in {scope["raw_path"], *_named(scope, answer)}:
            self.store.invalidate(path)
            self.flights.invalidate(path)


def _named(scope: Scope, answer: Headers) -> Iterator[bytes]:
    """The paths that the answer names, of URLs of this host (§4.4 forbids others)."""
    host = (first(scope["headers"], b"host") or b"").decode("latin-1").lower()
    for name in (b"location", b"content-location"):
        url = (first(answer, name) or b"").decode("latin-1")
        with contextlib.suppress(ValueError):  # it is no URL
            parts = urlsplit(urljoin(scope["raw_path"].decode("latin-1"), url))
            if parts.netloc.lower() in ("", host):
                yield parts.path.encode("latin-1")


async def _quietly(lookup: Lookup) -> None:
    try:
        await lookup.refresh()
    except UpstreamError as exc:
        logger.info("%s was not refreshed: %s", lookup.key.operation, exc)
    except Exception:
        logger.exception("%s was not refreshed", lookup.key.operation)
