"""A service behind the gateway that fails, or answers what is not plain.

What a client is told of every fault, contracts/faults asks.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from contracts.faults.failures import FAULTS, Fault
from contracts.faults.upstream import (
    EMPTY,
    OK,
    GatewayAlone,
    Upstream,
    drip,
    reset,
    send,
)
from contracts.services import Services, free_port, procfile

PROBLEM = "application/problem+json"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n50000\r\n"  # and as many bytes of a first chunk
LONG = b"a" * 0x50000


# Of a write nobody knows whether it was done; and what is waited for is not waited for twice.
WRITES = [
    Fault("closes after a write", "closes", send(b"")),
    Fault("resets a write", "resets", reset(OK + b"Content-Length: 100\r\n\r\nonly")),
    Fault("drips after a write", "drips", drip(OK + b"X:"), 504),
]
ASKED_ONCE = [*WRITES, *(fault for fault in FAULTS if fault.status == 504)]


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


def ask(
    gateway: Services, method: str = "GET", path: str = "/v1/devices/lamp", **headers: str
) -> requests.Response:
    credential = {"X-API-Key": gateway.admin_key}
    return requests.request(
        method,
        gateway.gateway_url + path,
        headers=credential | headers,
        timeout=30,
        allow_redirects=False,
    )


@pytest.fixture(scope="module")
def tries(gateway: GatewayAlone, listening: Upstream) -> dict[str, int]:
    """How often the service was asked; all at once, as those that do not come are waited for."""
    listening.heads.clear()
    paths = {fault.name: _path(number, fault) for number, fault in enumerate(ASKED_ONCE)}
    listening.answers = {paths[fault.name]: fault.act for fault in ASKED_ONCE}
    with ThreadPoolExecutor(len(ASKED_ONCE)) as pool:
        asked = [
            pool.submit(ask, gateway, "POST" if fault in WRITES else "GET", paths[fault.name])
            for fault in ASKED_ONCE
        ]
        assert [answer.result().status_code for answer in asked] == [f.status for f in ASKED_ONCE]
    heads = [head.split(" ")[1] for head in listening.heads]
    return {name: heads.count(path) for name, path in paths.items()}


def _path(number: int, fault: Fault) -> str:
    # Each is told apart by its path.
    return f"/v1/devices/{number}/restore" if fault in WRITES else f"/v1/devices/{number}"


@pytest.mark.parametrize("name", [fault.name for fault in ASKED_ONCE])
def test_what_may_have_been_done_or_was_waited_for_is_asked_for_once(
    tries: dict[str, int], name: str
) -> None:
    assert tries[name] == 1


def test_no_fault_is_an_error_of_the_gateways_own(
    gateway: GatewayAlone, tries: dict[str, int], upstream: Upstream
) -> None:
    upstream.answer = send(EMPTY)

    assert ask(gateway).status_code == 200
    assert tries and "unexpected error" not in gateway.log("gateway").read_text()


@pytest.mark.parametrize("framing", [b"Content-Length: 9000000\r\n\r\n", CHUNKED])
@pytest.mark.parametrize("end", [send, reset])
def test_a_long_answer_that_breaks_off_ends_the_clients_connection_too(
    gateway: GatewayAlone, upstream: Upstream, framing: bytes, end: type
) -> None:
    upstream.answer = end(OK + framing + LONG)

    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        ask(gateway)


def test_a_second_answer_in_one_is_not_given_to_the_next_client(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    def answer(connection: socket.socket) -> None:
        connection.sendall(EMPTY + OK + b'Content-Length: 9\r\n\r\n{"a":"b"}')
        if connection.recv(65536):  # another request on the same connection
            connection.sendall(EMPTY)

    upstream.answer = answer

    assert [ask(gateway).text for _ in range(5)] == ["{}"] * 5


def test_the_length_of_a_body_that_is_not_sent_is_not_waited_for(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    length = b"Content-Length: 2\r\n\r\n"

    upstream.answer = send(b'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n' + length)
    not_modified = ask(gateway)
    upstream.answer = send(OK + length)
    head = ask(gateway, "HEAD")

    assert (not_modified.status_code, not_modified.content) == (304, b"")
    assert (head.status_code, head.content) == (200, b"")


def test_an_answer_of_http_1_0_ends_with_its_connection(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    upstream.answer = send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n{}")

    answer = ask(gateway)

    assert (answer.status_code, answer.text) == (200, "{}")


def test_what_a_service_says_of_being_busy_goes_on(
    gateway: GatewayAlone, upstream: Upstream
) -> None:
    upstream.answer = send(
        b"HTTP/1.1 503 Busy\r\nContent-Type: application/problem+json\r\nRetry-After: 7\r\n"
        b"Content-Length: 2\r\n\r\n{}"
    )

    answer = ask(gateway)

    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "7")


def test_a_service_that_is_down_is_502_and_the_gateway_is_not_ready(tmp_path: Path) -> None:
    settings = {"INVENTORY_URL": f"http://127.0.0.1:{free_port()}"}
    with GatewayAlone(tmp_path / "data", settings) as gateway:
        answer = ask(gateway)
        ready = requests.get(gateway.gateway_url + "/health/ready", timeout=30)

    assert (answer.status_code, answer.headers["Content-Type"]) == (502, PROBLEM)
    assert (ready.status_code, ready.headers["Retry-After"]) == (503, "1")


def test_an_early_answer_is_passed_over(gateway: GatewayAlone, upstream: Upstream) -> None:
    upstream.answer = send(b"HTTP/1.1 103 Early Hints\r\n\r\n" + EMPTY)

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
    upstream.answer = send(EMPTY)

    ask(
        gateway,
        **{
            "Connection": "close, te",
            "X-Forwarded-For": "203.0.113.1",
            "X-Forwarded-Host": "203.0.113.1",
            "X-Forwarded-Proto": "https",
            "X-Real-IP": "203.0.113.1",
            "X-Original-URL": "/203.0.113.1",
            "X-HTTP-Method-Override": "DELETE",
            "Forwarded": "for=203.0.113.1",
            "Cookie": "session=1",
            "X-Request-Id": "mine",
            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        },
    )

    head = upstream.heads[0].lower()
    assert "authorization: bearer " in head
    assert "x-api-key" not in head and "cookie" not in head and "203.0.113.1" not in head
    assert "delete" not in head
    assert "x-forwarded-for: 127.0.0.1\r\n" in head and "x-forwarded-proto: http\r\n" in head
    assert "x-request-id: mine" in head
    assert "traceparent: 00-0af7651916cd43dd8448eb211c80319c-" in head
    assert "b7ad6b7169203331" not in head  # our own span is the parent now


def test_the_services_are_those_of_the_procfile() -> None:
    assert sorted(procfile()) == ["gateway", "inventory", "worker"]
