"""Malformed requests over raw sockets: the declared 4xx problem, never a 5xx, never a hang."""

from __future__ import annotations

import contextlib
import json
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlencode

import pytest

from contracts.services import Services

GOOD = b'{"name": "Lamp", "device_type": "light"}'
JSON = "Content-Type: application/json"


@dataclass(frozen=True)
class Row:
    """A request, without its credential, and the status that answers it."""

    name: str
    status: int
    line: str = "POST /v1/devices HTTP/1.1"
    headers: tuple[str | bytes, ...] = (JSON,)
    body: bytes | None = GOOD
    host: str | None = "Host: localhost"
    length: bool = True


def get(name: str, target: str, status: int, *headers: str | bytes, **options: str | None) -> Row:
    return Row(name, status, f"GET {target} HTTP/1.1", headers, None, **options)  # type: ignore[arg-type]


def chunked(body: bytes, size: int = 1000) -> bytes:
    parts = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in parts) + b"0\r\n\r\n"


CHUNKED = (JSON, "Transfer-Encoding: chunked")

ROWS = [
    # Framing
    Row("length and chunks", 400, headers=(*CHUNKED, "Content-Length: 5"), length=False),
    Row("chunks in gzip", 400, headers=(JSON, "Transfer-Encoding: gzip, chunked"), length=False),
    Row("two lengths", 400, headers=(JSON, "Content-Length: 40", "Content-Length: 41")),
    Row("negative length", 400, headers=(JSON, "Content-Length: -1"), length=False),
    Row("length that is no number", 400, headers=(JSON, "Content-Length: ten"), length=False),
    Row("huge length", 400, headers=(JSON, "Content-Length: " + "9" * 40), length=False),
    Row("length over the limit", 413, headers=(JSON, "Content-Length: 99999999"), length=False),
    Row("chunks over the limit", 413, headers=CHUNKED, body=chunked(b"1" * 1_100_000, 65536),
        length=False),
    get("folded header", "/v1/devices", 400, "X-A: a\r\n b"),
    get("control character", "/v1/devices", 400, b"X-A: a\x01b"),
    get("NUL in a header", "/v1/devices", 400, b"X-A: a\x00b"),
    get("space before the colon", "/v1/devices", 400, "X-A : a"),
    get("underscore in a name", "/v1/devices", 400, "X_Auth_User: admin"),
    get("user in Host", "/v1/devices", 400, host="Host: admin@localhost"),
    get("no Host", "/v1/devices", 400, host=None),
    get("Connection names a condition", "/v1/devices", 400, "Connection: close, If-Match"),
    get("two Hosts", "/v1/devices", 400, "Host: other"),
    get("encoded slash", "/v1/devices/a%2fb", 400),
    get("encoded backslash", "/v1/devices/a%5Cb", 400),
    get("encoded NUL", "/v1/devices/a%00", 400),
    get("dot segment", "/v1/devices/../devices", 400),
    get("encoded dot segment", "/v1/%2e%2e/v1/devices", 400),
    get("path that is not UTF-8", "/v1/devices/%ff", 400),
    get("a fragment", "/v1/devices#a", 400),
    get("a whole URL", "http://localhost/v1/devices?limit=1", 200),
    get("a whole URL with another host", "HTTP://other:80/v1/devices", 200),
    get("a whole URL with a user", "http://admin@localhost/v1/devices", 400),
    get("a whole URL with no host", "http:///v1/devices", 400),
    get("a whole URL with no path", "http://localhost", 400),
    get("a whole URL of another scheme", "ftp://localhost/v1/devices", 400),
    get("a whole URL and no Host", "http://localhost/v1/devices", 400, host=None),
    get("a URL without a scheme", "//localhost/v1/devices", 404),
    Row("an authority", 400, "CONNECT localhost:80 HTTP/1.1", (), None),
    Row("all of the server", 404, "OPTIONS * HTTP/1.1", (), None),
    get("query that is not UTF-8", "/v1/devices?limit=%ff", 400),
    get("a long list of filters", "/v1/devices?" + "&".join(
        f"manufacturer={'%C3%A9' * 60}{number}" for number in range(50)), 200),
    get("long URL", "/v1/devices?cursor=" + "a" * 33_000, 414),
    get("large headers", "/v1/devices", 431, "X-A: " + "a" * 40000),
    get("many headers", "/v1/devices", 431, *[f"X-{n}: a" for n in range(101)]),
    Row("no HTTP", 400, "HELLO", (), None),
    Row("no version", 400, "GET /v1/devices", (), None),
    # Bodies
    Row("mixed-case media type", 201, headers=("Content-Type: Application/JSON",)),
    Row("mixed-case media type, bad body", 400, headers=("Content-Type: Application/JSON",),
        body=b'{"name": 1}'),
    Row("no media type", 415, headers=()),
    Row("a coding", 415, headers=(JSON, "Content-Encoding: gzip")),
    Row("no coding", 201, headers=(JSON, "Content-Encoding: identity")),
    Row("another media type", 415, headers=("Content-Type: text/plain",)),
    Row("another charset", 415, headers=(JSON + "; charset=utf-16",)),
    Row("its own charset", 201, headers=(JSON + "; charset=UTF-8",)),
    Row("not UTF-8", 400, body=b'{"name": "\xff", "device_type": "light"}'),
    Row("a byte order mark", 400, body=b"\xef\xbb\xbf" + GOOD),
    Row("a member twice", 400, body=b'{"name": "a", "name": "b", "device_type": "light"}'),
    Row("deep", 400, body=b"[" * 100_000),
    Row("deep and balanced", 400, body=b"[" * 100_000 + b"]" * 100_000),
    Row("5,000 digits", 400, body=b'{"matter_device_type": ' + b"9" * 5000 + b"}"),
    Row("NaN", 400, body=b'{"attributes": {"a": NaN}, "name": "a", "device_type": "light"}'),
    Row("1e999", 400, body=b'{"attributes": {"a": 1e999}, "name": "a", "device_type": "light"}'),
    Row("lone surrogate", 400, body=b'{"name": "\\ud800", "device_type": "light"}'),
    Row("null", 400, body=b"null"),
    Row("an empty body", 400, body=b""),
    Row("no body", 400, body=None),
    Row("half a body", 400, body=b'{"name":'),
    Row("good chunks", 201, headers=CHUNKED, body=chunked(GOOD, 7), length=False),
    Row("bad chunks", 400, headers=CHUNKED, body=chunked(b"{}"), length=False),
    Row("a body where none is taken", 400, "GET /v1/devices HTTP/1.1"),
    Row("a continued request", 201, headers=(JSON, "Expect: 100-continue")),
    # Parameters
    get("a parameter twice", "/v1/devices?limit=1&limit=2", 400),
    get("an unknown parameter", "/v1/devices?limits=1", 400),
    get("1_0", "/v1/devices?limit=1_0", 400),
    get("a space", "/v1/devices?limit=%201", 400),
    get("another alphabet's digit", "/v1/devices?limit=%D9%A1", 400),
    get("a fraction", "/v1/devices?limit=1.0", 400),
    get("zero", "/v1/devices?limit=0", 400),
    get("more than a page holds", "/v1/devices?limit=1001", 200),
    get("more than any number", "/v1/devices?limit=2147483648", 400),
    get("an empty value", "/v1/devices?limit=", 400),
    get("an unknown value", "/v1/devices?status=lost", 400),
    get("an identifier that is none", "/v1/devices/%20", 400),
    # Routing
    get("trailing slash", "/v1/devices/", 404),
    get("no such path", "/v1/devicez", 404),
    Row("another method", 405, "PROPFIND /v1/devices HTTP/1.1", (), None),
    Row("TRACE", 405, "TRACE /v1/devices HTTP/1.1", (), None),
    Row("OPTIONS", 204, "OPTIONS /v1/devices HTTP/1.1", (), None),
    get("a plain list", "/v1/devices", 200),
]  # fmt: skip


