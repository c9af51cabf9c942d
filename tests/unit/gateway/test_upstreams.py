"""Which failures are met by another try, and which are told; over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from multidict import CIMultiDict

from contracts.services import free_port
from gateway.dns_lookup import DnsLookup
from gateway.dns_settings import DnsServer
from gateway.outgoing import Outgoing, Upload
from gateway.retries import FLOOR, SAVED, SHARE
from gateway.upstreams import (
    SHORT,
    UpstreamBroken,
    UpstreamError,
    Upstreams,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from openapi.policy import Policy
from tests.name_server import NameServer

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
AWAY = b"HTTP/1.1 503 Gone\r\nRetry-After: 1\r\nContent-Length: 4\r\n\r\naway"
RESET = b""
DRIP = b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"
KEY = {"Idempotency-Key": "a"}


class Server:
    """Answers each request by the next of its answers, the last of them again and again."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)
        self.heard: list[bytes] = []  # heads and what came with them, health checks left out
        self.over = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while await self._answer(reader, writer):
                pass
        with contextlib.suppress(ConnectionError):
            writer.close()
            await writer.wait_closed()

    async def end(self) -> None:
        """Ends every conversation, and waits for it."""
        self.over.set()
        await asyncio.gather(*self._tasks)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /health/ready"):
            writer.write(OK)
            return False
        self.heard.append(head)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        writer.write(answer)
        while answer is DRIP and not self.over.is_set():
            await writer.drain()
            writer.write(b" ")
            await asyncio.sleep(0.05)  # between two drops
        await writer.drain()
        return answer is OK


class Service:
    """Instances of one service; a port where nothing listens is one as well."""

    def __init__(self, upstreams: Upstreams) -> None:
        self.upstreams = upstreams

    async def ask(
        self,
        method: str = "GET",
        headers: dict[str, str] | None = None,
        body: bytes | Upload | None = None,
        attempts: int = 2,
        total: float = 20.0,
        takes_key: bool = True,
    ) -> bytes:
        policy = Policy("s", 5.0, total, 0, attempts)
        request = Outgoing(policy, method, "/x", CIMultiDict(headers or {}), body, takes_key)
        async with self.upstreams.send(request) as response:
            return await response.read()


@contextlib.asynccontextmanager
async def service(*instances: Server | None) -> AsyncIterator[Service]:
    async with contextlib.AsyncExitStack() as stack:
        urls = []
        for instance in instances:
            port = free_port()
            if instance is not None:
                server = await asyncio.start_server(instance.serve, "127.0.0.1", port)
                stack.push_async_callback(instance.end)
                stack.callback(server.close)
            urls.append(f"http://127.0.0.1:{port}")
        upstreams = Upstreams({"s": urls})
        await upstreams.open()
        stack.push_async_callback(upstreams.close)
        yield Service(upstreams)


def run(coroutine: Callable[[], Awaitable[None]]) -> None:
    async def with_an_end() -> None:
        async with asyncio.timeout(30):
            await coroutine()

    asyncio.run(with_an_end())


def an_upload(*parts: bytes) -> Upload:
    messages = [{"type": "http.request", "body": part, "more_body": True} for part in parts]

    async def receive() -> dict[str, object]:
        return messages.pop(0) if messages else {"type": "http.request", "body": b""}

    return Upload(receive)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_idempotent_request_on_a_broken_connection_goes_to_another(method: str) -> None:
    async def scenario() -> None:
        broken, well = Server(RESET), Server(OK)
        async with service(broken, well) as it:
            for _ in range(4):
                await it.ask(method)
        assert broken.heard and len(well.heard) == 4

    run(scenario)


def test_a_post_on_a_broken_connection_is_told_and_sent_once() -> None:
    async def scenario() -> None:
        first, second = Server(RESET), Server(RESET)
        async with service(first, second) as it:
            with pytest.raises(UpstreamBroken):
                await it.ask("POST", body=b"x")
        assert len(first.heard) + len(second.heard) == 1

    run(scenario)


@pytest.mark.parametrize(
    ("method", "headers", "takes_key", "tries"),
    [
        ("POST", KEY, True, 2),
        ("POST", KEY, False, 1),
        ("PUT", {"If-Match": "x"}, True, 1),
        ("PUT", {}, True, 2),
    ],
)
def test_a_key_allows_and_a_condition_forbids_another_try(
    method: str, headers: dict[str, str], takes_key: bool, tries: int
) -> None:
    async def scenario() -> None:
        only = Server(RESET)
        async with service(only) as it:
            with pytest.raises(UpstreamBroken):
                await it.ask(method, headers, b"x", takes_key=takes_key)
        assert len(only.heard) == tries

    run(scenario)


def test_one_attempt_is_one_request() -> None:
    """The client library would send it again by itself."""

    async def scenario() -> None:
        only = Server(OK, RESET)
        async with service(only) as it:
            await it.ask()
            with pytest.raises(UpstreamBroken):
                await it.ask(attempts=1)
        assert len(only.heard) == 2

    run(scenario)


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    async def scenario() -> None:
        half = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"
        async with service(Server(half, OK)) as it:
            assert await it.ask() == b"ok"

    run(scenario)


