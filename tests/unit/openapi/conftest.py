"""A stock Connexion and ours over the same small document, asked in-process through ASGI."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import connexion
import pytest
import yaml
from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver

from openapi.assembly import build, connexion_options
from openapi.document import Document, load_document
from openapi.framing import FramingMiddleware
from openapi.problem_middleware import ProblemMiddleware
from openapi.problems import MEDIA_TYPE, TYPE_PREFIX
from openapi.request import validated
from openapi.routing import AllowedMethods
from openapi.selection import methods_by_path

CHALLENGE = 'Bearer realm="test"'


@dataclass(frozen=True)
class Reply:
    """What an application answered; ``error`` is what it raised besides."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    error: Exception | None

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        """Status and kind of a problem detail, seen to be one in every respect."""
        assert self.headers["content-type"] == MEDIA_TYPE
        assert self.json["status"] == self.status
        assert self.json["type"].startswith(TYPE_PREFIX)
        return self.status, self.json["type"].removeprefix(TYPE_PREFIX)


def a_scope(
    method: str = "GET",
    target: str = "/",
    headers: Sequence[tuple[str, str]] = (),
    **more: Any,
) -> dict[str, Any]:
    """The ASGI scope that uvicorn makes of a request; ``Host`` comes by itself."""
    raw_path, _, query = target.encode("ascii").partition(b"?")
    lines = [("host", "here"), *headers]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path.decode("ascii")),
        "raw_path": raw_path,
        "query_string": query,
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in lines],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    return scope | more


def send_request(app: Any, scope: dict[str, Any], chunks: Sequence[bytes]) -> Reply:
    """Runs the request to its end."""
    waiting = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]
    sent: list[dict[str, Any]] = []
    error: list[Exception] = []

    async def receive() -> dict[str, Any]:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def run() -> None:
        try:
            await app(scope, receive, send)
        except Exception as exc:
            error.append(exc)

    asyncio.run(run())
    start = sent[0] if sent else {"status": 0, "headers": []}
    return Reply(
        status=start["status"],
        headers={name.decode().lower(): value.decode() for name, value in start["headers"]},
        body=b"".join(message.get("body", b"") for message in sent[1:]),
        error=error[0] if error else None,
    )


@pytest.fixture(scope="session")
def scope_of() -> Callable[..., dict[str, Any]]:
    """``scope_of(method, target, headers, **more)``: see ``a_scope``."""
    return a_scope


@pytest.fixture(scope="session")
def ask() -> Callable[..., Reply]:
    """``ask(app, method, target, headers, body)``; a list of bodies is sent chunked."""

    def ask(
        app: Any,
        method: str = "GET",
        target: str = "/",
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **more: Any,
    ) -> Reply:
        lines = list((headers or {}).items())
        if isinstance(body, list):
            lines.append(("transfer-encoding", "chunked"))
        elif isinstance(body, bytes):
            lines.append(("content-length", str(len(body))))
        elif body is not None:
            body = json.dumps(body).encode()
            lines.append(("content-length", str(len(body))))
        if body is not None and "content-type" not in {name.lower() for name, _ in lines}:
            lines.append(("content-type", "application/json"))
        chunks = body if isinstance(body, list) else [body or b""]
        return send_request(app, a_scope(method, target, lines, **more), chunks)

    return ask


@dataclass
class Handler:
    """Answers every operation of the stock applications, and notes how it was called."""

    answer: Any = field(default_factory=lambda: {"ok": True})
    calls: list[dict[str, Any]] = field(default_factory=list)

    async def __call__(self, **arguments: Any) -> Any:
        self.calls.append(arguments)
        return self.answer


@pytest.fixture
def stock() -> Callable[..., Any]:
    """``stock(document, handler, **options)``: Connexion's own AsyncApp."""

    def stock(document: dict[str, Any], handler: Handler | None = None, **options: Any) -> Any:
        serve = handler or Handler()

        async def handle(**arguments: Any) -> Any:
            return await serve(**arguments)

        app = connexion.AsyncApp("connexion", resolver=Resolver(lambda _: handle), **options)
        app.add_api(copy.deepcopy(document))
        return app

    return stock


@pytest.fixture
def handler() -> Handler:
    """A handler whose ``calls`` a test looks at."""
    return Handler()


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., Document]:
    """``load(document)``: a dictionary, or YAML's text, as our ``Document``."""

    def load(document: dict[str, Any] | str) -> Document:
        file = tmp_path / "document.yaml"
        text = document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False)
        file.write_text(text, encoding="utf-8")
        return load_document(file)

    return load


@pytest.fixture
def ours(load: Callable[..., Document]) -> Callable[..., Any]:
    """``ours(document, security)``: the same document through our assembly.

    It answers 200 with what validation found, as JSON.
    """

    def ours(document: dict[str, Any], security: Mapping[str, Any] | None = None) -> Any:
        loaded = load(document)
        middleware = ConnexionMiddleware(
            tell_what_was_found,
            import_name="connexion",
            resolver=Resolver(lambda _: tell_what_was_found),
            **connexion_options(loaded.operations, security or {}),
        )
        build(middleware, loaded, loaded.operations)
        problems = ProblemMiddleware(
            middleware,
            methods=AllowedMethods(methods_by_path(loaded.operations)),
            translations={},
            challenge=CHALLENGE,
            request_id=lambda _: "a-request",
        )
        return FramingMiddleware(problems, lambda _: "a-request")

    return ours


async def tell_what_was_found(scope: Any, receive: Any, send: Any) -> None:
    """An ASGI application that answers with the request's ``Validated``."""
    found = validated(scope)
    body = json.dumps({"parameters": found.parameters, "body": found.body}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


@pytest.fixture
def problem_of() -> Callable[..., Any]:
    """``problem_of(call)``: the problem that the call raises."""
    from openapi.problems import Problem

    def problem_of(call: Callable[[], Any]) -> Problem:
        with pytest.raises(Problem) as raised:
            call()
        return raised.value

    return problem_of