def to_wire(row: Row, credential: str) -> bytes:
    headers = [*([row.host] if row.host else []), credential, "Connection: close", *row.headers]
    if row.body is not None and row.length:
        headers.append(f"Content-Length: {len(row.body)}")
    lines = [row.line, *headers, "", ""]
    head = b"\r\n".join(x.encode() if isinstance(x, str) else x for x in lines)
    return head + (row.body or b"")


def exchange(port: int, request: bytes) -> bytes:
    """All that comes back; a service that hangs fails by the time-out."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        # It may have answered and closed before all was sent.
        with contextlib.suppress(OSError):
            connection.sendall(request)
        received = bytearray()
        # It resets the connection over what it did not read; its answer came before.
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(65536):
                received += part
        return bytes(received)


def parse(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    while answer.startswith(b"HTTP/1.1 100"):
        answer = answer.partition(b"\r\n\r\n")[2]
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
    return int(first.split()[1]), headers, body


@pytest.fixture(params=["gateway", "inventory"])
def door(
    request: pytest.FixtureRequest, services: Services, identity: Callable[..., str]
) -> tuple[int, str]:
    """A service's port, and the header that it believes."""
    if request.param == "gateway":
        return services.gateway_port, f"X-API-Key: {services.admin_key}"
    return services.inventory_port, f"Authorization: Bearer {identity()}"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_request_is_answered_as_declared(row: Row, door: tuple[int, str]) -> None:
    port, credential = door

    status, headers, body = parse(exchange(port, to_wire(row, credential)))

    assert status == row.status, body
    if status >= 400:
        assert headers["content-type"] == "application/problem+json"
        problem = json.loads(body)
        assert problem["status"] == status
        assert problem["type"].startswith("urn:doorstep:problem:")


