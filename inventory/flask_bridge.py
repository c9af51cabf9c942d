"""Connexion's FlaskApp with one thread hop a request, and handlers bound when it starts.

Stock FlaskApp hands a response from its thread to the event loop in three hops, and wraps the
handler anew for each request (1,223 against 2,626 requests/s on one core). See docs/adr/0003.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import inspect
import io
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import connexion
import flask
import werkzeug.exceptions
from connexion.apps.abstract import AbstractApp
from connexion.apps.flask import FlaskApi, FlaskASGIApp
from connexion.operations import AbstractOperation
from flask import Response
from starlette.types import Message, Receive, Scope, Send
from werkzeug.routing import Rule

from openapi.bodies import ClientDisconnected, has_body
from openapi.request import operation_id, validated

# Says from a request's parameters whether it is served without waiting for anything.
Instant = Callable[[Mapping[str, Any]], bool]
Before = Callable[[Scope], Awaitable[None]]

UPLOADS = 8  # threads that read bodies as they come; a slow client keeps nobody else waiting
STREAMED = 64 * 1024  # bytes of an answer's chunk that is worth a hop of its own


class HandlerMismatch(TypeError):
    """A handler does not take what its operation declares."""


class FlaskService(connexion.FlaskApp):
    """``connexion.FlaskApp`` over ``DirectASGIApp``."""

    def __init__(
        self,
        import_name: str,
        *,
        threads: int,
        instant: Mapping[str, Instant],
        before: Before,
        **options: Any,
    ) -> None:
        """``instant``: operationId to what says whether a request of it never waits.

        ``before``: what a request waits for before it takes a thread.
        """
        self._middleware_app = DirectASGIApp(
            import_name, threads=threads, instant=instant, before=before
        )
        # FlaskApp's own __init__ would put the stock bridge here.
        AbstractApp.__init__(self, import_name, **options)
        self.app = self._middleware_app.app
        self.app.register_error_handler(werkzeug.exceptions.HTTPException, self._http_exception)


class DirectASGIApp(FlaskASGIApp):
    """The Flask application as ASGI; each request runs whole on one thread of its own pool.

    Requests that never wait run on the event loop's own thread: to change threads takes longer
    than they do.
    """

    def __init__(
        self, import_name: str, *, threads: int, instant: Mapping[str, Instant], before: Before
    ) -> None:
        super().__init__(import_name, {"static_folder": None})
        self.app.__class__ = RoutedFlask  # FlaskASGIApp makes its own, of Flask's class
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="flask")
        self._uploads = ThreadPoolExecutor(UPLOADS, thread_name_prefix="upload")
        self._instant = dict(instant)
        self._before = before

    def add_api(self, specification: Any, *, name: str | None = None, **options: Any) -> FlaskApi:
        api = DirectFlaskApi(specification, **options)
        self.app.register_blueprint(api.blueprint)
        return api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        environ = build_environ(scope)
        is_instant = self._instant.get(operation_id(scope) or "")
        if is_instant is not None and is_instant(validated(scope).parameters):
            answer = self._respond(environ)
        else:
            await self._before(scope)
            loop, context, pool = asyncio.get_running_loop(), contextvars.copy_context(), self._pool
            if validated(scope).raw is None and has_body(scope):
                environ["wsgi.input"] = IncomingBody(receive, loop)
                pool = self._uploads
            answer = await loop.run_in_executor(pool, context.run, self._respond, environ)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        if answer.rest is None:
            await send({"type": "http.response.body", "body": answer.body})
            return
        await self._stream(answer, send)

    def _respond(self, environ: dict[str, Any]) -> _WSGIAnswer:
        answer = _WSGIAnswer()
        answer.take(self.app.wsgi_app(environ, answer.start))
        return answer

    async def _stream(self, answer: _WSGIAnswer, send: Send) -> None:
        """Sends a generator's chunks as they come; the generator waits while the client does."""
        loop = asyncio.get_running_loop()
        try:
            while (chunk := await loop.run_in_executor(self._pool, answer.next_chunk)) is not None:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            await loop.run_in_executor(self._pool, answer.close)


class RoutedFlask(flask.Flask):
    """Flask that takes the operation that Connexion's routing found, and does not look again."""

    def create_url_adapter(self, request: flask.Request | None) -> Any:
        """Flask asks this for whatever knows the request's rule."""
        if request is None:
            return super().create_url_adapter(request)
        return _RoutedAdapter(self._rules[operation_id(request.environ["asgi.scope"])])

    @functools.cached_property
    def _rules(self) -> dict[str | None, Rule]:
        return {rule.endpoint.rpartition(".")[2]: rule for rule in self.url_map.iter_rules()}


