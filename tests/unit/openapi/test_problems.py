"""Problem details as they are written."""

from __future__ import annotations

import json
from typing import Any

from openapi import problems
from openapi.problems import INVALID_REQUEST, Problem, ProblemType, write_problem


def written(problem: Problem, request_id: str | None = None) -> Any:
    return json.loads(write_problem(problem, request_id).body)


def test_a_problem_says_no_more_than_it_knows() -> None:
    assert written(Problem(INVALID_REQUEST)) == {
        "type": "urn:doorstep:problem:invalid-request",
        "title": INVALID_REQUEST.title,
        "status": 400,
    }


def test_a_problem_says_all_that_it_knows() -> None:
    errors = [{"in": "body", "pointer": "/a", "detail": "is wrong"}]

    assert written(Problem(INVALID_REQUEST, "No.", errors=errors), "an-id") == {
        "type": INVALID_REQUEST.uri,
        "title": INVALID_REQUEST.title,
        "status": 400,
        "detail": "No.",
        "request_id": "an-id",
        "errors": errors,
    }


def test_the_answer_has_its_media_type_length_and_headers() -> None:
    answer = write_problem(Problem(INVALID_REQUEST, "Gerät", headers={"Retry-After": "5"}))

    assert answer.status == 400
    assert answer.headers == [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(answer.body)).encode()),
        (b"retry-after", b"5"),
    ]


def test_a_detail_may_quote_what_is_no_text() -> None:
    assert written(Problem(INVALID_REQUEST, "a\ud800\n\x00b"))["detail"] == "a?\n\x00b"


def test_a_problem_reads_as_its_detail_or_its_title() -> None:
    assert str(Problem(INVALID_REQUEST, "No.")) == "No."
    assert str(Problem(INVALID_REQUEST)) == INVALID_REQUEST.title


def test_each_kind_has_a_name_of_its_own() -> None:
    kinds = [kind for kind in vars(problems).values() if isinstance(kind, ProblemType)]

    assert len({kind.slug for kind in kinds}) == len(kinds) > 10
    assert all(400 <= kind.status < 600 for kind in kinds)
