"""The operators' port: on loopback, apart from the public one by the socket, not by a header."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.explain import Explanations
from gateway.operations import json_answer
from openapi.problem_middleware import ProblemMiddleware
from openapi.problems import INVALID_REQUEST, MALFORMED_HTTP, NOT_FOUND, Answer, Problem
from openapi.request import header
from openapi.routing import AllowedMethods
from telemetry.exposition import PATH as METRICS
from telemetry.exposition import MetricsEndpoint
from telemetry.metrics import Metrics
from telemetry.middleware import TelemetryMiddleware, request_id_of

UPSTREAMS = "/admin/upstreams"
EXPLAIN = "/admin/explain"
# A page in the operator's browser that has a name of its own point here is not answered.
_HOST = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?", re.IGNORECASE)


class PortDispatch:
    """Serves each port by an application of its own.

    What tells them apart is the address of the connection's own end, which no client can write.
    """

    def __init__(self, public: ASGIApp, admin: ASGIApp, admin_port: int) -> None:
        self._public = public
        self._admin = admin
        self._admin_port = admin_port

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        server = scope.get("server")
        if scope["type"] == "http" and server and server[1] == self._admin_port:
            await self._admin(scope, receive, send)
        else:
            await self._public(scope, receive, send)


def admin_app(
    metrics: Metrics, upstreams: Callable[[], Any], explanations: Explanations
) -> ASGIApp:
    """What operators ask for. It is neither counted nor logged: it would drown the rest."""
    app: ASGIApp = MetricsEndpoint(AdminEndpoints(upstreams, explanations), metrics)
    problems = ProblemMiddleware(
        LocalHosts(app),
        methods=AllowedMethods({key: ["get"] for key in (METRICS, UPSTREAMS, EXPLAIN)}),
        translations={},
        challenge="",
        request_id=request_id_of,
    )
    return TelemetryMiddleware(problems, None)


class LocalHosts:
    """Refuses a ``Host`` that is no name of this machine's loopback (DNS rebinding)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _HOST.fullmatch(header(scope, b"host") or ""):
            raise Problem(MALFORMED_HTTP, "Host is not localhost, 127.0.0.1 or [::1].")
        await self.app(scope, receive, send)


class AdminEndpoints:
    """``/admin/…``, in JSON."""

    def __init__(self, upstreams: Callable[[], Any], explanations: Explanations) -> None:
        """``upstreams``: what this worker knows of every instance of every service, for JSON."""
        self._explanations = explanations
        self._pages: dict[str, Callable[[Scope], Any]] = {
            UPSTREAMS: lambda _scope: upstreams(),
            EXPLAIN: self._explain,
        }

    async def __call__(self, scope: Scope, _receive: Receive, send: Send) -> None:
        page = self._pages.get(scope["path"])
        if page is None:
            there_is = ", ".join((METRICS, UPSTREAMS, EXPLAIN))
            raise Problem(NOT_FOUND, f"There is nothing under this path; there is {there_is}.")
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405)  # ProblemMiddleware says the rest
        answer: Answer = json_answer(200, page(scope))
        start = {"type": "http.response.start", "status": 200, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    def _explain(self, scope: Scope) -> Any:
        given = _single(scope["query_string"])
        return self._explanations.explain(given["method"].upper(), given["path"])


def _single(query: bytes) -> dict[str, str]:
    """``method`` and ``path``, each given once, and nothing else."""
    pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    names = sorted(name for name, _ in pairs)
    if names != ["method", "path"]:
        detail = "The query is `method=GET&path=/v1/devices`: both, once, and nothing else."
        raise Problem(INVALID_REQUEST, detail, errors=[{"in": "query", "detail": detail}])
    return dict(pairs)
