"""Routes and ``Allow`` are what the contract says, to the letter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from openapi.routing import AllowedMethods

ALLOWED = AllowedMethods(
    {"/things": ["get", "post"], "/things/{thing-id}": ["put"], "/a.b/{x}/c": ["delete"]}
)
DOCUMENT = """\
openapi: 3.0.3
info: {title: Things, version: '1'}
security: []
paths:
  /things:
    get: {operationId: list_things, responses: {200: {description: ok}}}
  /things/{thing-id}:
    get:
      operationId: get_thing
      parameters:
        - {name: thing-id, in: path, required: true, schema: {type: string}}
      responses: {200: {description: ok}}
  /pages/{number}:
    get:
      operationId: get_page
      parameters:
        - {name: number, in: path, required: true, schema: {type: integer, minimum: 1}}
      responses: {200: {description: ok}}
"""


@pytest.fixture
def app(ours: Callable[..., Any]) -> Any:
    return ours(DOCUMENT)


@pytest.mark.parametrize(
    ("path", "allow"),
    [
        ("/things", "GET, HEAD, OPTIONS, POST"),
        ("/things/7", "OPTIONS, PUT"),
        ("/a.b/x/c", "DELETE, OPTIONS"),
        ("/aXb/x/c", None),
        ("/things/", None),
        ("/things/7/8", None),
        ("/things\n", None),
        ("/Things", None),
        ("", None),
    ],
)
def test_a_path_allows_what_the_document_gives_it(path: str, allow: str | None) -> None:
    assert ALLOWED.allow(path) == allow


@pytest.mark.parametrize(
    "target",
    ["/things/", "/things%0A", "/Things", "//things", "/things/a/", "/things/a/b", "/", "/pages"],
)
def test_a_path_that_is_not_quite_one_is_not_found(
    ask: Callable[..., Any], app: Any, target: str
) -> None:
    assert ask(app, target=target).problem == (404, "not-found")


@pytest.mark.parametrize(
    ("target", "value"),
    [
        ("/things/7", "7"),
        ("/things/a%20b", "a b"),
        ("/things/%C3%A9", "é"),
        ("/things/a%0A", "a\n"),
    ],
)
def test_a_parameter_of_the_path_is_the_text_it_is(
    ask: Callable[..., Any], app: Any, target: str, value: str
) -> None:
    assert ask(app, target=target).json["parameters"] == {"thing_id": value}


def test_a_number_in_the_path_is_a_number(ask: Callable[..., Any], app: Any) -> None:
    assert ask(app, target="/pages/7").json["parameters"] == {"number": 7}


@pytest.mark.parametrize("text", ["07", "+7", "7_0", "%D9%A7", "0", "x", "7%0A", "1.0"])
def test_a_number_in_the_path_is_written_in_one_way(
    ask: Callable[..., Any], app: Any, text: str
) -> None:
    reply = ask(app, target=f"/pages/{text}")

    assert reply.problem == (400, "invalid-request")
    assert reply.json["errors"][0]["name"] == "number"


def test_a_path_of_a_parameter_has_its_own_methods(ask: Callable[..., Any], app: Any) -> None:
    assert ask(app, "DELETE", "/things/7").headers["allow"] == "GET, HEAD, OPTIONS"
    assert ask(app, "OPTIONS", "/pages/x").status == 204
