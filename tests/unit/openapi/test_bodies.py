"""Request bodies: which there are, how they are read, and what is handed on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from openapi import bodies
from openapi.bodies import (
    ALL_FAULTS,
    ClientDisconnected,
    FormBody,
    JSONBody,
    has_body,
    media_type,
    read_body,
    replay,
)
from openapi.problems import INVALID_REQUEST, UNSUPPORTED_MEDIA_TYPE, Problem
from openapi.request import validated

Ask = Callable[..., Any]
ProblemOf = Callable[[Callable[[], Any]], Problem]
ScopeOf = Callable[..., dict[str, Any]]

SCHEMA = {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
OPTIONS: dict[str, Any] = {"encoding": "utf-8", "strict_validation": True}
DISCONNECT = {"type": "http.disconnect"}


def channel(*messages: dict[str, Any]) -> Any:
    waiting = list(messages)

    async def receive() -> dict[str, Any]:
        return waiting.pop(0)

    return receive


def parts(*chunks: bytes) -> list[dict[str, Any]]:
    return [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, 1)
    ]


def a_json_body(**options: Any) -> JSONBody:
    return JSONBody(**{"schema": SCHEMA, **OPTIONS, **options})


def a_form_body() -> FormBody:
    return FormBody(schema={"type": "object", "additionalProperties": False, "properties": {
        "grant": {"type": "string", "enum": ["a"]}}}, **OPTIONS)  # fmt: skip


def test_a_large_body_that_is_another_document_is_told_what_it_lacks(
    problem_of: ProblemOf,
) -> None:
    schema = SCHEMA | {"additionalProperties": False}
    body = json.dumps({"version": 1, "data": "x" * ALL_FAULTS}).encode()

    problem = problem_of(lambda: a_json_body(schema=schema).check(body))

    assert problem.errors == [{"in": "body", "pointer": "", "detail": '"n" is a required property'}]


def test_a_large_body_that_is_no_object_is_told_so(problem_of: ProblemOf) -> None:
    body = json.dumps(["x" * ALL_FAULTS]).encode()

    assert "is not of type" in str(problem_of(lambda: a_json_body().check(body)).errors)


@pytest.mark.parametrize("chunks", [[b"abc"], [b"a", b"", b"bc"], [b""], [b"", b""]])
def test_a_body_is_read_to_its_end(chunks: list[bytes]) -> None:
    assert asyncio.run(read_body(channel(*parts(*chunks)))) == b"".join(chunks)


def test_a_message_without_a_body_is_empty() -> None:
    assert asyncio.run(read_body(channel({"type": "http.request"}))) == b""


@pytest.mark.parametrize("messages", [[DISCONNECT], [parts(b"a", b"b")[0], DISCONNECT]])
def test_a_client_that_goes_away_ends_the_request(messages: list[dict[str, Any]]) -> None:
    with pytest.raises(ClientDisconnected):
        asyncio.run(read_body(channel(*messages)))


def test_what_was_read_is_given_again_and_then_what_the_client_does() -> None:
    async def read_twice() -> list[Any]:
        receive = replay(b"abc", channel(DISCONNECT))
        return [await receive(), await receive()]

    assert asyncio.run(read_twice()) == [*parts(b"abc"), DISCONNECT]


def test_the_value_and_the_bytes_are_handed_on(scope_of: ScopeOf) -> None:
    async def check() -> tuple[bytes, Any]:
        receive, scope = await a_json_body().wrap_receive(
            channel(*parts(b'{"n":', b" 1}")), scope=scope_of()
        )
        return await read_body(receive), validated(scope)

    raw, found = asyncio.run(check())

    assert raw == found.raw == b'{"n": 1}'
    assert found.body == {"n": 1}


def test_a_large_body_is_checked_beside_the_event_loop(
    scope_of: ScopeOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGE", 8)
    checked_on_the_loop: list[bool] = []
    body = a_json_body()
    real = body.check

    def check(raw: bytes) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            checked_on_the_loop.append(False)
        else:
            checked_on_the_loop.append(True)
        return real(raw)

    monkeypatch.setattr(body, "check", check)
    for raw in (b'{"n":1}', b'{"n": 1}'):
        asyncio.run(body.wrap_receive(channel(*parts(raw)), scope=scope_of()))

    assert checked_on_the_loop == [True, False]


def test_an_empty_body_is_refused_only_when_one_is_required(
    scope_of: ScopeOf, problem_of: ProblemOf
) -> None:
    scope = scope_of()

    asyncio.run(a_json_body().wrap_receive(channel(*parts(b"")), scope=scope))
    assert (validated(scope).body, validated(scope).raw) == (None, b"")

    required = a_json_body(required=True)
    problem = problem_of(
        lambda: asyncio.run(required.wrap_receive(channel(*parts(b"")), scope=scope_of()))
    )
    assert problem.kind is INVALID_REQUEST


def test_a_fault_is_told_with_its_pointer(problem_of: ProblemOf) -> None:
    problem = problem_of(lambda: a_json_body().check(b'{"n":"x"}'))

    assert problem.detail == 'The body is not valid: /n: "x" is not of type "integer".'
    assert problem.errors == [
        {"in": "body", "pointer": "/n", "detail": '"x" is not of type "integer"'}
    ]


def test_a_fault_at_the_top_has_the_empty_pointer(problem_of: ProblemOf) -> None:
    problem = problem_of(lambda: a_json_body().check(b"{}"))

    assert problem.detail is not None
    assert "at its top" in problem.detail
    assert problem.errors[0]["pointer"] == ""


def test_what_is_no_json_is_a_problem(problem_of: ProblemOf) -> None:
    problem = problem_of(lambda: a_json_body().check(b"{"))

    assert problem.kind is INVALID_REQUEST
    assert "it is not valid JSON" in problem.errors[0]["detail"]


def test_of_a_large_body_the_first_fault_is_told(problem_of: ProblemOf) -> None:
    schema = {"type": "object", "additionalProperties": {"type": "string"}}
    body = json.dumps({f"m{number}": number for number in range(ALL_FAULTS)}).encode()

    problem = problem_of(lambda: JSONBody(schema=schema, **OPTIONS).check(body))

    assert [error["pointer"] for error in problem.errors] == ["/m0"]


def test_a_form_is_texts_by_name() -> None:
    assert a_form_body().check(b"grant=a") == {"grant": "a"}


@pytest.mark.parametrize(
    ("raw", "pointer"),
    [(b"grant=a&grant=a", "/grant"), (b"grant=b", "/grant"), (b"x=1", "/x"), (b"%ff=1", "")],
)
def test_a_form_that_is_not_as_declared_is_refused(
    raw: bytes, pointer: str, problem_of: ProblemOf
) -> None:
    problem = problem_of(lambda: a_form_body().check(raw))

    assert (problem.kind, problem.errors[0]["pointer"]) == (INVALID_REQUEST, pointer)


@pytest.mark.parametrize(
    ("value", "essence"),
    [
        ("application/json", "application/json"),
        ("Application/JSON ; Charset=UTF-8", "application/json"),
        ('application/json; charset="utf-8"; x=y', "application/json"),
        ("text/csv;charset=utf8", "text/csv"),
        ("", ""),
    ],
)
def test_a_media_type_is_read_without_its_case_and_parameters(
    scope_of: ScopeOf, value: str, essence: str
) -> None:
    assert media_type(scope_of("POST", "/", [("content-type", value)])) == essence


def test_without_a_content_type_there_is_no_media_type(scope_of: ScopeOf) -> None:
    assert media_type(scope_of()) is None


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "", '"utf-7"'])
def test_another_charset_is_refused(scope_of: ScopeOf, problem_of: ProblemOf, charset: str) -> None:
    scope = scope_of("POST", "/", [("content-type", f"application/json; charset={charset}")])

    assert problem_of(lambda: media_type(scope)).kind is UNSUPPORTED_MEDIA_TYPE


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], False),
        ([("content-length", "0")], False),
        ([("content-length", "1")], True),
        ([("transfer-encoding", "chunked")], True),
    ],
)
def test_a_body_is_announced_by_its_framing(
    scope_of: ScopeOf, headers: list[tuple[str, str]], expected: bool
) -> None:
    assert has_body(scope_of("POST", "/", headers)) is expected


DOCUMENT = """\
openapi: 3.0.3
info: {title: Things, version: '1'}
security: []
paths:
  /things:
    get: {operationId: list_things, responses: {200: {description: ok}}}
    put:
      operationId: replace_things
      requestBody: {content: {application/json: {schema: {type: object}}}}
      responses: {200: {description: ok}}
    post:
      operationId: create_thing
      requestBody:
        required: true
        content:
          application/json: {schema: {type: object}}
          Application/Merge-Patch+JSON: {schema: {type: array}}
      responses: {200: {description: ok}}
