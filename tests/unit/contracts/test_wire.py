"""Requests go out byte by byte as they are given, and a shell can send the same."""

from __future__ import annotations

import contextlib
import shlex
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from contracts import wire
from contracts.wire import Answer, NoAnswer, Request, curl, json_request, send, to_bytes

ANSWER = b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\n{}"


class Service:
    """Answers one connection after another, and keeps what it was sent."""

    def __init__(self, answer: bytes, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self._answer = answer
        self._tls = tls
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError), self._secured(connection) as connection:
                self.received.append(self._read(connection))
                connection.sendall(self._answer)

    def _secured(self, connection: socket.socket) -> socket.socket:
        return self._tls.wrap_socket(connection, server_side=True) if self._tls else connection

    def _read(self, connection: socket.socket) -> bytes:
        got = b""
        while not _is_whole(got) and (part := connection.recv(65536)):
            got += part
        return got


def _is_whole(got: bytes) -> bool:
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return False
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length: "):
            return len(body) >= int(line[16:])
        if line == b"transfer-encoding: chunked":
            return body.endswith(b"0\r\n\r\n")
    return True


@contextmanager
def a_service(answer: bytes = ANSWER, tls: ssl.SSLContext | None = None) -> Iterator[Service]:
    service = Service(answer, tls)
    try:
        yield service
    finally:
        service.close()


def test_a_request_is_sent_as_it_stands() -> None:
    request = Request("GET", "/a/../%2f?b=1&b=2", (("X-A", b"\xff"), ("X-A", "2")))

    assert to_bytes(request, "host:1", ("X-Key", "k")) == (
        b"GET /a/../%2f?b=1&b=2 HTTP/1.1\r\nHost: host:1\r\nX-A: \xff\r\nX-A: 2\r\nX-Key: k\r\n"
        b"Connection: close\r\n\r\n"
    )


def test_a_body_goes_in_chunks_or_with_its_length() -> None:
    chunked = to_bytes(Request("POST", "/", body=b"ab", chunked=True), "h")
    whole = to_bytes(json_request("POST", "/", {"a": 1}), "h")

    assert chunked.endswith(b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
    assert b'Content-Length: 8\r\n\r\n{"a": 1}' in whole


def test_an_answer_has_all_lines_of_a_header() -> None:
    with a_service() as service:
        answer = send(service.url, Request("GET", "/"))

    assert answer == Answer(200, (("x-a", "1"), ("x-a", "2"), ("content-length", "2")), b"{}")
    assert answer.header("X-A") == "1, 2"


@pytest.mark.parametrize("answer", [b"", b"nonsense\r\n\r\n", ANSWER[:-1]])
def test_what_is_no_answer_is_told(answer: bytes) -> None:
    with a_service(answer) as service, pytest.raises(NoAnswer):
        send(service.url, Request("GET", "/"))


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/a?b=%2f&c='d'"),
        Request("GET", "/a/../b"),
        Request("POST", "/a", (("Content-Type", "Application/JSON"),), b'{"a": "it\'s"}'),
        Request("PUT", "/a", (("Content-Type", "a/b"),), b"\xff\x00'\\\n"),
        Request("PATCH", "/a", (("X-Odd", b"a\xffb"), ("X-Empty", "")), b"a"),
        Request("DELETE", "/a"),
        Request("POST", "/a", (), b"abc", chunked=True),
        Request("POST", "/a", (), b"1" * 5000, made_by="head -c 5000 /dev/zero | tr '\\0' 1"),
    ],
    ids=lambda request: f"{request.method} {request.target} {request.body and request.body[:9]}",
)
def test_a_shell_sends_the_same(request_: Request) -> None:
    with a_service() as service:
        send(service.url, request_, ("X-API-Key", "secret"))
        line = curl(service.url, request_, "X-API-Key: $KEY")
        subprocess.run(["bash", "-c", line], env={"KEY": "secret", "PATH": "/usr/bin:/bin"},
                       capture_output=True, timeout=30, check=True)  # fmt: skip
        ours, theirs = service.received

    assert essence(theirs) == essence(ours)
    assert "secret" not in line


def essence(request: bytes) -> tuple[bytes, set[bytes], bytes]:
    """What both have to send: not what curl says of itself, nor the connection's own headers."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    own = (b"user-agent:", b"accept:", b"connection:", b"host:")
    return (
        first,
        {line.strip() for line in lines if not line.lower().startswith(own)},
        dechunked(body),
    )


def dechunked(body: bytes) -> bytes:
    return b"abc" if body in (b"3\r\nabc\r\n0\r\n\r\n", b"abc") else body


def test_a_line_of_curl_is_one_line_that_a_shell_can_read() -> None:
    line = curl("http://a", Request("POST", "/a b", (("X", "a'b"),), b"\n\r"))

    assert "\n" not in line
    assert shlex.split(line)[-1] == "http://a/a b"


def test_a_deployment_below_a_path_is_asked_there() -> None:
    with a_service() as service:
        send(f"{service.url}/doorstep/", Request("GET", "/v1/devices"))

        assert service.received[0].startswith(b"GET /doorstep/v1/devices HTTP/1.1\r\n")
        assert curl(f"{service.url}/doorstep/", Request("GET", "/a")).endswith("/doorstep/a")


def a_certificate(folder: Path) -> Path:
    """A file with a certificate for localhost, signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    kept = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(kept + certificate.public_bytes(Encoding.PEM))
    return file


def test_https_is_spoken_to_whom_is_trusted_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = a_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with a_service(tls=context) as service:
        url = service.url.replace("http://127.0.0.1", "https://localhost")
        with pytest.raises(NoAnswer, match="CERTIFICATE_VERIFY_FAILED"):
            send(url, Request("GET", "/"))
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

        assert send(url, Request("GET", "/")).status == 200


def test_an_answer_without_end_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "LARGEST", 10)

    endless = b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 1000
    with a_service(endless) as service, pytest.raises(NoAnswer, match="had no end after"):
        send(service.url, Request("GET", "/"))
