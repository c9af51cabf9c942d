"""Every error becomes a problem detail, and none tells what is inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest
from connexion.exceptions import OAuthProblem, ProblemException
from starlette.exceptions import HTTPException
from werkzeug.exceptions import NotFound

from openapi.bodies import ClientDisconnected
from openapi.problem_middleware import ProblemMiddleware
from openapi.problems import INVALID_REQUEST, NOT_FOUND, Problem
from openapi.routing import AllowedMethods

Ask = Callable[..., Any]
START = {"type": "http.response.start", "status": 200, "headers": []}


class Lost(LookupError):
    """An error of a service's own."""


def around(app: Any) -> ProblemMiddleware:
    return ProblemMiddleware(
        app,
        methods=AllowedMethods({"/things": ["get", "post"]}),
        translations={Lost: lambda exc: Problem(NOT_FOUND, f"{exc} is lost.")},
        challenge="Bearer",
        request_id=lambda scope: scope["an id"],
    )


def that_raises(exc: Exception, *first: dict[str, Any]) -> ProblemMiddleware:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        for message in first:
            await send(message)
        raise exc

    return around(app)


def answer(ask: Ask, exc: Exception, method: str = "GET", target: str = "/things") -> Any:
    return ask(that_raises(exc), method, target, **{"an id": "id-1"})


def test_a_problem_is_told_as_it_is_with_the_requests_id(ask: Ask) -> None:
    problem = Problem(INVALID_REQUEST, "No.", headers={"X-Because": "it is"})

    reply = answer(ask, problem)

    assert reply.problem == (400, "invalid-request")
    assert (reply.json["detail"], reply.json["request_id"]) == ("No.", "id-1")
    assert reply.headers["x-because"] == "it is"


def test_an_unexpected_error_tells_the_client_nothing_and_the_log_everything(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    reply = answer(ask, ValueError("/etc/secret"))

    assert reply.problem == (500, "internal-error")
    assert b"secret" not in reply.body
    assert b"ValueError" not in reply.body
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert "ValueError: /etc/secret" in caplog.text


def test_a_services_own_error_is_translated(ask: Ask) -> None:
    class LostForGood(Lost):
        pass

    reply = answer(ask, LostForGood("it"))

    assert reply.problem == (404, "not-found")
    assert reply.json["detail"] == "it is lost."


@pytest.mark.parametrize(
    ("exc", "problem"),
    [
        (HTTPException(404), (404, "not-found")),
        (HTTPException(413), (413, "content-too-large")),
        (ProblemException(status=400), (400, "invalid-request")),
        (ProblemException(status=415), (415, "unsupported-media-type")),
        (OAuthProblem(), (401, "unauthorized")),
        (HTTPException(418), (500, "internal-error")),
        (NotFound(), (500, "internal-error")),
    ],
)
def test_the_frameworks_errors_are_problems_of_ours(
    ask: Ask, exc: Exception, problem: tuple[int, str]
) -> None:
    assert answer(ask, exc).problem == problem


def test_the_frameworks_words_are_not_told(ask: Ask) -> None:
    reply = answer(ask, HTTPException(404, "no file /srv/app"))

    assert b"/srv" not in reply.body


def test_a_401_of_the_frameworks_has_a_challenge(ask: Ask) -> None:
    assert answer(ask, OAuthProblem()).headers["www-authenticate"] == "Bearer"
    assert "www-authenticate" not in answer(ask, HTTPException(404)).headers


def test_another_method_is_told_what_there_is(ask: Ask) -> None:
    reply = answer(ask, HTTPException(405), "DELETE")

    assert reply.problem == (405, "method-not-allowed")
    assert reply.headers["allow"] == "GET, HEAD, OPTIONS, POST"
    assert reply.json["request_id"] == "id-1"


def test_options_is_answered_with_what_there_is(ask: Ask) -> None:
    reply = answer(ask, HTTPException(405), "OPTIONS")

    assert (reply.status, reply.headers, reply.body) == (
        204,
        {"allow": "GET, HEAD, OPTIONS, POST"},
        b"",
    )


def test_a_method_of_any_length_makes_no_long_answer(ask: Ask) -> None:
    assert len(answer(ask, HTTPException(405), "A" * 1000).json["detail"]) < 100


def test_nothing_follows_an_answer_that_has_started(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    error = Problem(INVALID_REQUEST)

    reply = ask(that_raises(error, START), "GET", "/things")

    assert (reply.status, reply.body, reply.error) == (200, b"", error)
    assert caplog.records == []


def test_nobody_is_answered_when_the_client_went_away(
    ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    reply = answer(ask, ClientDisconnected())

    assert (reply.status, reply.body, reply.error) == (0, b"", None)
    assert caplog.records == []  # nothing at the level of a warning


def test_a_failed_start_of_the_service_is_not_answered(ask: Ask) -> None:
    error = RuntimeError("no database")

    assert ask(that_raises(error), type="lifespan").error is error
