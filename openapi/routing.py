"""Connexion's routing without its surprises: no redirects, and ``Allow`` as the contract has it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, cast

from connexion.middleware.routing import RoutingMiddleware
from starlette.convertors import StringConvertor
from starlette.routing import Mount, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from openapi.problems import NOT_FOUND, Problem
from openapi.request import operation_id

_PARAMETER = re.compile(r"\\\{[^}]+\\\}")
_NAMED_PARAMETER = re.compile(r"\\\{([a-zA-Z_]\w*)\\\}")  # in a path of Starlette's


class StrictRoutingMiddleware(RoutingMiddleware):
    """Routes a request to its operation; a path that only differs by a slash is another path.

    Starlette would answer ``/v1/devices/`` with 307, which makes clients send credentials twice.
    """

    router: Router

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(KnownOperations(app))

    def add_api(self, *args: Any, **kwargs: Any) -> None:
        super().add_api(*args, **kwargs)
        # Connexion mounts each document's routes below a base path. There is one document here,
        # and its paths are spelled in full: its routes are taken as they are.
        (mount,) = self.router.routes
        self.router = cast(Mount, mount).app  # type: ignore[assignment]  # always a Router
        self.router.redirect_slashes = False
        for route in self.router.routes:
            _match_text(cast(Route, route))


def _match_text(route: Route) -> None:
    # Starlette lets a newline follow a path, and would make numbers of parameters before
    # validation sees how they were written.
    pattern = _NAMED_PARAMETER.sub(r"(?P<\1>[^/]+)", re.escape(route.path_format))
    route.path_regex = re.compile(pattern + r"\Z")
    route.param_convertors = dict.fromkeys(route.param_convertors, StringConvertor())


class KnownOperations:
    """Ends requests that have no operation: Connexion lets them through to the application."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and operation_id(scope) is None:
            raise Problem(NOT_FOUND, "There is nothing under this path.")
        await self.app(scope, receive, send)


class AllowedMethods:
    """Which methods each path of the document has (RFC 9110 §10.2.1).

    Starlette knows one route a method and would name that route's alone.
    """

    def __init__(self, paths: Mapping[str, Iterable[str]]) -> None:
        """``paths``: path template to the methods that the document declares for it."""
        self._paths = [(path_pattern(path), _allow(methods)) for path, methods in paths.items()]

    def allow(self, path: str) -> str | None:
        """The value of ``Allow`` for a path, or None when the document has no such path."""
        for pattern, methods in self._paths:
            if pattern.fullmatch(path):
                return methods
        return None


def path_pattern(path: str) -> re.Pattern[str]:
    """What a path has to match whole to be one of this template."""
    return re.compile(_PARAMETER.sub("[^/]+", re.escape(path)))


def _allow(methods: Iterable[str]) -> str:
    names = {method.upper() for method in methods} | {"OPTIONS"}
    if "GET" in names:
        names.add("HEAD")
    return ", ".join(sorted(names))
