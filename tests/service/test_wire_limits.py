"""Connections that are too many, say nothing or drip, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import requests
from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.server import Server

from contracts.faults.upstream import GatewayAlone
from contracts.services import Services, wait_for
from openapi import protocol
from openapi.protocol import StrictProtocol

OURS, OTHER, ANOTHER, FRIEND = "127.0.0.2", "127.0.0.3", "127.0.0.4", "127.0.0.9"
LONG, PART = 16 * 1024 * 1024, 64 * 1024  # bytes of an answer that fits into no buffer
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayAlone]:
    settings = {
        "MAX_CONNECTIONS": "6",
        "MAX_CONNECTIONS_PER_ADDRESS": "2",
        "UNLIMITED_NETWORKS": f"{FRIEND}, 127.0.0.1",
    }
    with GatewayAlone(tmp_path_factory.mktemp("gateway") / "data", settings) as gateway:
        yield gateway


def connect(stack: ExitStack, port: int, peer: str) -> socket.socket:
    """A connection from this address of this machine, on which the gateway has answered."""
    address = ("127.0.0.1", port)
    return stack.enter_context(socket.create_connection(address, 30, (peer, 0)))


def ask(connection: socket.socket) -> bytes:
    """The first line of what comes back."""
    connection.sendall(REQUEST)
    return connection.recv(65536).partition(b"\r\n")[0]


def has_room(gateway: Services) -> bool:
    """Whether every connection of another test is gone."""
    with ExitStack() as stack, contextlib.suppress(OSError):
        for _ in range(6):
            if not ask(connect(stack, gateway.gateway_port, FRIEND)).endswith(b"200 OK"):
                return False
        return True
    return False


def test_one_address_has_so_many_connections_and_leaves_room_for_others(
    gateway: GatewayAlone,
) -> None:
    wait_for(lambda: has_room(gateway), "room")
    with ExitStack() as stack:
        said = [ask(connect(stack, gateway.gateway_port, OURS)) for _ in range(3)]
        other = ask(connect(stack, gateway.gateway_port, OTHER))

    assert said == [b"HTTP/1.1 200 OK"] * 2 + [b"HTTP/1.1 429 Too Many Requests"]
    assert other == b"HTTP/1.1 200 OK"


def test_when_all_are_taken_the_next_is_503_and_operators_still_come_in(
    gateway: GatewayAlone,
) -> None:
    wait_for(lambda: has_room(gateway), "room")
    with ExitStack() as stack:
        taken = [ask(connect(stack, gateway.gateway_port, FRIEND)) for _ in range(6)]
        refused = connect(stack, gateway.gateway_port, ANOTHER)
        answer = refused.recv(65536)  # before it asks
        upstreams = requests.get(f"{gateway.admin_url}/admin/upstreams", timeout=30)

    assert taken == [b"HTTP/1.1 200 OK"] * 6
    assert answer.startswith(b"HTTP/1.1 503 Service Unavailable\r\n")
    assert b"\r\nretry-after: 1\r\n" in answer and b"\r\nx-request-id: " in answer
    assert b"urn:doorstep:problem:service-unavailable" in answer
    assert upstreams.status_code == 200
    wait_for(lambda: has_room(gateway), "those who left to have made room")


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """A server that waits for a quarter of a second where ours wait for twenty."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(LONG // PART if scope["method"] == "GET" else 0):
            await send({"type": "http.response.body", "body": b"a" * PART, "more_body": True})
        await send({"type": "http.response.body"})

    config = Config(application, http=StrictProtocol, lifespan="off", log_config=None)
    server = Server(config)
    listener = socket.create_server(("127.0.0.1", 0))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(protocol, "PATIENCE", 0.25)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        wait_for(lambda: server.started, "the server")
        yield server
        server.should_exit = True
        thread.join(30)
    listener.close()


def port_of(server: Server) -> int:
    port: int = server.servers[0].sockets[0].getsockname()[1]
    return port


def receiving_little(server: Server) -> socket.socket:
    """A connection whose system keeps little of what is not read yet."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port_of(server)))
    connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    return connection


def test_a_client_that_does_not_read_is_not_waited_for(impatient: Server) -> None:
    there_are = impatient.server_state.connections
    wait_for(lambda: not there_are, "other connections to be over")

    with receiving_little(impatient):
        wait_for(lambda: bool(there_are), "the connection to be there")
        wait_for(lambda: not there_are, "it to be dropped")


def test_a_client_that_reads_on_gets_all_of_it(impatient: Server) -> None:
    received = 0
    with receiving_little(impatient) as connection:
        while part := connection.recv(65536):
            received += len(part)

    assert received > LONG


HEAD = b"POST / HTTP/1.1\r\nHost: a\r\n"


@pytest.mark.parametrize(
    ("begin", "drop"),
    [
        (b"", b""),
        (b"POST", b""),
        (HEAD, b"X: a\r\n"),
        (HEAD + b"X: ", b"a"),
        (HEAD + b"Content-Length: 100000\r\n\r\n", b"a"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X: a\r\n"),
    ],
    ids=["nothing", "a word", "headers", "a header", "a body", "chunks", "a trailer"],
)
def test_what_drips_is_not_waited_for(impatient: Server, begin: bytes, drop: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port_of(impatient)), 0.02) as connection:
        connection.sendall(begin)
        answer = drip_until_answered(connection, drop)

    assert answer.startswith(b"HTTP/1.1 408 Request Timeout\r\n") or answer == begin == b""


def drip_until_answered(connection: socket.socket, drop: bytes) -> bytes:
    """What came back at last: a drop goes out whenever nothing has come for a moment."""
    while True:
        try:
            return connection.recv(65536)
        except TimeoutError:
            connection.sendall(drop)
