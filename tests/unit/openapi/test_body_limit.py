"""A body is held to its operation's limit, however it is sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., Any]

LIMIT = 10
DOCUMENT = f"""\
openapi: 3.0.3
info: {{title: Things, version: '1'}}
security: []
paths:
  /things:
    post:
      operationId: create_thing
      x-gateway: {{limits: {{body: {LIMIT}}}}}
      requestBody: &body
        content:
          application/json: {{schema: {{type: string}}}}
      responses: {{200: {{description: ok}}}}
    put:
      operationId: replace_things
      requestBody: *body
      responses: {{200: {{description: ok}}}}
"""
LARGEST = b'"' + b"a" * (LIMIT - 2) + b'"'
TOO_LARGE = (413, "content-too-large")


@pytest.fixture
def app(ours: Callable[..., Any]) -> Any:
    return ours(DOCUMENT)


def test_a_body_of_the_limit_is_taken(ask: Ask, app: Any) -> None:
    assert ask(app, "POST", "/things", body=LARGEST).status == 200
    assert ask(app, "POST", "/things", body=[LARGEST[:4], LARGEST[4:]]).status == 200


def test_a_body_that_says_it_is_larger_is_refused_unread(ask: Ask, app: Any) -> None:
    length = {"Content-Length": str(LIMIT + 1), "Content-Type": "application/json"}

    reply = ask(app, "POST", "/things", length)

    assert reply.problem == TOO_LARGE
    assert reply.headers["connection"] == "close"


def test_a_body_that_grows_larger_is_refused(ask: Ask, app: Any) -> None:
    reply = ask(app, "POST", "/things", body=[LARGEST, b" ", b"and more"])

    assert reply.problem == TOO_LARGE
    assert reply.headers["connection"] == "close"


def test_each_operation_has_its_own_limit(ask: Ask, app: Any) -> None:
    assert ask(app, "PUT", "/things", body=b'"' + b"a" * LIMIT + b'"').status == 200


@pytest.mark.parametrize("length", ["-1", "+1", "1_0", "0x1", " 1", "5, 5", "\xb2", ""])
def test_a_length_that_is_no_number_is_refused(ask: Ask, app: Any, length: str) -> None:
    assert ask(app, "POST", "/things", {"Content-Length": length}).problem[0] == 400


def test_a_length_of_thousands_of_digits_is_too_large(ask: Ask, app: Any) -> None:
    assert ask(app, "POST", "/things", {"Content-Length": "9" * 5000}).problem == TOO_LARGE
