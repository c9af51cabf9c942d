"""The token endpoint's errors in OAuth's own words (RFC 6749 §5.2), which its clients expect."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.credentials import ClientRefused
from gateway.operations import json_answer
from gateway.tokens import ScopeRefused
from openapi.problems import INVALID_REQUEST, Answer, Problem
from openapi.request import operation_id


class TokenErrorMiddleware:
    """Answers what the token endpoint refuses."""

    def __init__(self, app: ASGIApp, challenge: str) -> None:
        self.app = app
        self._challenge = challenge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
            return
        except ClientRefused:
            answer = self._client_refused()
        except ScopeRefused as exc:
            answer = _error(400, "invalid_scope", f"The client does not have the scope {exc}.")
        except Problem as problem:
            if operation_id(scope) != "issue_token" or problem.kind is not INVALID_REQUEST:
                raise
            answer = _error(400, _code(problem), problem.detail or problem.kind.title)
        start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
        await send(start)
        await send({"type": "http.response.body", "body": answer.body})

    def _client_refused(self) -> Answer:
        answer = _error(401, "invalid_client", "The client is unknown or its secret is wrong.")
        answer.headers.append((b"www-authenticate", self._challenge.encode()))
        return answer


def _code(problem: Problem) -> str:
    at = problem.errors[0].get("pointer") if problem.errors else None
    return {"/grant_type": "unsupported_grant_type", "/scope": "invalid_scope"}.get(
        at or "", "invalid_request"
    )


def _error(status: int, error: str, description: str) -> Answer:
    body = {"error": error, "error_description": description}
    return json_answer(status, body, [(b"cache-control", b"no-store")])