def test_a_long_answer_that_breaks_off_is_not_since_a_part_was_handed_on() -> None:
    async def scenario() -> None:
        long = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nhalf" % (SHORT + 1)
        only = Server(long)
        async with service(only) as it:
            with pytest.raises(UpstreamBroken):
                await it.ask()
        assert len(only.heard) == 1

    run(scenario)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refused_connection_sends_any_request_to_another_instance(method: str) -> None:
    async def scenario() -> None:
        async with service(None, Server(OK)) as it:
            for _ in range(4):
                assert await it.ask(method, body=an_upload(b"a", b"b")) == b"ok"
            assert [each["cause"] for each in it.upstreams.states()] == ["unreachable", None]

    run(scenario)


def test_where_all_refuse_it_is_told() -> None:
    async def scenario() -> None:
        async with service(None, None) as it:
            with pytest.raises(UpstreamUnreachable):
                await it.ask()

    run(scenario)


def test_an_upload_that_has_begun_is_not_sent_again() -> None:
    async def scenario() -> None:
        first, second = Server(RESET), Server(RESET)
        async with service(first, second) as it:
            with pytest.raises(UpstreamBroken):
                await it.ask("PUT", body=an_upload(b"a", b"b"))
        assert len(first.heard) + len(second.heard) == 1

    run(scenario)


def test_an_instance_that_turns_away_is_passed_over_and_an_only_one_is_believed() -> None:
    async def scenario() -> None:
        async with service(Server(AWAY), Server(OK)) as it:
            for _ in range(4):
                assert await it.ask() == b"ok"
        only = Server(AWAY)
        async with service(only) as it:
            assert await it.ask() == b"away"
        assert len(only.heard) == 1

    run(scenario)


def test_a_whole_short_answer_has_its_time_and_is_not_asked_for_twice() -> None:
    """Each byte comes in time, and the answer does not."""

    async def scenario() -> None:
        only = Server(DRIP)
        async with service(only) as it:
            with pytest.raises(UpstreamTimeout):
                await it.ask(total=0.5)
        assert len(only.heard) == 1

    run(scenario)


def test_an_outage_is_not_multiplied() -> None:
    async def scenario() -> None:
        only = Server(RESET)
        start = time.monotonic()
        async with service(only) as it:
            for _ in range(600):
                with pytest.raises(UpstreamError):
                    await it.ask()
        more = len(only.heard) - 600
        assert SAVED <= more <= SAVED + 600 * SHARE + (time.monotonic() - start) * FLOOR + 1

    run(scenario)


def test_nothing_is_outstanding_when_all_is_over() -> None:
    async def scenario() -> None:
        async with service(Server(RESET), None, Server(AWAY), Server(OK)) as it:
            for _ in range(20):
                with contextlib.suppress(UpstreamError):
                    await it.ask("POST")
            assert [each["outstanding"] for each in it.upstreams.states()] == [0, 0, 0, 0]

    run(scenario)


def test_health_checks_find_what_comes_back() -> None:
    async def scenario() -> None:
        port = free_port()
        upstreams = Upstreams({"s": [f"http://127.0.0.1:{port}", "http://127.0.0.1:1"]})
        await upstreams.open()

        async def until(cause: str | None) -> None:
            while upstreams.states()[0]["cause"] != cause:
                await asyncio.sleep(0.02)  # between looks at the condition

        well = Server(OK)
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(well.end)
            stack.push_async_callback(upstreams.close)
            await until("unreachable")
            stack.callback((await asyncio.start_server(well.serve, "127.0.0.1", port)).close)
            await until(None)

    run(scenario)


def test_srv_records_lead_to_an_instance_that_is_called_by_its_domain() -> None:
    async def scenario() -> None:
        instance, port = Server(OK), free_port()
        server = await asyncio.start_server(instance.serve, "127.0.0.1", port)
        with NameServer() as names:
            names.records["_s._tcp.s.example", "SRV"] = [f"0 0 {port} a.example."]
            names.records["a.example", "A"] = ["127.0.0.1"]
            servers = [DnsServer("127.0.0.1", names.port)]
            upstreams = Upstreams(
                {"s": ["http+srv://_s._tcp.s.example"]}, lambda: DnsLookup(servers)
            )
            await upstreams.open()
            assert await Service(upstreams).ask() == b"ok"
            await upstreams.close()
        assert f"\r\nhost: s.example:{port}\r\n".encode() in instance.heard[0].lower()
        server.close()
        await instance.end()

    run(scenario)


def test_a_service_that_dns_has_not_told_is_unreachable() -> None:
    async def scenario() -> None:
        upstreams = Upstreams({"s": ["http+srv://_s._tcp.s.example"]})
        await upstreams.open()
        with pytest.raises(UpstreamUnreachable):
            await Service(upstreams).ask()
        await upstreams.close()

    run(scenario)


def test_a_probe_waits_for_no_connection_that_requests_hold(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.upstreams.CONNECTIONS", 1)
    policy = Policy("s", 5.0, 5.0, 0)

    async def scenario() -> None:
        slow = Server(DRIP, OK)
        async with service(slow) as it:
            holding = asyncio.create_task(it.ask())
            while not slow.heard:
                await asyncio.sleep(0.001)  # between looks at the condition

            async with it.upstreams.probe(Outgoing(policy, "GET", "/y", CIMultiDict())) as response:
                assert response.status == 200
            holding.cancel()

    run(scenario)
