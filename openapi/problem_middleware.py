"""Turns every error below it into a problem detail. No handler needs a try/except."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from connexion.exceptions import ProblemException
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openapi.bodies import ClientDisconnected
from openapi.problems import (
    CONTENT_TOO_LARGE,
    INTERNAL_ERROR,
    INVALID_REQUEST,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    UNAUTHORIZED,
    UNSUPPORTED_MEDIA_TYPE,
    Answer,
    Problem,
    ProblemType,
    write_problem,
)
from openapi.routing import AllowedMethods

logger = logging.getLogger(__name__)

Translation = Callable[[Exception], Problem]

# What Connexion, Starlette and Werkzeug raise by themselves.
_BY_STATUS: Mapping[int, ProblemType] = {
    kind.status: kind
    for kind in (
        INVALID_REQUEST,
        UNAUTHORIZED,
        NOT_FOUND,
        METHOD_NOT_ALLOWED,
        CONTENT_TOO_LARGE,
        UNSUPPORTED_MEDIA_TYPE,
    )
}


class ProblemMiddleware:
    """Stands outside of Connexion, in the place of its two exception middlewares.

    ``translations`` maps a service's own errors to problems; a subclass is found by its base.
    ``challenge`` is the ``WWW-Authenticate`` of a 401 that Connexion itself raises.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        methods: AllowedMethods,
        translations: Mapping[type[Exception], Translation],
        challenge: str,
        request_id: Callable[[Scope], str | None],
    ) -> None:
        self.app = app
        self._methods = methods
        self._translations = translations
        self._challenge = challenge
        self._request_id = request_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except ClientDisconnected:
            logger.info("the client went away before its request was whole")
        except Exception as exc:
            if started:
                raise  # the server closes the connection: half an answer cannot be taken back
            await _send(self._answer(scope, exc), send)

    def _answer(self, scope: Scope, exc: Exception) -> Answer:
        if isinstance(exc, HTTPException) and exc.status_code == METHOD_NOT_ALLOWED.status:
            return self._other_method(scope)
        return write_problem(self._problem(exc), self._request_id(scope))

    def _other_method(self, scope: Scope) -> Answer:
        allow = self._methods.allow(scope["path"]) or "OPTIONS"
        if scope["method"] == "OPTIONS":
            return Answer(204, [(b"allow", allow.encode())])
        detail = f"This path has {allow}, not {scope['method'][:20]}."
        problem = Problem(METHOD_NOT_ALLOWED, detail, headers={"Allow": allow})
        return write_problem(problem, self._request_id(scope))

    def _problem(self, exc: Exception) -> Problem:
        if isinstance(exc, Problem):
            return exc
        for base in type(exc).__mro__:
            if base in self._translations:
                return self._translations[base](exc)
        if isinstance(exc, ProblemException | HTTPException):
            # Connexion says `status`, and some of its exceptions `status_code` as Starlette's do.
            status = getattr(exc, "status", 0) or getattr(exc, "status_code", 0)
            if status in _BY_STATUS:
                return self._of_the_framework(_BY_STATUS[status])
        logger.error("unexpected error", exc_info=exc)
        return Problem(INTERNAL_ERROR, "The request id finds what happened in the logs.")

    def _of_the_framework(self, kind: ProblemType) -> Problem:
        if kind is UNAUTHORIZED:
            return Problem(
                kind, "No credential was sent.", headers={"WWW-Authenticate": self._challenge}
            )
        return Problem(kind)


async def _send(answer: Answer, send: Send) -> None:
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    await send({"type": "http.response.body", "body": answer.body})
