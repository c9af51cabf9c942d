"""A service that answers whatever bytes it is told to, and a gateway in front of it."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable

import requests

from contracts.services import Services, wait_for

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
EMPTY = OK + b"Content-Length: 2\r\n\r\n{}"
Act = Callable[[socket.socket], None]


class Upstream:
    """Accepts connections, reads a request whole, and answers whatever bytes it is told to.

    ``answers``: what it does for a path, or for an ``X-Request-Id``; ``answer``: for every other.
    """

    def __init__(self) -> None:
        self.answer: Act = lambda _: None
        self.answers: dict[str, Act] = {}
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
                connection.sendall(EMPTY)  # it says it is well
                return
            head, _, body = head.partition(b"\r\n\r\n")
            text = head.decode("latin-1") + "\r\n"
            self.heads.append(text)
            _read_body(connection, text, body)
            self._act(text)(connection)

    def _act(self, head: str) -> Act:
        by_path = self.answers.get(head.split(" ")[1], self.answer)
        return self.answers.get(header(head, "x-request-id"), by_path)


def header(head: str, name: str) -> str:
    """The value of a header of a request, or nothing."""
    for line in head.split("\r\n")[1:]:
        known, _, value = line.partition(":")
        if known.lower() == name:
            return value.strip()
    return ""


def _read_body(connection: socket.socket, head: str, body: bytes) -> None:
    """Reads what is left of the request: closing before would be a reset instead of an end."""
    length = int(header(head, "content-length") or 0)
    chunked = header(head, "transfer-encoding").lower() == "chunked"
    while len(body) < length or (chunked and not body.endswith(b"0\r\n\r\n")):
        part = connection.recv(65536)
        if not part:
            return
        body += part


class GatewayAlone(Services):
    """A gateway whose inventory is somewhere else."""

    def __enter__(self) -> GatewayAlone:
        self.data.mkdir(parents=True, exist_ok=True)
        try:
            self.start("gateway")
            wait_for(self._lives, "the gateway to live", self._said)
        except BaseException:
            self.stop()
            raise
        return self

    def _lives(self) -> bool:
        try:
            return requests.get(self.gateway_url + "/health/live", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def send(content: bytes) -> Act:
    """Sends the content and closes."""
    return lambda connection: connection.sendall(content)


def reset(content: bytes) -> Act:
    """The content, and then a reset instead of an end."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(content)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    return answer


def drip(head: bytes) -> Act:
    """Each byte comes long before anybody loses patience with the connection."""

    def answer(connection: socket.socket) -> None:
        connection.sendall(head)
        while True:  # until the gateway has had enough
            connection.sendall(b" ")
            threading.Event().wait(0.2)  # between two drops

    return answer


def say_nothing(connection: socket.socket) -> None:
    """Waits until the gateway has had enough."""
    connection.recv(1)