@pytest.mark.parametrize("method", ["OPTIONS", "PROPFIND", "PUT"])
def test_allow_has_every_method_of_the_path(method: str, door: tuple[int, str]) -> None:
    port, credential = door
    row = Row("allow", 0, f"{method} /v1/devices HTTP/1.1", (), None)

    _, headers, _ = parse(exchange(port, to_wire(row, credential)))

    assert headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_long_list_of_filters_has_a_next_page(door: tuple[int, str]) -> None:
    port, credential = door
    makers = [f"{'é' * 100}{number}" for number in range(33)]
    for maker in makers[:2]:
        body = json.dumps({"name": "a", "device_type": "light", "manufacturer": maker}).encode()
        assert parse(exchange(port, to_wire(Row("", 201, body=body), credential)))[0] == 201
    query = urlencode([("manufacturer", maker) for maker in makers] + [("limit", "1")])

    status, headers, body = parse(
        exchange(port, to_wire(get("", f"/v1/devices?{query}", 200), credential))
    )

    assert status == 200
    assert json.loads(body)["next"]
    assert len(headers.get("link", "")) <= 4096


@pytest.mark.parametrize("path", ["/ui/" + "a" * 300, "/ui/..", "/ui/swagger-ui.css/"])
def test_what_is_no_file_of_swagger_ui_is_not_found(services: Services, path: str) -> None:
    request = to_wire(get("", path, 404), "X-A: a")

    assert parse(exchange(services.gateway_port, request))[0] in (400, 404)


def test_a_client_credential_that_is_no_text_is_refused(services: Services) -> None:
    row = Row("", 401, "POST /oauth/token HTTP/1.1",
              ("Content-Type: application/x-www-form-urlencoded",),
              b"grant_type=client_credentials")  # fmt: skip
    request = to_wire(row, "X-A: a").replace(b"X-A: a", b"Authorization: Basic \xe9")

    assert parse(exchange(services.gateway_port, request))[0] == 401


def test_head_is_get_without_the_body(door: tuple[int, str]) -> None:
    port, credential = door
    answers = [
        parse(
            exchange(port, to_wire(Row("", 0, f"{m} /v1/devices HTTP/1.1", (), None), credential))
        )
        for m in ("GET", "HEAD")
    ]

    (got, got_headers, _), (head, head_headers, body) = answers
    assert (got, head, body) == (200, 200, b"")
    assert head_headers["content-type"] == got_headers["content-type"]


def test_requests_in_a_pipe_are_answered_in_order(door: tuple[int, str]) -> None:
    port, credential = door
    one = f"GET /v1/devices?limit=%d HTTP/1.1\r\nHost: a\r\n{credential}\r\n"
    pipe = (one % 1) + "\r\n" + (one % 0) + "\r\n" + (one % 2) + "Connection: close\r\n\r\n"

    answer = exchange(port, pipe.encode())

    assert re.findall(rb"HTTP/1.1 (\d+)", answer) == [b"200", b"400", b"200"]


def test_a_client_that_leaves_in_the_middle_disturbs_nobody(door: tuple[int, str]) -> None:
    port, credential = door
    for cut in (5, 30, 60, 120):
        whole = to_wire(Row("", 201), credential)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(whole[: len(whole) - cut])

    status, _, _ = parse(exchange(port, to_wire(Row("", 201), credential)))

    assert status == 201
