"""``security`` in every form that OpenAPI 3.0.3 gives it, over a document made for this."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from connexion.middleware import ConnexionMiddleware
from connexion.resolver import Resolver
from connexion.security import NO_VALUE

from openapi.assembly import build, connexion_options, shared
from openapi.document import Document
from openapi.problem_middleware import ProblemMiddleware
from openapi.problems import UNAUTHORIZED, InsufficientScope, Problem
from openapi.request import principal
from openapi.routing import AllowedMethods
from openapi.security import UnsupportedScheme

FLOWS = {"clientCredentials": {"tokenUrl": "/t", "scopes": {"a": "A", "b": "B"}}}
SCHEMES: dict[str, Any] = {
    "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "Token": {"type": "oauth2", "flows": FLOWS},
    "Other": {"type": "oauth2", "flows": FLOWS},
}


class Credential:
    """``<sub>[@tenant] scope …`` is a good credential, ``bad`` is none."""

    def __init__(self, header: str, *, later: bool = False) -> None:
        self._header = header
        self._later = later

    def get_fn(self, _scheme: Any, required: list[str]) -> Callable[[Any], Any]:
        def check(request: Any) -> Any:
            given = request.headers.get(self._header)
            if given is None:
                return NO_VALUE
            return self._await(given, required) if self._later else self._read(given, required)

        return check

    async def _await(self, given: str, required: list[str]) -> Any:
        return self._read(given, required)

    def _read(self, given: str, required: list[str]) -> Any:
        if given == "bad":
            raise Problem(UNAUTHORIZED, "bad")
        (who, *scopes) = given.split()
        sub, _, tenant = who.partition("@")
        if not frozenset(required) <= frozenset(scopes):
            raise InsufficientScope(sub, "too little")
        return {"sub": sub, "scopes": frozenset(scopes), "tenant": tenant or None}


async def tell_who(scope: Any, _receive: Any, send: Any) -> None:
    who = {k: sorted(v) if k == "scopes" else v for k, v in principal(scope).items()}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(who).encode()})


@pytest.fixture
def logged() -> list[str | None]:
    """The principal of each request, as the access log has it."""
    return []


@pytest.fixture
def status(
    load: Callable[..., Document], ask: Callable[..., Any], logged: list[str | None]
) -> Callable[..., Any]:
    """``status(security, key=…, token=…)``: 200 with who it was, or the refusal's status."""

    def status(security: list[Mapping[str, list[str]]], **headers: str) -> Any:
        operation = {"operationId": "op", "security": security, "responses": {"200": {
            "description": "ok"}}}  # fmt: skip
        loaded = load({
            "openapi": "3.0.3", "info": {"title": "t", "version": "1"},
            "paths": {"/": {"get": operation}}, "components": {"securitySchemes": SCHEMES},
        })  # fmt: skip
        handlers = {
            "apiKey": shared(Credential("X-Key")),
            "oauth2": shared(Credential("Authorization", later=True)),
        }
        middleware = ConnexionMiddleware(
            tell_who,
            import_name="connexion",
            resolver=Resolver(lambda _: tell_who),
            **connexion_options(loaded.operations, handlers),
        )
        build(middleware, loaded, loaded.operations)
        app = ProblemMiddleware(
            middleware,
            methods=AllowedMethods({"/": ["get"]}),
            translations={},
            challenge="Bearer",
            request_id=lambda _: None,
        )
        names = {"key": "X-Key", "token": "Authorization"}

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            extensions: dict[str, Any] = {"connexion_context": {}}
            await app(scope | {"extensions": extensions}, receive, send)
            logged.append(extensions["connexion_context"].get("user"))

        reply = ask(noting, headers={names[name]: value for name, value in headers.items()})
        return reply.json if reply.status == 200 else reply.status

    return status


Status = Callable[..., Any]
A_KEY_OR_A_TOKEN: list[dict[str, list[str]]] = [{"Key": []}, {"Token": ["a"]}]
BOTH: list[dict[str, list[str]]] = [{"Key": [], "Token": ["a"]}]
OPTIONAL: list[dict[str, list[str]]] = [{}, {"Token": ["a"]}]


def who(sub: str, *scopes: str, tenant: str | None = None) -> dict[str, Any]:
    return {"sub": sub, "scopes": list(scopes), "tenant": tenant}


def test_no_security_is_open_whatever_is_sent(status: Status) -> None:
    assert status([]) == {}
    assert status([], key="bad") == {}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 401),
        ({"key": "k a"}, who("k", "a")),
        ({"token": "t a"}, who("t", "a")),
        ({"key": "k b"}, 403),  # held to the scopes of the token's alternative
        ({"token": "t b"}, 403),
        ({"key": "bad", "token": "t a"}, who("t", "a")),
        ({"key": "k b", "token": "bad"}, 403),
        ({"key": "bad", "token": "t b"}, 403),
        ({"key": "bad", "token": "bad"}, 401),
        ({"key": "k a", "token": "t a"}, who("k", "a")),
    ],
)
def test_one_of_the_alternatives_is_enough(
    status: Status, headers: dict[str, str], expected: Any
) -> None:
    assert status(A_KEY_OR_A_TOKEN, **headers) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, 401),
        ({"key": "k a"}, 401),
        ({"token": "t a"}, 401),
        ({"key": "bad", "token": "t a"}, 401),
        ({"key": "k a", "token": "bad"}, 401),
        ({"token": "t b"}, 403),
        ({"key": "k b", "token": "t a"}, 403),
        ({"key": "k a b", "token": "t a"}, who("k", "a")),  # what both may
        ({"key": "k a", "token": "t@c a"}, who("k", "a", tenant="c")),
        ({"key": "k@c a", "token": "t@c a"}, who("k", "a", tenant="c")),
        ({"key": "k@c a", "token": "t@d a"}, 403),
    ],
)
def test_credentials_that_are_wanted_together_make_one_principal(
    status: Status, headers: dict[str, str], expected: Any
) -> None:
    assert status(BOTH, **headers) == expected


@pytest.mark.parametrize("security", [OPTIONAL, OPTIONAL[::-1]], ids=["first", "last"])
@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, {}),
        ({"token": "t a"}, who("t", "a")),
        ({"token": "t b"}, {}),
        ({"token": "bad"}, 401),
    ],
)
def test_where_none_is_needed_a_good_one_counts_and_a_bad_one_is_refused(
    status: Status, security: list[Any], headers: dict[str, str], expected: Any
) -> None:
    assert status(security, **headers) == expected


def test_who_may_not_is_known_to_the_log_and_who_is_nobody_is_not(
    status: Status, logged: list[str | None]
) -> None:
    assert status(A_KEY_OR_A_TOKEN, token="t b") == 403
    assert status(BOTH, key="k@c a", token="t@d a") == 403
    assert status(A_KEY_OR_A_TOKEN, token="bad") == 401

    assert logged == ["t", "k", None]


def test_two_schemes_with_scopes_are_both_heeded(status: Status) -> None:
    security = [{"Token": ["a"], "Other": ["b"]}]

    assert status(security, token="t a b") == who("t", "a", "b")
    assert status(security, token="t a") == 403
    assert status(security, token="t b") == 403


def test_a_scheme_without_a_handler_stops_the_start(
    status: Status, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(SCHEMES, "Login", {"type": "openIdConnect", "openIdConnectUrl": "/x"})

    with pytest.raises(UnsupportedScheme, match="Login"):
        status([{"Login": []}])
