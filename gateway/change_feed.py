"""One look at the inventory's feed of changes, for everybody who listens."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from multidict import CIMultiDict

from gateway.identity import Identities
from gateway.outgoing import Outgoing
from gateway.upstreams import UpstreamBroken, UpstreamError, Upstreams
from openapi.policy import Policy

PATH = "/v1/changes"
NOW = "now"  # the cursor after the last change there is
PAGE = 500  # changes
WAIT = 20  # seconds that the inventory waits for a change; the contract's maximum
TRY_AGAIN = 1.0  # seconds after an upstream's error
BUFFERED = 1000  # changes that wait for one listener

Principal = Mapping[str, Any]
# Sees everybody's changes; each listener is given only what is its own.
OURSELVES: Principal = {
    "sub": "gateway",
    "scopes": frozenset({"customers:read", "devices:read"}),
    "tenant": None,
}

logger = logging.getLogger(__name__)


class CursorRefused(Exception):
    """The cursor is none of the inventory's."""


@dataclass(frozen=True, slots=True)
class Event:
    """A change: its place in the feed, whose it is ("" for nobody's), and as it is sent."""

    sequence: int
    customer: str
    kind: str
    chunk: bytes


class Listener:
    """Somebody who is given changes, of one customer (None: everybody's) and of some kinds."""

    def __init__(self, tenant: str | None, kinds: Collection[str]) -> None:
        self.ended: str | None = None  # why no more is given
        self._tenant = tenant
        self._kinds = frozenset(kinds)
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue()

    def offer(self, event: Event) -> None:
        """Keeps the change for the listener, who is dropped when too many are kept already."""
        if self.ended or (self._tenant is not None and event.customer != self._tenant):
            return
        if self._kinds and event.kind not in self._kinds:
            return
        if self._waiting.qsize() >= BUFFERED:
            self.end("changes came faster than they were read")
        else:
            self._waiting.put_nowait(event)

    def end(self, reason: str) -> None:
        """Gives nothing more; the first reason is the one."""
        if self.ended is None:
            self.ended = reason
            self._waiting.put_nowait(None)

    async def take(self, patience: float) -> list[Event]:
        """What there is, after waiting for it for so many seconds; nothing when it has ended."""
        found = []
        if self._waiting.empty():
            try:
                found.append(await asyncio.wait_for(self._waiting.get(), patience))
            except TimeoutError:
                return []
        while not self._waiting.empty():
            found.append(self._waiting.get_nowait())
        return [event for event in found if event is not None]


class ChangeFeed:
    """Follows the feed as long as anybody listens."""

    def __init__(self, upstreams: Upstreams, identities: Identities, policy: Policy) -> None:
        """``policy``: of the operation that the feed is."""
        self._upstreams = upstreams
        self._identities = identities
        self._policy = policy
        self._listeners: set[Listener] = set()
        self._following: asyncio.Task[None] | None = None
        self._begun: asyncio.Future[None] | None = None

    async def join(self, listener: Listener) -> None:
        """From now on, the listener is given every change; or ``UpstreamError``."""
        self._listeners.add(listener)
        if self._begun is None:
            self._begun = asyncio.get_running_loop().create_future()
            self._following = asyncio.create_task(self._follow(self._begun))
        # A listener that goes away does not end what the others wait for.
        await asyncio.shield(self._begun)

    def leave(self, listener: Listener) -> None:
        """Gives nothing more to the listener."""
        self._listeners.discard(listener)
        if not self._listeners and self._following is not None:
            self._following.cancel()
            self._following = self._begun = None

    async def page(
        self, principal: Principal, after: str, wait: int = 0, kinds: Collection[str] = ()
    ) -> tuple[list[Event], str]:
        """The changes after a cursor as the principal may see them, and the cursor after them.

        ``UpstreamError`` when they cannot be had, ``CursorRefused``.
        """
        asked = [("after", after), ("wait", str(wait)), ("limit", str(PAGE))]
        target = f"{PATH}?{urlencode(asked + [('kind', kind) for kind in kinds])}"
        service = self._policy.upstream or ""
        headers = CIMultiDict({"Authorization": self._identities.header(principal, service)})
        request = Outgoing(self._policy, "GET", target, headers)
        async with self._upstreams.send(request) as response:
            content = await response.read()
        if response.status == 400:
            raise CursorRefused
        if response.status != 200:
            raise UpstreamBroken(f"{response.status} for the feed of changes")
        return _page(content)

    async def _follow(self, begun: asyncio.Future[None]) -> None:
        after = NOW
        while True:
            try:
                events, after = await self.page(OURSELVES, after, 0 if after == NOW else WAIT)
            except UpstreamError as exc:
                if not begun.done():
                    self._give_up(begun, exc)
                    return
                await asyncio.sleep(TRY_AGAIN)
                continue
            if not begun.done():
                begun.set_result(None)
            for event in events:
                for listener in self._listeners:
                    listener.offer(event)

    def _give_up(self, begun: asyncio.Future[None], exc: Exception) -> None:
        """Those who wait for the beginning are told; who comes next tries again."""
        begun.set_exception(exc)
        begun.exception()  # all of them may be gone
        self._following = self._begun = None


def _page(content: bytes) -> tuple[list[Event], str]:
    """The changes of a page and its ``next``; ``UpstreamBroken`` when it is none.

    Whoever listens would wait for ever if another error ended the following of the feed.
    """
    try:
        page = json.loads(content)
        return [_event(item) for item in page["items"]], page["next"]
    except (ValueError, KeyError, TypeError) as exc:
        raise UpstreamBroken("what is no page of the feed of changes") from exc


def _event(item: Mapping[str, Any]) -> Event:
    """A change as an event of a stream: its id is the cursor that a client goes on with."""
    data = json.dumps(item, ensure_ascii=False, separators=(",", ":"))
    chunk = f"id: {item['cursor']}\ndata: {data}\n\n".encode()
    return Event(int(item["id"]), item.get("customer", ""), item["data"]["kind"], chunk)
