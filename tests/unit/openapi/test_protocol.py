"""What the parser refuses, what does not end, and what does not go on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import ServerState

from openapi import protocol
from openapi.connection import connection_of, leave_date
from openapi.connection_limits import ConnectionLimits
from openapi.problems import HEADERS_TOO_LARGE, MALFORMED_HTTP, REQUEST_TIMEOUT, ProblemType
from openapi.protocol import MAX_HEAD, StrictProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


class Wire(asyncio.Transport):
    """A transport that keeps what is written to it until it is closed."""

    def __init__(self) -> None:
        super().__init__({"peername": ("127.0.0.1", 1), "sockname": ("127.0.0.1", 2)})
        self.written = b""
        self.aborted = False
        self.ended = False  # on our side alone
        self.end = asyncio.Event()

    @property
    def closed(self) -> bool:
        return self.end.is_set()

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass

    def write(self, data: Any) -> None:
        if not self.closed:
            self.written += data

    def close(self) -> None:
        self.end.set()

    def abort(self) -> None:
        self.aborted = True
        self.end.set()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.ended = True

    def is_closing(self) -> bool:
        return self.closed


class Conversation:
    """A connection to an application that reads each request whole and keeps its headers."""

    def __init__(self, **options: Any) -> None:
        self.wire = Wire()
        self.heard: list[tuple[list[Any], bytes]] = []
        self.hold: asyncio.Event | None = None  # between the head of an answer and its end
        self.protocol = StrictProtocol(
            config=Config(self._app, log_config=None, interface="asgi3"),
            server_state=ServerState(),
            app_state={},
            **options,
        )
        self.protocol.connection_made(self.wire)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message["body"]
            more = message["more_body"]
        self.heard.append((scope["headers"], body))
        await send({"type": "http.response.start", "status": 204, "headers": []})
        if self.hold is not None:
            await self.hold.wait()
        await send({"type": "http.response.body", "body": b""})

    def say(self, data: bytes) -> None:
        if not self.wire.closed:
            self.protocol.data_received(data)

    def is_refused(self, kind: ProblemType) -> bool:
        head, _, body = self.wire.written.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        assert self.wire.closed
        assert lines[0].startswith(b"HTTP/1.1 %d " % kind.status)
        assert b"content-type: application/problem+json" in lines
        assert b"content-length: %d" % len(body) in lines
        assert b"connection: close" in lines
        return bool(json.loads(body)["type"] == kind.uri)


def converse(talk: Callable[[Conversation], Any]) -> Conversation:
    """The conversation after ``talk``, and after all that it set off."""

    async def run() -> Conversation:
        conversation = Conversation()
        result = talk(conversation)
        if result is not None:
            await result
        for _ in range(10):
            await asyncio.sleep(0)
        conversation.protocol.connection_lost(None)
        return conversation

    return asyncio.run(run())


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n folded\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n",
        CHUNKED + b"zz\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_what_the_parser_refuses_is_a_problem_too(request_: bytes) -> None:
    assert converse(lambda it: it.say(request_)).is_refused(MALFORMED_HTTP)


@pytest.mark.parametrize(
    ("begin", "more"),
    [(b"GET /", b"a" * 8000), (HEAD + b"X: ", b"a" * 8000), (HEAD, b"a: b\r\n" * 1500)],
)
def test_a_head_that_does_not_end_is_refused(begin: bytes, more: bytes) -> None:
    def talk(it: Conversation) -> None:
        it.say(begin)
        for _ in range(MAX_HEAD // len(more) + 1):
            it.say(more)

    assert converse(talk).is_refused(HEADERS_TOO_LARGE)


def test_a_trailer_that_does_not_end_is_refused() -> None:
    def talk(it: Conversation) -> None:
        it.say(CHUNKED + b"1\r\na\r\n0\r\n")
        for _ in range(MAX_HEAD // 8000 + 1):
            it.say(b"a: " + b"b" * 7995 + b"\r\n")

    assert converse(talk).is_refused(HEADERS_TOO_LARGE)


def test_a_body_may_be_longer_than_any_head() -> None:
    def talk(it: Conversation) -> None:
        it.say(HEAD + b"Content-Length: %d\r\n\r\n" % (4 * MAX_HEAD))
        for _ in range(4):
            it.say(b"a" * MAX_HEAD)

    ((_, body),) = converse(talk).heard

    assert len(body) == 4 * MAX_HEAD


@pytest.mark.parametrize("parts", [1, 2])
def test_the_fields_of_a_trailer_are_no_headers(parts: int) -> None:
    whole = CHUNKED + b"1\r\na\r\n0\r\nX-API-Key: secret\r\n\r\n"
    cut = len(whole) // parts

    def talk(it: Conversation) -> None:
        it.say(whole[:cut])
        it.say(whole[cut:])

    ((headers, body),) = converse(talk).heard

    assert body == b"a"
    assert [name for name, _ in headers] == [b"host", b"transfer-encoding"]


@pytest.mark.parametrize(
    "begin", [b"GET", HEAD, HEAD + b"Content-Length: 2\r\n\r\na", CHUNKED + b"1\r\na\r\n0\r\n"]
)
def test_a_request_that_does_not_go_on_is_refused(
    begin: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.01)

    async def talk(it: Conversation) -> None:
        it.say(begin)
        await it.wire.end.wait()

    assert converse(talk).is_refused(REQUEST_TIMEOUT)


def test_a_connection_that_says_nothing_is_closed_without_a_word(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.01)

    async def talk(it: Conversation) -> None:
        await it.wire.end.wait()

    assert converse(talk).wire.written == b""


def test_a_slow_request_that_goes_on_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PATIENCE", 0.01)
    monkeypatch.setattr(protocol, "LEAST", 1)

    async def talk(it: Conversation) -> None:
        it.say(HEAD + b"Content-Length: 9\r\n\r\n")
        for _ in range(9):
            looked = it.protocol._watch
            it.say(b"a")
            while it.protocol._watch is looked and looked is not None and not it.heard:
                await asyncio.sleep(0.001)  # until it has looked again

    assert [body for _, body in converse(talk).heard] == [b"a" * 9]


class Endless(Conversation):
    """A connection to an application whose answer has no end of its own."""

    def __init__(self) -> None:
        self.told = 0
        super().__init__()

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        connection = connection_of(scope)
        assert connection is not None
        connection.call_when_ending(self._tell)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": True})
        while (await receive())["type"] != "http.disconnect":
            pass

    def _tell(self) -> None:
        self.told += 1


def test_an_answer_that_goes_on_is_told_once_that_the_server_ends() -> None:
    async def run() -> None:
        conversation = Endless()
        conversation.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.01)
        assert conversation.told == 0

        conversation.protocol.shutdown()
        conversation.protocol.shutdown()
        assert conversation.told == 1

        conversation.protocol.call_when_ending(conversation._tell)
        assert conversation.told == 2, "who comes too late is told at once"
        conversation.protocol.connection_lost(None)

    asyncio.run(run())


def test_a_connection_that_is_aborted_sends_nothing_more() -> None:
    def talk(conversation: Conversation) -> None:
        conversation.protocol.abort()

    assert converse(talk).wire.aborted


REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


def answers_of(it: Conversation) -> int:
    return it.wire.written.count(b"HTTP/1.1 204 ")


async def until_answered(it: Conversation, times: int) -> None:
    while answers_of(it) < times:
        await asyncio.sleep(0)


def test_a_service_that_ends_answers_what_comes_on_an_idle_connection_and_says_it_was_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 60)

    async def talk(it: Conversation) -> None:
        it.say(REQUEST)
        await until_answered(it, 1)
        it.protocol.shutdown()
        assert not it.wire.closed
        it.say(REQUEST)
        await it.wire.end.wait()

    it = converse(talk)

    assert answers_of(it) == 2
    assert it.wire.written.count(b"connection: close") == 1


def test_a_request_under_way_when_the_service_ends_is_answered_as_the_last_one() -> None:
    async def talk(it: Conversation) -> None:
        it.say(HEAD + b"Content-Length: 1\r\n\r\n")
        it.protocol.shutdown()
        it.say(b"a")
        await it.wire.end.wait()

    it = converse(talk)

    assert (answers_of(it), it.wire.written.count(b"connection: close")) == (1, 1)


def test_a_connection_whose_answer_promised_to_keep_it_is_kept_for_the_next_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 60)

    async def talk(it: Conversation) -> None:
        it.hold = asyncio.Event()
        it.say(REQUEST)
        await until_answered(it, 1)  # the head of the answer, and not its end
        it.protocol.shutdown()
        it.hold.set()
        await asyncio.sleep(0)
        it.say(REQUEST)
        await it.wire.end.wait()

    it = converse(talk)

    assert answers_of(it) == 2


@pytest.mark.parametrize("said", [b"", REQUEST], ids=["new", "idle"])
def test_a_connection_on_which_nothing_comes_is_closed_after_a_while(
    said: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 0.01)

    async def talk(it: Conversation) -> None:
        it.say(said)
        await until_answered(it, 1 if said else 0)
        it.protocol.shutdown()
        await it.wire.end.wait()

    converse(talk)


def test_half_a_request_when_the_service_ends_may_still_come_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 0)

    async def talk(it: Conversation) -> None:
        it.say(REQUEST[:10])
        it.protocol.shutdown()
        await asyncio.sleep(0.01)  # in which a connection without a request would be closed
        it.say(REQUEST[10:])
        await it.wire.end.wait()

    assert answers_of(converse(talk)) == 1


@pytest.mark.parametrize(
    "target", ["/a#b", "ftp://a/b", "http://a", "http:///a", "http://a/b#c", "a/b", "a:80"]
)
def test_a_target_that_is_none_is_refused(target: str) -> None:
    said = f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode()

    assert converse(lambda it: it.say(said)).is_refused(MALFORMED_HTTP)


@pytest.mark.parametrize(
    ("target", "hosts", "taken"),
    [
        ("http://other:8080/a?b", ["a"], ["other:8080"]),
        ("HTTPS://[::1]/a", ["a"], ["[::1]"]),
        ("http://user@other/a", ["a"], ["user@other"]),  # which is then refused as a host
        ("http://other/a", [], []),
        ("http://other/a", ["a", "b"], ["other", "other"]),
        ("/a", ["a"], ["a"]),
    ],
)
def test_the_host_of_a_whole_url_takes_the_place_of_host_and_no_more(
    target: str, hosts: list[str], taken: list[str]
) -> None:
    lines = "".join(f"Host: {host}\r\n" for host in hosts)

    heard = converse(lambda it: it.say(f"GET {target} HTTP/1.1\r\n{lines}\r\n".encode())).heard

    ((headers, _),) = heard
    assert [value.decode() for name, value in headers if name == b"host"] == taken


def test_a_refusal_has_an_id_and_the_headers_that_it_was_given() -> None:
    async def run() -> Conversation:
        conversation = Conversation(headers=[(b"x-own", b"1")])
        conversation.say(b"nonsense\r\n\r\n")
        return conversation

    head, _, body = asyncio.run(run()).wire.written.partition(b"\r\n\r\n")

    assert b"x-own: 1" in head.split(b"\r\n")
    assert f"x-request-id: {json.loads(body)['request_id']}".encode() in head.split(b"\r\n")


def test_a_connection_too_many_is_answered_before_it_asks_and_its_place_is_kept() -> None:
    limits = ConnectionLimits(2, 1, lambda address: address)

    async def run() -> tuple[Conversation, Conversation, Conversation]:
        first, second = Conversation(limits=limits), Conversation(limits=limits)
        second.say(HEAD + b"\r\n")
        assert not second.wire.closed  # or what was said could reset it, and the answer be lost
        second.protocol.connection_lost(None)
        first.protocol.connection_lost(None)
        return first, second, Conversation(limits=limits)

    first, second, third = asyncio.run(run())

    assert first.wire.written == third.wire.written == b""
    assert second.wire.written.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert (second.heard, second.wire.ended) == ([], True)


def test_a_connection_that_was_turned_away_and_stays_is_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(protocol, "LINGER", 0.01)

    async def run() -> Wire:
        limits = ConnectionLimits(1, 0, lambda _: None)
        limits.enter("a", 1)
        conversation = Conversation(limits=limits)
        await conversation.wire.end.wait()
        return conversation.wire

    wire = asyncio.run(run())

    assert wire.aborted
    assert wire.written.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")


OLD = b"Thu, 01 Jan 2026 00:00:00 GMT"


class Dated(Conversation):
    """An application whose answers have a date of their own, if they may."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol.server_state.default_headers = [(b"date", b"now"), (b"x", b"1")]
        self.left: list[bool] = []

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        if self.hold is not None:
            await self.hold.wait()
        self.left.append(leave_date(scope))
        headers = [(b"date", OLD)] if self.left[-1] else []
        await send({"type": "http.response.start", "status": 204, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


def dates(talk: Callable[[Dated], Any]) -> tuple[list[bool], list[bytes]]:
    async def run() -> Dated:
        conversation = Dated()
        talk(conversation)
        for _ in range(20):
            await asyncio.sleep(0)
        conversation.protocol.connection_lost(None)
        return conversation

    it = asyncio.run(run())
    lines = it.wire.written.split(b"\r\n")
    assert lines.count(b"x: 1") == len(it.left)
    return it.left, [line for line in lines if line.startswith(b"date: ")]


def test_an_answer_may_keep_its_own_date() -> None:
    assert dates(lambda it: it.say(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")) == (
        [True],
        [b"date: " + OLD],
    )


def test_each_answer_has_one_date_though_requests_come_before_they_are_answered() -> None:
    both = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2

    assert dates(lambda it: it.say(both)) == ([False, True], [b"date: now", b"date: " + OLD])
