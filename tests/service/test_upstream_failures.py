"""A service behind the gateway that fails in every way: 502, 503 or 504, and nothing leaks."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from contracts.services import Services, free_port, procfile, wait_for

PROBLEM = "application/problem+json"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n50000\r\n"  # and as many bytes of a first chunk


class Upstream:
    """Accepts connections, reads a request's head, and answers whatever bytes it is told to."""

    def __init__(self) -> None:
        self.answer: Callable[[socket.socket], None] = lambda _: None
        self.heads: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        head = b""
        with connection, contextlib.suppress(OSError):
            while b"\r\n\r\n" not in head and (part := connection.recv(65536)):
                head += part
            if head.startswith(b"GET /health/ready "):
                connection.sendall(OK + b"Content-Length: 2\r\n\r\n{}")  # it says it is well
                return
            self.heads.append(head.decode("latin-1"))
            self.answer(connection)


class GatewayAlone(Services):
    """A gateway whose inventory is somewhere else."""

    def __enter__(self) -> GatewayAlone:
        self.data.mkdir(parents=True)
        self.start("gateway")
        wait_for(self._lives, "the gateway to live", self._said)
        return self

    def _lives(self) -> bool:
        try:
            return requests.get(self.gateway_url + "/health/live", timeout=5).status_code == 200
        except requests.RequestException:
            return False


@pytest.fixture(scope="module")
def listening() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def upstream(listening: Upstream) -> Upstream:
    listening.heads.clear()
    return listening


@pytest.fixture(scope="module")
def gateway(
    listening: Upstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayAlone]:
    settings = {"INVENTORY_URL": f"http://127.0.0.1:{listening.port}"}
    with GatewayAlone(tmp_path_factory.mktemp("gateway") / "data", settings) as gateway:
        yield gateway


def ask(gateway: Services, **headers: str) -> requests.Response:
    url = gateway.gateway_url + "/v1/devices/lamp"
    credential = {"X-API-Key": gateway.admin_key}
    return requests.get(url, headers=credential | headers, timeout=30, allow_redirects=False)


def send(content: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 200",
        b"HTTP/1.1 999999 x\r\n\r\n",
        OK + b"Content-Length: 100\r\n\r\nonly this",
        OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz\r\n",
        OK + b"Content-Length: x\r\n\r\n",
        OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
    ],
    ids=["closes", "garbage", "half a line", "status", "lies", "bad chunks", "length", "header"],
)
def test_a_broken_answer_is_502_and_leaks_nothing(
    gateway: GatewayAlone, upstream: Upstream, content: bytes
) -> None:
    upstream.answer = send(content)

    answer = ask(gateway)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, PROBLEM)
    assert answer.json()["type"] == "urn:doorstep:problem:bad-gateway"
    assert not {str(upstream.port), "127.0.0.1", "Error", "aiohttp"} & set(answer.text.split())


def test_a_service_that_is_down_is_502_and_the_gateway_is_not_ready(tmp_path: Path) -> None:
    settings = {"INVENTORY_URL": f"http://127.0.0.1:{free_port()}"}
    with GatewayAlone(tmp_path / "data", settings) as gateway:
        answer = ask(gateway)
        ready = requests.get(gateway.gateway_url + "/health/ready", timeout=30)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, PROBLEM)
    assert (ready.status_code, ready.headers["Retry-After"]) == (503, "1")


def test_a_service_that_never_answers_is_504(gateway: GatewayAlone, upstream: Upstream) -> None:
    over = threading.Event()
    upstream.answer = lambda _: over.wait(60) and None

    answer = ask(gateway)
    over.set()

    assert (answer.status_code, answer.headers["Content-Type"]) == (504, PROBLEM)


def test_an_early_answer_is_passed_over(gateway: GatewayAlone, upstream: Upstream) -> None:
    upstream.answer = send(
        b"HTTP/1.1 103 Early Hints\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\n{}"
    )

    answer = ask(gateway)

    assert (answer.status_code, answer.text) == (200, "{}")


