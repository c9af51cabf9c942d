"""A service behind the gateway that fails in every way: 502 or 504, no hang, and nothing leaks."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
import requests

from contracts.services import Services, free_port, procfile
from tests.service.fake_upstream import (
    EMPTY,
    OK,
    Act,
    GatewayAlone,
    Upstream,
    drip,
    reset,
    say_nothing,
    send,
)

PROBLEM = "application/problem+json"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n50000\r\n"  # and as many bytes of a first chunk
LONG = b"a" * 0x50000


def hints_for_ever(connection: socket.socket) -> None:
    while True:  # until the gateway has had enough
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        threading.Event().wait(0.05)  # between two hints


class Fault(NamedTuple):
    """What a service does, and what the client is told."""

    name: str
    act: Act
    kind: str = "bad-gateway"
    method: str = "GET"


FAULTS = [
    # It ends too early.
    Fault("closes", send(b"")),
    Fault("closes after a write", send(b""), method="POST"),
    Fault("half a line", send(b"HTTP/1.1 200")),
    Fault("half a head", send(OK)),
    Fault("half a body", send(OK + b"Content-Length: 100\r\n\r\nonly this")),
    Fault("half a chunk", send(OK + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nzz")),
    Fault("resets", reset(b"")),
    Fault("resets a head", reset(OK)),
    Fault("resets a body", reset(OK + b"Content-Length: 100\r\n\r\nonly this")),
    Fault("resets a write", reset(OK + b"Content-Length: 100\r\n\r\nonly"), method="POST"),
    # It is no HTTP.
    Fault("garbage", send(b"garbage\r\n\r\n")),
    Fault("TLS", send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")),
    Fault("no such status", send(b"HTTP/1.1 999999 x\r\n\r\n")),
    # Its framing is not plain.
    Fault("length that is none", send(OK + b"Content-Length: x\r\n\r\n")),
    Fault("negative length", send(OK + b"Content-Length: -5\r\n\r\n{}")),
    Fault("two lengths", send(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")),
    Fault("length and chunks", send(
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
    Fault("bad chunks", send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
    Fault("huge chunk", send(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}")),
    Fault("NUL", send(OK + b"Content-Length: 2\r\nX: a\x00b\r\n\r\n{}")),
    Fault("space in a name", send(OK + b"Content-Length: 2\r\nX Y: a\r\n\r\n{}")),
    # It is too much.
    Fault("long header", send(OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n")),
    Fault("many headers", send(OK + b"X: a\r\n" * 20_000 + b"\r\n")),
    # It is no answer.
    Fault("101", send(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
    Fault("only 1xx", send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3)),
    Fault("1xx and garbage", send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 garbage\r\n\r\n")),
    # It does not come.
    Fault("says nothing", say_nothing, "gateway-timeout"),
    Fault("drips a head", drip(b"HTTP/1.1 200 OK\r\nX:"), "gateway-timeout"),
    Fault("drips a body", drip(OK + b"Content-Length: 200000\r\n\r\n"), "gateway-timeout"),
    Fault("hints for ever", hints_for_ever, "gateway-timeout"),
    Fault("drips after a write", drip(OK + b"X:"), "gateway-timeout", "POST"),
]  # fmt: skip
STATUSES = {"bad-gateway": 502, "gateway-timeout": 504}


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


class Told(NamedTuple):
    """What a client was told of a fault, and how often the service was asked."""

    answer: requests.Response
    tries: int


@pytest.fixture(scope="module")
def told(gateway: GatewayAlone, listening: Upstream) -> dict[str, Told]:
    """All faults at once: those that do not come are waited for together."""
    listening.heads.clear()
    paths = {fault.name: _path(number, fault) for number, fault in enumerate(FAULTS)}
    listening.answers = {paths[fault.name]: fault.act for fault in FAULTS}
    with ThreadPoolExecutor(len(FAULTS)) as pool:
        asked = {f.name: pool.submit(ask, gateway, f.method, paths[f.name]) for f in FAULTS}
        answers = {name: answer.result() for name, answer in asked.items()}
    heads = [head.split(" ")[1] for head in listening.heads]
    return {name: Told(answers[name], heads.count(paths[name])) for name in answers}


def _path(number: int, fault: Fault) -> str:
    # Each is told apart by its path, which is all that the service reads.
    if fault.method == "GET":
        return f"/v1/devices/{number}"
    return f"/v1/devices/{number}/restore"


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_fault_is_told_as_declared_and_nothing_of_it_leaks(
    gateway: GatewayAlone, upstream: Upstream, told: dict[str, Told], fault: Fault
) -> None:
    answer = told[fault.name].answer

    assert answer.json()["type"] == f"urn:doorstep:problem:{fault.kind}", answer.text
    assert answer.status_code == STATUSES[fault.kind]
    assert answer.headers["Content-Type"] == PROBLEM
    assert answer.json().keys() == {"type", "title", "status", "detail", "request_id"}
    for detail in (str(upstream.port), "127.0.0.1", "Error", "aiohttp", "inventory", "only"):
        assert detail not in answer.text


@pytest.mark.parametrize(
    "name", [f.name for f in FAULTS if f.method == "POST" or f.kind == "gateway-timeout"]
)
def test_what_may_have_been_done_or_was_waited_for_is_asked_for_once(
    told: dict[str, Told], name: str
) -> None:
    assert told[name].tries == 1


def test_no_fault_is_an_error_of_the_gateways_own(
    gateway: GatewayAlone, told: dict[str, Told], upstream: Upstream
) -> None:
    upstream.answer = send(EMPTY)

    assert ask(gateway).status_code == 200
    assert told and "unexpected error" not in gateway.log("gateway").read_text()


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
