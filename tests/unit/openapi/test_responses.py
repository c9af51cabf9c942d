"""Answers are held to what their operation declares, and a fault never quotes a value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openapi.responses import Fault, ResponseCompiler, Responses

JSON = (b"content-type", b"application/json")
TAG = (b"etag", b'"a"')
SECRET = "5ECRET"

CONTENT: dict[str, Any] = {
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "additionalProperties": False,
                "properties": {
                    "name": {"type": "string", "maxLength": 5},
                    "made": {"type": "string", "format": "date", "nullable": True},
                },
            }
        },
        "headers": {
            "ETag": {"required": True, "schema": {"type": "string", "pattern": '^"[a-z]+"$'}},
            "Count": {"schema": {"type": "integer", "minimum": 0}},
            "Ages": {"schema": {"type": "array", "items": {"type": "integer"}}},
        },
        "responses": {"Gone": {"description": "Gone."}},
    }
}
THING = {"schema": {"$ref": "#/components/schemas/Thing"}}
SPEC = {
    "responses": {
        "200": {
            "headers": {
                "ETag": {"$ref": "#/components/headers/ETag"},
                "Count": {"$ref": "#/components/headers/Count"},
                "Ages": {"$ref": "#/components/headers/Ages"},
                "X-Request-Id": {"required": True, "schema": {"type": "string"}},
                "Content-Type": {"required": True, "schema": {"enum": ["x"]}},
            },
            "content": {
                "application/json": THING,
                "application/problem+json": THING,
                "text/*": {"schema": {"type": "string"}},
            },
        },
        "204": {"description": "Nothing."},
        "304": {"headers": {"ETag": {"$ref": "#/components/headers/ETag"}}},
        "4xx": {"$ref": "#/components/responses/Gone"},
    }
}


@pytest.fixture(scope="module")
def responses() -> Responses:
    return ResponseCompiler(CONTENT, ["X-Request-Id"]).compile(SPEC)


def look(
    responses: Responses, status: int, *headers: tuple[bytes, bytes], body: Any = None
) -> list[Fault]:
    fault, check = responses.check_head("GET", status, list(headers))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return [each for each in (fault, check(raw) if check else None) if each]


@pytest.mark.parametrize("body", [{"name": "a"}, {"name": "a", "made": None}])
def test_what_is_declared_has_no_fault(responses: Responses, body: Any) -> None:
    assert look(responses, 200, JSON, TAG, (b"count", b"3"), body=body) == []


@pytest.mark.parametrize(
    ("body", "where", "what"),
    [
        ({"name": SECRET}, "/name", "does not hold to maxLength"),
        ({"name": "a", "made": SECRET}, "/made", "does not hold to format"),
        ({"name": "a", "more": SECRET}, "/", "does not hold to additionalProperties"),
        ({}, "/", "does not hold to required"),
        (SECRET, "/", "does not hold to type"),
        (f'{{"name": {SECRET}'.encode(), "/", "is not valid JSON"),
        (b'{"name": NaN}', "/", "is not valid JSON"),
        (b"[" * 100_000, "/", "is not valid JSON"),
        (b'{"name": "\xff"}', "/", "is not valid JSON"),
        (b"", "/", "is not valid JSON"),
    ],
)
def test_a_fault_of_a_body_names_the_place_and_the_rule_and_never_a_value(
    responses: Responses, body: Any, where: str, what: str
) -> None:
    (fault,) = look(responses, 200, JSON, TAG, body=body)

    assert fault == Fault("body", where, what)


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ([JSON], "header etag: is missing"),
        ([JSON, (b"etag", SECRET.encode())], "header etag: is not of its schema"),
        ([JSON, TAG, TAG], "header etag: is not of its schema"),
        ([JSON, TAG, (b"count", b"-1")], "header count: is not of its schema"),
        ([JSON, TAG, (b"count", b"a")], "header count: is not of its schema"),
        ([JSON, TAG, (b"ages", b"1, b")], "header ages: is not of its schema"),
        ([TAG], "media-type Content-Type: is missing"),
        ([TAG, (b"content-type", b"image/png")], "media-type Content-Type: is not declared"),
        ([JSON, TAG, (b"content-encoding", b"gzip")],
         "body Content-Encoding: is not what was asked for"),
    ],
)  # fmt: skip
def test_a_fault_of_a_head_names_the_header(
    responses: Responses, headers: list[tuple[bytes, bytes]], fault: str
) -> None:
    assert str(responses.check_head("GET", 200, headers)[0]) == fault


def test_lists_and_media_types_are_read_as_http_has_them(responses: Responses) -> None:
    kind = (b"content-type", b"Application/Problem+JSON; charset=utf-8")

    assert look(responses, 200, kind, TAG, (b"ages", b"1, 2"), body={"name": "a"}) == []
    assert look(responses, 200, kind, TAG, body={})[0].part == "body"


def test_a_status_that_is_not_declared_is_a_fault(responses: Responses) -> None:
    assert look(responses, 302) == [Fault("status", "302", "is not declared")]


def test_a_class_of_statuses_and_a_default_are_declared_too(responses: Responses) -> None:
    default = ResponseCompiler(CONTENT).compile({"responses": {"default": {}}})

    assert look(responses, 404, body=b"") == []
    assert look(default, 500, body=b"") == []


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 304), ("GET", 204)])
def test_where_there_is_no_body_its_type_is_not_asked_for(
    responses: Responses, method: str, status: int
) -> None:
    assert responses.check_head(method, status, [TAG]) == (None, None)


def test_head_and_304_are_held_to_their_headers(responses: Responses) -> None:
    for method, status in (("HEAD", 200), ("GET", 304)):
        fault, _ = responses.check_head(method, status, [])
        assert fault == Fault("header", "etag", "is missing")


def test_a_stream_is_held_to_its_head_alone(responses: Responses) -> None:
    assert responses.check_head("GET", 200, [TAG, (b"content-type", b"text/csv")]) == (None, None)


def test_a_body_where_none_is_declared_is_a_fault(responses: Responses) -> None:
    assert look(responses, 400, body=b"x") == [Fault("body", "/", "is there, and none is declared")]


def test_a_schema_that_several_responses_have_is_compiled_once() -> None:
    compiler = ResponseCompiler(CONTENT)
    spec = {s: {"content": {"application/json": THING}} for s in ("200", "201", "202")}

    compiler.compile({"responses": spec})

    assert len(compiler._validators) == 1


def test_a_schema_that_leads_back_to_itself_is_held_to_at_every_depth() -> None:
    room = {"type": "object", "properties": {"in": {"$ref": "#/components/schemas/Same"}}}
    schemas = {"Room": room, "Same": {"$ref": "#/components/schemas/Room"}}
    content = {"components": {"schemas": schemas}}
    media_type = {"application/json": {"schema": {"$ref": "#/components/schemas/Room"}}}
    found = ResponseCompiler(content).compile({"responses": {"200": {"content": media_type}}})

    _, check = found.check_head("GET", 200, [JSON])

    assert check is not None
    assert check(b'{"in": {"in": {}}}') is None
    assert check(b'{"in": {"in": 1}}') == Fault("body", "/in/in", "does not hold to type")
