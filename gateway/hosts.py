"""Refuses requests for a host that is not served here (RFC 9110 §7.4).

A page that has its own name resolve to this gateway (DNS rebinding) is of one origin with it to a
browser, and CORS does not hold it back: the name it asks for does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.problems import MISDIRECTED_REQUEST
from openapi.document import Operation
from openapi.problems import Problem, write_problem
from openapi.request import header

PROBES = "health"  # the tag of what load balancers ask, by an address and not by a name


def open_paths(operations: Iterable[Operation]) -> frozenset[str]:
    """The paths that are answered under every name."""
    own = (op for op in operations if op.policy.upstream is None)
    return frozenset(op.path for op in own if PROBES in op.spec.get("tags", ()))


class HostsMiddleware:
    """Lets requests for the allowed hosts through, and those for the open paths.

    ``allowed``: names in small letters; with a port, that port alone; ``*.`` before one means every
    name below it.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        allowed: Collection[str],
        open_paths: Collection[str],
        request_id: Callable[[Scope], str | None],
    ) -> None:
        self.app = app
        self._exact = frozenset(host for host in allowed if not host.startswith("*."))
        self._below = tuple(host[1:] for host in allowed if host.startswith("*."))
        self._open_paths = frozenset(open_paths)
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in self._open_paths or self._serves(scope):
            await self.app(scope, receive, send)
            return
        # The host is not quoted: what a client made up is not for the answer.
        problem = Problem(MISDIRECTED_REQUEST, "The Host header names no host of this gateway.")
        answer = write_problem(problem, self._request_id(scope))
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    def _serves(self, scope: Scope) -> bool:
        host = (header(scope, b"host") or "").lower()
        name = _without_port(host)
        return (
            host in self._exact
            or name in self._exact
            or (bool(self._below) and (host.endswith(self._below) or name.endswith(self._below)))
        )


def _without_port(host: str) -> str:
    # An IPv6 address stands in brackets and has colons of its own.
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() and not name.endswith(":") else host
