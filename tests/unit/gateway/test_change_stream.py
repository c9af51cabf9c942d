"""One stream: how it ends, and what becomes of a client that does not read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from gateway import change_stream
from gateway.change_feed import BUFFERED, ChangeFeed, Event, Listener
from gateway.change_stream import STREAMS, ChangeStream
from gateway.problems import TOO_MANY_STREAMS
from openapi import CONTRACT
from openapi.changed_kinds import ChangedKinds
from openapi.connection import KEY
from openapi.document import load_document
from openapi.problems import (
    INSUFFICIENT_SCOPE,
    SERVICE_UNAVAILABLE,
    UNAUTHORIZED,
    Problem,
    ProblemType,
)
from openapi.request import Validated

KINDS = ChangedKinds(load_document(CONTRACT))
PRINCIPAL = {"sub": "key", "tenant": None, "scopes": frozenset({"devices:read"})}


class Feed(ChangeFeed):
    """Stands for the feed: changes come when a test says so."""

    def __init__(self) -> None:
        self.listeners: list[Listener] = []

    async def join(self, listener: Listener) -> None:
        self.listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        self.listeners.remove(listener)


class Client:
    """A client that reads what it is sent, unless it is told not to."""

    def __init__(self, duration: int = 60) -> None:
        self.body = b""
        self.is_whole = False
        self.aborted = False
        self.reads = asyncio.Event()
        self.reads.set()
        self._gone = asyncio.Event()
        self.end: Callable[[], None] = lambda: None
        self.stands_for: Callable[[], dict[str, Any]] = lambda: PRINCIPAL
        parameters = {"kind": None, "duration": duration, "last_event_id": None, "after": None}
        self.scope: dict[str, Any] = {
            "extensions": {
                KEY: self,
                "openapi": Validated(parameters),
                "connexion_context": {"token_info": PRINCIPAL, "check_again": self.check_again},
            }
        }

    async def check_again(self) -> Any:
        return self.stands_for()

    async def receive(self) -> dict[str, Any]:
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        await self.reads.wait()
        self.body += message.get("body", b"")
        self.is_whole = message["type"] == "http.response.body" and not message.get("more_body")

    def call_when_ending(self, act: Callable[[], None]) -> None:
        self.end = act

    def abort(self) -> None:
        self.aborted = True
        self._gone.set()

    def go_away(self) -> None:
        self._gone.set()


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)  # between looks at the condition


def converse(talk: Callable[[Feed, Client, asyncio.Task[None]], Any], **options: Any) -> Client:
    """The client after ``talk``, and after its stream has ended."""

    async def run() -> Client:
        feed, client = Feed(), Client(**options)
        stream = ChangeStream(feed, KINDS)
        answer = asyncio.create_task(stream(client.scope, client.receive, client.send))
        await until(lambda: client.body)
        await talk(feed, client, answer)
        await asyncio.wait_for(answer, 10)
        assert feed.listeners == [], "nobody is left behind"
        return client

    return asyncio.run(run())


def test_the_end_of_the_service_is_a_clean_end() -> None:
    async def talk(_feed: Feed, client: Client, _answer: Any) -> None:
        client.end()

    client = converse(talk)
    assert client.is_whole
    assert client.body.endswith(b": the end, as the service ends\n\n")


def refuse(kind: ProblemType) -> dict[str, Any]:
    raise Problem(kind)


@pytest.mark.parametrize(
    "stands_for",
    [
        lambda: refuse(UNAUTHORIZED),
        lambda: refuse(INSUFFICIENT_SCOPE),
        lambda: PRINCIPAL | {"tenant": "acme"},
        lambda: PRINCIPAL | {"scopes": frozenset({"devices:read", "keys:read"})},
    ],
)
def test_a_stream_ends_when_its_credential_is_not_what_it_was(
    monkeypatch: pytest.MonkeyPatch, stands_for: Callable[[], dict[str, Any]]
) -> None:
    monkeypatch.setattr(change_stream, "CHECKED", 0.01)

    async def talk(_feed: Feed, client: Client, _answer: Any) -> None:
        client.stands_for = stands_for

    client = converse(talk)
    assert client.is_whole
    assert client.body.endswith(b": the end, as the credential is not what it was\n\n")


def test_an_issuer_that_cannot_be_asked_ends_no_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "CHECKED", 0.001)
    asked: list[None] = []

    async def talk(_feed: Feed, client: Client, _answer: Any) -> None:
        def stands_for() -> dict[str, Any]:
            asked.append(None)
            return refuse(SERVICE_UNAVAILABLE)

        client.stands_for = stands_for
        await until(lambda: len(asked) >= 3)
        client.end()

    assert converse(talk).body.endswith(b": the end, as the service ends\n\n")


def test_a_client_that_goes_away_is_let_go() -> None:
    async def talk(_feed: Feed, client: Client, _answer: Any) -> None:
        client.go_away()

    assert not converse(talk).is_whole


def test_a_quiet_stream_is_kept_by_comments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "HEARTBEAT", 0.01)

    async def talk(_feed: Feed, client: Client, _answer: Any) -> None:
        await until(lambda: client.body.count(b":\n\n") >= 2)
        client.end()

    converse(talk)


def test_who_reads_slower_than_changes_come_is_told_so() -> None:
    async def talk(feed: Feed, client: Client, _answer: Any) -> None:
        for number in range(BUFFERED + 1):
            feed.listeners[0].offer(Event(number + 1, "", "devices", b"x"))
        await until(lambda: client.is_whole)

    client = converse(talk)
    assert client.body.endswith(b": the end, as changes came faster than they were read\n\n")


def test_a_client_that_does_not_read_at_all_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_stream, "PATIENCE", 0.05)

    async def talk(feed: Feed, client: Client, _answer: Any) -> None:
        client.reads.clear()
        feed.listeners[0].offer(Event(1, "", "devices", b"x"))
        await until(lambda: client.aborted)

    assert not converse(talk).is_whole


def test_a_key_has_only_so_many_streams_until_one_ends() -> None:
    async def run() -> None:
        stream, clients = ChangeStream(Feed(), KINDS), [Client() for _ in range(STREAMS)]
        answers = [asyncio.create_task(stream(c.scope, c.receive, c.send)) for c in clients]
        await until(lambda: all(client.body for client in clients))

        one_more = Client(duration=0)
        with pytest.raises(Problem) as refused:
            await stream(one_more.scope, one_more.receive, one_more.send)
        assert refused.value.kind is TOO_MANY_STREAMS

        clients[0].end()
        await answers[0]
        await stream(one_more.scope, one_more.receive, one_more.send)
        assert one_more.is_whole
        for client in clients:
            client.end()
        await asyncio.gather(*answers)

    asyncio.run(run())
