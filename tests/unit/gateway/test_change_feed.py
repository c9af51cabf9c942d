"""Who is given which changes, and what becomes of those who do not take them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.change_feed import BUFFERED, ChangeFeed, CursorRefused, Event, Listener
from gateway.outgoing import Outgoing
from gateway.upstreams import UpstreamBroken, UpstreamUnreachable
from openapi.policy import Policy

POLICY = Policy("inventory", 1.0, 1.0, 0)


def an_event(sequence: int = 1, customer: str = "", kind: str = "devices") -> Event:
    return Event(sequence, customer, kind, b"%d" % sequence)


async def taken(listener: Listener) -> list[int]:
    return [event.sequence for event in await listener.take(0)]


def test_a_listener_of_a_customer_is_given_only_what_is_the_customers() -> None:
    async def run() -> None:
        bound, unbound = Listener("acme", ()), Listener(None, ())
        for number, customer in enumerate(("acme", "other", ""), 1):
            for listener in (bound, unbound):
                listener.offer(an_event(number, customer))

        assert await taken(bound) == [1]
        assert await taken(unbound) == [1, 2, 3]

    asyncio.run(run())


def test_a_listener_of_some_kinds_is_given_those() -> None:
    async def run() -> None:
        listener = Listener(None, ["homes", "areas"])
        for number, kind in enumerate(("homes", "devices", "areas"), 1):
            listener.offer(an_event(number, kind=kind))

        assert await taken(listener) == [1, 3]

    asyncio.run(run())


def test_who_does_not_take_what_is_kept_is_dropped_and_keeps_that() -> None:
    async def run() -> None:
        listener = Listener(None, ())
        for number in range(BUFFERED + 2):
            listener.offer(an_event(number))

        assert listener.ended == "changes came faster than they were read"
        assert await taken(listener) == list(range(BUFFERED))

    asyncio.run(run())


def test_the_first_reason_to_end_is_the_one_and_wakes_who_waits() -> None:
    async def run() -> None:
        listener = Listener(None, ())
        waiting = asyncio.create_task(listener.take(60))
        await asyncio.sleep(0)
        listener.end("gone")
        listener.end("late")
        listener.offer(an_event())

        assert await asyncio.wait_for(waiting, 5) == []
        assert listener.ended == "gone"

    asyncio.run(run())


class Inventory:
    """Stands for the upstream: answers with what it is told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.pages: asyncio.Queue[Any] = asyncio.Queue()

    @asynccontextmanager
    async def send(self, request: Outgoing) -> AsyncIterator[Any]:
        self.asked.append(request.target)
        page = await self.pages.get()
        if isinstance(page, Exception):
            raise page
        yield page


class Answer:
    def __init__(self, content: bytes, status: int = 200) -> None:
        self.status = status
        self._content = content

    async def read(self) -> bytes:
        return self._content


def a_page(after: str, *sequences: int) -> Answer:
    item = '{{"id": "{0}", "cursor": "c{0}", "data": {{"kind": "devices"}}}}'
    items = ", ".join(item.format(number) for number in sequences)
    return Answer(f'{{"items": [{items}], "next": "{after}"}}'.encode())


class Identities:
    def header(self, _principal: Any, _upstream: str) -> str:
        return "Bearer x"


def a_feed(inventory: Inventory) -> ChangeFeed:
    return ChangeFeed(inventory, Identities(), POLICY)  # type: ignore[arg-type]  # stand-ins


def test_all_who_listen_are_one_question() -> None:
    async def run() -> None:
        inventory = Inventory()
        feed, listeners = a_feed(inventory), [Listener(None, ()) for _ in range(3)]
        inventory.pages.put_nowait(a_page("a"))
        await asyncio.gather(*map(feed.join, listeners))
        inventory.pages.put_nowait(a_page("b", 1, 2))

        for listener in listeners:
            first = await listener.take(5)
            assert [event.sequence for event in first] == [1, 2]
            assert first[0].chunk.startswith(b"id: c1\ndata: {")
        assert inventory.asked[0] == "/v1/changes?after=now&wait=0&limit=500"
        assert "after=a&wait=20" in inventory.asked[1]
        for listener in listeners:
            feed.leave(listener)

    asyncio.run(run())


def test_nobody_is_asked_when_nobody_listens() -> None:
    async def run() -> None:
        inventory = Inventory()
        feed, listener = a_feed(inventory), Listener(None, ())
        inventory.pages.put_nowait(a_page("a"))
        await feed.join(listener)
        feed.leave(listener)
        asked = len(inventory.asked)
        inventory.pages.put_nowait(a_page("b"))
        for _ in range(10):
            await asyncio.sleep(0)

        assert len(inventory.asked) == asked

    asyncio.run(run())


def test_a_beginning_that_fails_is_told_and_the_next_one_tries_again() -> None:
    async def run() -> None:
        inventory = Inventory()
        feed, listener = a_feed(inventory), Listener(None, ())
        inventory.pages.put_nowait(UpstreamUnreachable())
        with pytest.raises(UpstreamUnreachable):
            await feed.join(listener)
        feed.leave(listener)

        inventory.pages.put_nowait(a_page("a"))
        await feed.join(listener)
        feed.leave(listener)

    asyncio.run(run())


def test_an_upstream_that_fails_later_is_asked_again_from_where_it_was(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.change_feed.TRY_AGAIN", 0.0)

    async def run() -> None:
        inventory = Inventory()
        feed, listener = a_feed(inventory), Listener(None, ())
        inventory.pages.put_nowait(a_page("a"))
        await feed.join(listener)
        inventory.pages.put_nowait(Answer(b"{}", 503))
        inventory.pages.put_nowait(a_page("b", 7))

        assert [event.sequence for event in await listener.take(5)] == [7]
        assert [("after=a" in asked) for asked in inventory.asked[1:3]] == [True, True]
        feed.leave(listener)

    asyncio.run(run())


@pytest.mark.parametrize(("status", "error"), [(400, CursorRefused), (500, UpstreamBroken)])
def test_a_page_that_is_none_is_an_error(status: int, error: type[Exception]) -> None:
    async def run() -> None:
        inventory = Inventory()
        inventory.pages.put_nowait(Answer(b"{}", status))
        with pytest.raises(error):
            await a_feed(inventory).page({"sub": "x"}, "start")

    asyncio.run(run())


@pytest.mark.parametrize("content", [b"", b"x", b"0", b"[]", b"{}", b'{"items": [0], "next": "a"}'])
def test_who_waits_for_the_beginning_is_told_of_a_page_that_cannot_be_read(content: bytes) -> None:
    async def run() -> None:
        inventory = Inventory()
        inventory.pages.put_nowait(Answer(content))
        with pytest.raises(UpstreamBroken):
            await asyncio.wait_for(a_feed(inventory).join(Listener(None, ())), 5)

    asyncio.run(run())
