"""Sends a request byte by byte as it is given, and reads whatever is answered.

No client library stands in between: none would send what is malformed, nor show an answer as it
came.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import Any
from urllib.parse import SplitResult, urlsplit

TIMEOUT = 30.0  # seconds in which nothing comes
LONGEST = 60.0  # seconds for a whole answer
LARGEST = 64 * 1024 * 1024  # bytes of a body

Header = tuple[str, str | bytes]


class NoAnswer(RuntimeError):
    """Nothing came back that is an HTTP answer; the message says what happened instead."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request without its credential.

    ``target``: path and query as they stand in the request line. ``chunked``: the body is sent in
    chunks, without its length. ``made_by``: a shell command that prints the body, where it is too
    long to be shown.
    """

    method: str
    target: str
    headers: tuple[Header, ...] = ()
    body: bytes | None = None
    chunked: bool = False
    made_by: str = ""

    def with_headers(self, *headers: Header) -> Request:
        """The same with further headers."""
        return replace(self, headers=(*self.headers, *headers))


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. Names of headers are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The header's value, several lines of it joined (RFC 9110 §5.3)."""
        lines = [value for known, value in self.headers if known == name.lower()]
        return ", ".join(lines) if lines else None

    @property
    def text(self) -> str:
        """The body, whatever it is."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON; ``ValueError`` where it is none."""
        return json.loads(self.body)


def json_request(method: str, target: str, body: Any = None, *headers: Header) -> Request:
    """A request with a body of JSON, or without one where it is None."""
    if body is None:
        return Request(method, target, headers)
    content = ("Content-Type", "application/json")
    return Request(method, target, (content, *headers), json.dumps(body).encode())


def send(base: str, request: Request, credential: Header | None = None) -> Answer:
    """The answer, over a connection of its own; ``NoAnswer`` when nothing sensible came back."""
    url = urlsplit(base)
    sent = replace(request, target=url.path.rstrip("/") + request.target)
    try:
        with _connection(url) as connection:
            # It may have answered and closed before all was sent.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(to_bytes(sent, url.netloc, credential))
            return _receive(connection, request.method)
    except (OSError, HTTPException) as exc:
        raise NoAnswer(f"{type(exc).__name__}: {exc}") from exc


def _connection(url: SplitResult) -> socket.socket:
    secure = url.scheme == "https"
    address = (url.hostname or "", url.port or (443 if secure else 80))
    connection = socket.create_connection(address, timeout=TIMEOUT)
    if not secure:
        return connection
    return ssl.create_default_context().wrap_socket(connection, server_hostname=url.hostname)


def _receive(connection: socket.socket, method: str) -> Answer:
    response = HTTPResponse(connection, method=method)
    # A time-out is for each part alone: what drips, or hints for ever, would never end.
    cut = threading.Timer(LONGEST, connection.shutdown, [socket.SHUT_RDWR])
    cut.daemon = True
    cut.start()
    try:
        response.begin()
        headers = tuple((name.lower(), value) for name, value in response.getheaders())
        return Answer(response.status, headers, b"".join(_parts(response)))
    finally:
        cut.cancel()
        response.close()


def _parts(response: HTTPResponse) -> Iterator[bytes]:
    """The body as it comes; ``NoAnswer`` when it has no end that can be waited for."""
    size = 0
    while part := response.read1(65536):
        size += len(part)
        if size > LARGEST:
            raise NoAnswer(f"the answer had no end after {LARGEST} bytes")
        yield part
    if response.length:  # of what was announced
        raise IncompleteRead(b"", response.length)


def to_bytes(request: Request, host: str, credential: Header | None = None) -> bytes:
    """The request as it goes over the wire."""
    given = [*request.headers, *([credential] if credential else [])]
    names = {name.lower() for name, _ in given}
    if "host" not in names:
        given.insert(0, ("Host", host))
    if "connection" not in names:
        given.append(("Connection", "close"))
    if request.body is not None and not {"content-length", "transfer-encoding"} & names:
        length = ("Transfer-Encoding", "chunked")
        given.append(length if request.chunked else ("Content-Length", str(len(request.body))))
    lines = [f"{request.method} {request.target} HTTP/1.1".encode("utf-8", "surrogateescape")]
    lines += [name.encode() + b": " + _bytes(value) for name, value in given]
    body = request.body or b""
    return b"\r\n".join([*lines, b"", b"".join(_chunks(body)) if request.chunked else body])


def _chunks(body: bytes, size: int = 1000) -> Iterator[bytes]:
    for at in range(0, len(body), size):
        part = body[at : at + size]
        yield b"%x\r\n%s\r\n" % (len(part), part)
    yield b"0\r\n\r\n"


def _bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def curl(base: str, request: Request, credential: str = "") -> str:
    """A line for bash that sends the same.

    ``credential``: a header with a variable for the secret; ``base`` may be a variable too.
    """
    words = ["curl -i --path-as-is --globoff"]
    if request.method == "HEAD":
        words.append("--head")
    elif request.method != "GET" or request.body is not None:
        words.append(f"-X {shlex.quote(request.method)}")
    for name, value in request.headers:
        # curl leaves out a header with nothing after its colon, and sends one with a semicolon.
        line = b": ".join([name.encode(), _bytes(value)]) if value else name.encode() + b";"
        words.append(f"-H {_quoted(line)}")
    if request.body is not None and not any(
        n.lower() == "content-type" for n, _ in request.headers
    ):
        words.append("-H Content-Type:")  # it would say that it is a form
    if request.chunked:
        words.append("-H 'Transfer-Encoding: chunked'")
    if credential:
        words.append(f'-H "{credential}"')
    # No shell has an argument with a NUL in it.
    printed = f"printf {_escaped(request.body)}" if b"\0" in (request.body or b"") else ""
    source = f"{request.made_by or printed} | " if request.made_by or printed else ""
    words += [f"--data-binary {'@-' if source else _quoted(request.body)}"] * (
        request.body is not None
    )
    # A base that is a variable is the shell's to read.
    url = f'"{base}"' if base.startswith("$") else shlex.quote(base.rstrip("/"))
    return f"{source}{' '.join(words)} {url}{shlex.quote(request.target)}"


def _quoted(content: bytes | None) -> str:
    content = content or b""
    if all(32 <= byte < 127 for byte in content):
        return shlex.quote(content.decode())
    return f"${_escaped(content)}"


def _escaped(content: bytes | None) -> str:
    """In quotes, as bash's printf and its ``$'…'`` read it."""
    plain = b"'\\%"  # for printf, "%" is no plain character
    written = (
        chr(byte) if 32 <= byte < 127 and byte not in plain else f"\\x{byte:02x}"
        for byte in content or b""
    )
    return f"'{''.join(written)}'"
