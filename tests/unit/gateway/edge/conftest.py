"""One stage around a small application, asked in-process through ASGI."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

Lines = Sequence[tuple[str, str]]


@dataclass
class Application:
    """Answers what it is told to, and keeps the scope that it was asked with."""

    status: int = 200
    headers: Lines = (("content-type", "application/json"),)
    chunks: Sequence[bytes] = (b"{}",)
    error: Exception | None = None
    scope: dict[str, Any] = field(default_factory=dict)

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        self.scope = scope
        headers = [(name.encode(), value.encode()) for name, value in self.headers]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        if self.error is not None:
            raise self.error
        for number, chunk in enumerate(self.chunks, 1):
            more = number < len(self.chunks)
            await send({"type": "http.response.body", "body": chunk, "more_body": more})

    def asked(self, name: str) -> list[str]:
        """The values of a request header as they came here."""
        return [v.decode() for n, v in self.scope["headers"] if n == name.encode()]


@dataclass
class Reply:
    """What came out: the messages, and views of them."""

    messages: list[dict[str, Any]]

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def lines(self) -> list[tuple[str, str]]:
        return [(n.decode(), v.decode()) for n, v in self.messages[0]["headers"]]

    @property
    def headers(self) -> dict[str, str]:
        assert len(dict(self.lines)) == len(self.lines), "a header is there twice"
        return dict(self.lines)

    @property
    def chunks(self) -> list[bytes]:
        return [message.get("body", b"") for message in self.messages[1:]]

    @property
    def body(self) -> bytes:
        return b"".join(self.chunks)


def send_request(app: Any, method: str, path: str, headers: Lines) -> Reply:
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
    }

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    reply = Reply(sent)
    try:
        asyncio.run(app(scope, None, send))
    except ConnectionError:  # what an application of these tests breaks off with
        assert reply.messages
    return reply


@pytest.fixture
def application() -> Callable[..., Application]:
    """``application(status=…, headers=…, chunks=…)``."""
    return Application


@pytest.fixture
def exchange() -> Callable[..., Reply]:
    """``exchange(app, method, path, headers)``."""

    def exchange(app: Any, method: str = "GET", path: str = "/", headers: Lines = ()) -> Reply:
        return send_request(app, method, path, headers)

    return exchange