def test_a_redirect_is_not_followed(gateway: GatewayAlone, upstream: Upstream) -> None:
    upstream.answer = send(
        b"HTTP/1.1 302 Found\r\nLocation: http://a/\r\nContent-Length: 0\r\n\r\n"
    )

    assert ask(gateway).status_code == 302
    assert len(upstream.heads) == 1


def test_headers_of_one_connection_and_cookies_stay_behind(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    extra = b"Connection: X-Own\r\nX-Own: 1\r\nSet-Cookie: a=b\r\nServer: x\r\nX-Fine: 1\r\n"
    upstream.answer = send(OK + extra + b"Content-Length: 2\r\n\r\n{}")

    headers = ask(gateway).headers

    assert headers["X-Fine"] == "1"
    assert not {"X-Own", "Set-Cookie", "Server"} & set(headers)


def test_a_client_cannot_say_who_it_is_to_the_service(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    upstream.answer = send(OK + b"Content-Length: 2\r\n\r\n{}")

    ask(
        gateway,
        **{
            "Connection": "close, te",
            "X-Forwarded-For": "203.0.113.1",
            "Forwarded": "for=203.0.113.1",
            "Cookie": "session=1",
            "X-Request-Id": "mine",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )

    head = upstream.heads[0].lower()
    assert "authorization: bearer " in head
    assert "x-api-key" not in head and "cookie" not in head and "203.0.113.1" not in head
    assert "x-request-id: mine" in head
    assert "traceparent: 00-0af7651916cd43dd8448eb211c80319c-" in head
    assert "b7ad6b7169203331" not in head  # our own span is the parent now


def test_the_services_are_those_of_the_procfile() -> None:
    assert sorted(procfile()) == ["gateway", "inventory", "worker"]


def drip(head: bytes) -> Callable[[socket.socket], None]:
    """Each byte comes long before anybody loses patience with the connection."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:  # until the gateway has had enough
            connection.sendall(b" ")
            threading.Event().wait(0.2)  # between two drops

    return answer


def reset(content: bytes) -> Callable[[socket.socket], None]:
    """The content, and then a reset instead of an end."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        reset(b""),
        reset(OK),
        reset(OK + b"Content-Length: 100\r\n\r\nonly this"),
        send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3),
        send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 garbage\r\n\r\n"),
        send(OK + b"Content-Length: -5\r\n\r\n{}"),
        send(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
        send(OK + b"Content-Length: 2\r\nX: a\x00b\r\n\r\n{}"),
        send(OK + b"X: a\r\n" * 20_000 + b"\r\n"),
        send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    ],
    ids=["reset", "reset head", "reset body", "101", "only 1xx", "1xx garbage",
         "negative", "two lengths", "NUL", "many headers", "TLS"],
)  # fmt: skip
def test_what_is_no_answer_is_502_whatever_it_is(
    gateway: GatewayAlone, upstream: Upstream, answer: Callable[[socket.socket], None]
) -> None:
    upstream.answer = answer

    told = ask(gateway)

    assert (told.status_code, told.headers["Content-Type"]) == (502, PROBLEM), told.text
    assert told.json().keys() == {"type", "title", "status", "detail", "request_id"}
    assert str(upstream.port) not in told.text


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\nX:", OK + b"Content-Length: 200000\r\n\r\n"],
    ids=["head", "body"],
)
def test_an_answer_that_drips_is_504_and_not_waited_for(
    gateway: GatewayAlone, upstream: Upstream, head: bytes
) -> None:
    upstream.answer = drip(head)

    told = ask(gateway)

    assert (told.status_code, told.headers["Content-Type"]) == (504, PROBLEM)
    assert len(upstream.heads) == 1


@pytest.mark.parametrize("framing", [b"Content-Length: 9000000\r\n\r\n", CHUNKED])
def test_a_long_answer_that_breaks_off_ends_the_clients_connection_too(
    gateway: GatewayAlone, upstream: Upstream, framing: bytes
) -> None:
    upstream.answer = reset(OK + framing + b"a" * 0x50000)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(gateway)