class _RoutedAdapter:
    """What Flask uses of werkzeug's ``MapAdapter`` in a request."""

    def __init__(self, rule: Rule) -> None:
        self._rule = rule

    def match(self, *, return_rule: bool) -> tuple[Rule, dict[str, Any]]:
        return self._rule, {}


class _WSGIAnswer:
    """What a WSGI application answered: whole, or with a rest that is still to come."""

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.rest: Iterator[bytes] | None = None
        self._chunks: Iterable[bytes] = ()

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        """WSGI's ``start_response``."""
        self.status = int(status[:3])
        self.headers = [(k.lower().encode(), v.encode("latin-1")) for k, v in headers]

    def take(self, chunks: Iterable[bytes]) -> None:
        """Reads the answer whole if it has a known length; else leaves its rest to be streamed."""
        self._chunks = chunks
        whole = any(name == b"content-length" for name, _ in self.headers)
        if whole or self.status in (204, 304):
            self.body = b"".join(chunks)
            self.close()
        else:
            self.rest = iter(chunks)

    def next_chunk(self) -> bytes | None:
        """The next bytes to send; small chunks are gathered. None at the end."""
        gathered = bytearray()
        for chunk in self.rest or ():
            gathered += chunk
            if len(gathered) >= STREAMED:
                break
        return bytes(gathered) or None

    def close(self) -> None:
        """Ends the response as WSGI demands (PEP 3333)."""
        close = getattr(self._chunks, "close", None)
        if close:
            close()


class IncomingBody(Iterator[bytes]):
    """A body that is still being received, for a thread that is not the event loop's.

    ``ClientDisconnected`` when it ends too early.
    """

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._more = True

    def __next__(self) -> bytes:
        if not self._more:
            raise StopIteration
        message = asyncio.run_coroutine_threadsafe(self._next(), self._loop).result()
        if message["type"] != "http.request":
            raise ClientDisconnected
        self._more = message.get("more_body", False)
        body: bytes = message.get("body", b"")
        return body

    async def _next(self) -> Message:
        return await self._receive()


class DirectFlaskApi(FlaskApi):
    """Registers each handler as a Flask view that reads what validation parsed."""

    def make_operation(self, operation: AbstractOperation) -> Callable[..., Response]:
        return bind(operation.function, operation)


def bind(handler: Callable[..., Response], operation: AbstractOperation) -> Callable[..., Response]:
    """The view that calls the handler with the operation's parameters and body by name.

    ``HandlerMismatch`` when the handler's arguments are not those that the contract declares.
    """
    declared = {parameter["name"].lower().replace("-", "_") for parameter in operation.parameters}
    takes_body = bool(operation.request_body)
    _check(handler, declared | ({"body"} if takes_body else set()), operation.operation_id)

    def view() -> Response:
        request = validated(flask.request.environ["asgi.scope"])
        if takes_body:
            return handler(**request.parameters, body=request.body)
        return handler(**request.parameters)

    view.__name__ = operation.operation_id
    return view


def _check(handler: Callable[..., Any], declared: set[str], operation_id: str) -> None:
    taken = inspect.signature(handler).parameters
    named = {name for name, p in taken.items() if p.kind is not p.VAR_KEYWORD}
    takes_any = len(named) < len(taken)
    if not (named == declared or (takes_any and named < declared)):
        raise HandlerMismatch(f"{operation_id} takes {sorted(named)}, not {sorted(declared)}")


def build_environ(scope: Scope) -> dict[str, Any]:
    """The request as WSGI has it (PEP 3333). The body is what validation read, or empty."""
    server, port = scope.get("server") or ("localhost", 0)
    environ: dict[str, Any] = {
        "asgi.scope": scope,
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": (scope.get("client") or ("",))[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": io.BytesIO(validated(scope).raw or b""),
        "wsgi.errors": None,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    _add_headers(environ, scope["headers"])
    return environ


_CGI_NAMES: Mapping[bytes, str] = {
    b"content-type": "CONTENT_TYPE",
    b"content-length": "CONTENT_LENGTH",
}


def _add_headers(environ: dict[str, Any], headers: Iterable[tuple[bytes, bytes]]) -> None:
    for name, value in headers:
        key = _CGI_NAMES.get(name) or "HTTP_" + name.decode("latin-1").upper().replace("-", "_")
        text = value.decode("latin-1")
        environ[key] = f"{environ[key]}, {text}" if key in environ else text