"""


@pytest.fixture
def app(ours: Callable[..., Any]) -> Any:
    return ours(DOCUMENT)


def test_each_media_type_has_its_schema(ask: Ask, app: Any) -> None:
    merge = {"Content-Type": "application/merge-patch+json"}

    assert ask(app, "POST", "/things", merge, b"[]").json["body"] == []
    assert ask(app, "POST", "/things", merge, b"{}").problem == (400, "invalid-request")
    assert ask(app, "POST", "/things", body=b"{}").json["body"] == {}


@pytest.mark.parametrize("name", ["text/plain", "application/*", "application/json5", ""])
def test_another_media_type_is_refused_with_those_there_are(ask: Ask, app: Any, name: str) -> None:
    reply = ask(app, "POST", "/things", {"Content-Type": name}, b"{}")

    assert reply.problem == (415, "unsupported-media-type")
    assert "application/json or application/merge-patch+json" in reply.json["detail"]


def test_a_required_body_that_is_missing_is_refused(ask: Ask, app: Any) -> None:
    reply = ask(app, "POST", "/things")

    assert reply.problem == (400, "invalid-request")
    assert reply.json["errors"] == [{"in": "body", "pointer": "", "detail": "is required"}]


def test_a_body_that_may_be_missing_may_be(ask: Ask, app: Any) -> None:
    assert ask(app, "PUT", "/things").json["body"] is None


def test_a_body_that_nobody_reads_is_refused(ask: Ask, app: Any) -> None:
    assert ask(app, "GET", "/things", body=b"{}").problem == (400, "invalid-request")
    assert ask(app, "GET", "/things", body=[b"{}"]).problem == (400, "invalid-request")
    assert ask(app, "GET", "/things", body=b"").status == 200


def test_what_is_handed_on_is_json_again(ask: Ask, app: Any) -> None:
    body = {"a": ["é", 1.5, None]}

    assert ask(app, "PUT", "/things", body=json.dumps(body).encode()).json["body"] == body
