"""A service behind the gateway that fails in every way: 502, 503 or 504, and nothing leaks."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from contracts.services import Services, free_port, procfile, wait_for

PROBLEM = "application/problem+json"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


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


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    yield upstream
    upstream.close()


@pytest.fixture
def gateway(upstream: Upstream, tmp_path: Path) -> Iterator[GatewayAlone]:
    settings = {"INVENTORY_URL": f"http://127.0.0.1:{upstream.port}"}
    with GatewayAlone(tmp_path / "data", settings) as gateway:
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
            "Connection": "close, authorization, x-request-id",
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
    assert sorted(procfile()) == ["gateway", "inventory"]
