"""How a service behind the gateway can fail, and what its client is to be told."""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import dataclass

from contracts.faults.upstream import OK, Act, drip, reset, say_nothing, send

SECRET = "private-to-the-service"  # stands in answers that no client may see a part of
_SAID = SECRET.encode()
_PART = OK + b"Content-Length: 100\r\n\r\n" + _SAID


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. ``words``: what the service does; ``status``: what the gateway answers.

    ``breaks_off``: a part of the answer may have gone to the client, whose answer breaks off too.
    """

    name: str
    words: str
    act: Act
    status: int = 502
    breaks_off: bool = False


def _hints_for_ever(connection: socket.socket) -> None:
    while True:  # until the gateway has had enough
        connection.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        threading.Event().wait(0.05)  # between two hints


def _answer(status: bytes, *lines: bytes, body: bytes) -> bytes:
    head = [b"HTTP/1.1 " + status, *lines, b"Content-Length: %d" % len(body), b"", body]
    return b"\r\n".join(head)


_BUSY = {
    "type": "urn:doorstep:problem:service-unavailable",
    "title": "The service cannot answer just now",
    "status": 503,
    "detail": "Later.",
}

FAULTS = [
    # It ends too early.
    Fault("closes", "closes the connection without a word", send(b"")),
    Fault("half a line", "closes within the first line", send(b"HTTP/1.1 200")),
    Fault("half a head", "closes within the headers", send(OK + b"X: " + _SAID)),
    Fault("half a body", "closes within the body", send(_PART)),
    Fault("half a chunk", "closes within a chunk",
          send(OK + b"Transfer-Encoding: chunked\r\n\r\n64\r\n1"), breaks_off=True),
    Fault("resets", "resets the connection", reset(b"")),
    Fault("resets a head", "resets within the headers", reset(OK)),
    Fault("resets a body", "resets within the body", reset(_PART)),
    # It is no HTTP.
    Fault("garbage", "says what is no HTTP", send(_SAID + b"\r\n\r\n")),
    Fault("TLS", "speaks TLS", send(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")),
    Fault("no such status", "answers 999999", send(b"HTTP/1.1 999999 x\r\n\r\n")),
    # Its framing is not plain.
    Fault("length x", "has a length that is no number", send(OK + b"Content-Length: x\r\n\r\n")),
    Fault("length -5", "has a negative length", send(OK + b"Content-Length: -5\r\n\r\n{}")),
    Fault("two lengths", "has two lengths",
          send(OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}")),
    Fault("length, chunks", "has a length and chunks", send(
        OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")),
    Fault("bad chunks", "has chunks of no length",
          send(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")),
    Fault("huge chunk", "has a chunk of more than there can be",
          send(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n{}")),
    Fault("NUL", "has a NUL in a header", send(OK + b"Content-Length: 2\r\nX: a\x00b\r\n\r\n{}")),
    Fault("space in a name", "has a space in a header's name",
          send(OK + b"Content-Length: 2\r\nX Y: a\r\n\r\n{}")),
    # It is too much.
    Fault("long header", "has a header of 100 KB",
          send(OK + b"X: " + b"a" * 100_000 + b"\r\n\r\n")),
    Fault("many headers", "has 20,000 headers", send(OK + b"X: a\r\n" * 20_000 + b"\r\n")),
    # It is no answer.
    Fault("101", "switches protocols",
          send(b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")),
    Fault("only 1xx", "sends hints and no answer", send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3)),
    Fault("1xx, garbage", "goes on with garbage",
          send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 garbage\r\n\r\n")),
    # It does not come.
    Fault("says nothing", "says nothing", say_nothing, 504),
    Fault("drips a head", "sends its headers byte by byte", drip(b"HTTP/1.1 200 OK\r\nX:"), 504),
    Fault("drips a body", "sends its body byte by byte",
          drip(OK + b"Content-Length: 200000\r\n\r\n"), 504),
    Fault("hints for ever", "sends hints and nothing else", _hints_for_ever, 504),
    # It says itself that it cannot.
    Fault("busy", "says that it is busy", send(_answer(
        b"503 Busy", b"Content-Type: application/problem+json", b"Retry-After: 7",
        b"Connection: close", body=json.dumps(_BUSY).encode())), 503),
]  # fmt: skip
