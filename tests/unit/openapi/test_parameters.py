"""Parameters are read as the contract declares them, and in one way only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openapi.parameters import (
    CompiledParameterValidator,
    Parameter,
    UnsupportedParameter,
    parse_query,
)
from openapi.problems import INVALID_REQUEST, Problem
from openapi.request import validated

QUICK = settings(max_examples=50, deadline=None)

ScopeOf = Callable[..., dict[str, Any]]
ProblemOf = Callable[[Callable[[], Any]], Problem]


def a_parameter(
    kind: str = "string", location: str = "query", name: str = "it", **more: Any
) -> dict[str, Any]:
    schema = {"type": kind, **more.pop("schema", {})}
    return {"name": name, "in": location, "schema": schema, **more}


AN_ARRAY = a_parameter("array", schema={"items": {"type": "integer"}, "maxItems": 3})


def read(declared: dict[str, Any], *texts: str) -> Any:
    return Parameter(declared).value(list(texts))


def is_refused(declared: dict[str, Any], *texts: str) -> bool:
    try:
        read(declared, *texts)
    except Problem as problem:
        return problem.kind is INVALID_REQUEST
    return False


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("integer", "0", 0),
        ("integer", "-7", -7),
        ("integer", "9" * 19, int("9" * 19)),
        ("number", "1", 1.0),
        ("number", "-0.5", -0.5),
        ("number", "1e3", 1000.0),
        ("boolean", "true", True),
        ("boolean", "false", False),
        ("string", "", ""),
        ("string", "true", "true"),
    ],
)
def test_a_text_is_read_as_its_type(kind: str, text: str, value: Any) -> None:
    found = read(a_parameter(kind), text)

    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("integer", text) for text in ["", "1_0", " 1", "1 ", "+1", "01", "1.0", "1e2"]),
        *(("integer", text) for text in ["\u0661", "0x1", "-", "--1", "1\n", "9" * 20, "null"]),
        *(("number", text) for text in ["nan", "inf", "1.", ".5", "1e", "1_0.0", "1\n"]),
        *(("boolean", text) for text in ["True", "TRUE", "1", "0", "yes", "", "on"]),
    ],
)
def test_a_text_that_is_not_written_as_its_type_is_refused(kind: str, text: str) -> None:
    assert is_refused(a_parameter(kind), text)


@QUICK
@given(number=st.integers(min_value=-(10**19) + 1, max_value=10**19 - 1))
def test_an_integer_is_read_as_python_writes_it(number: int) -> None:
    assert read(a_parameter("integer"), str(number)) == number


def test_an_array_is_exploded() -> None:
    assert read(AN_ARRAY, "1", "2", "2") == [1, 2, 2]
    assert is_refused(AN_ARRAY, "1,2")
    assert is_refused(AN_ARRAY, *"1234")


def test_an_array_of_one_text_is_an_array() -> None:
    assert read(AN_ARRAY, "1") == [1]


def test_the_fault_in_an_array_is_told_with_its_place(problem_of: ProblemOf) -> None:
    problem = problem_of(lambda: read(AN_ARRAY, "1", "x"))

    assert problem.errors == [
        {"in": "query", "name": "it", "detail": '/1: "x" is not of type "integer"'}
    ]


def test_a_parameter_that_is_given_twice_is_refused() -> None:
    assert is_refused(a_parameter(), "a", "a")


def test_a_missing_parameter_is_its_default_or_none() -> None:
    assert read(a_parameter("integer", schema={"default": 50})) == 50
    assert read(a_parameter("integer")) is None


def test_a_missing_parameter_that_is_required_is_refused() -> None:
    assert is_refused(a_parameter(required=True))


@pytest.mark.parametrize(
    "declared",
    [
        a_parameter("object"),
        a_parameter("array", schema={"items": {"type": "object"}}),
        a_parameter("array", "path", style="matrix"),
        a_parameter("array", style="deepObject"),
        a_parameter(location="cookie"),
    ],
)
def test_a_style_that_is_not_read_stops_the_start(declared: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameter, match="it: "):
        CompiledParameterValidator([declared])


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (AN_ARRAY | {"explode": False}, "1,2", [1, 2]),
        (AN_ARRAY | {"style": "spaceDelimited"}, "1 2", [1, 2]),
        (AN_ARRAY | {"style": "pipeDelimited"}, "1|2", [1, 2]),
        (AN_ARRAY | {"in": "path"}, "1,2", [1, 2]),
        (AN_ARRAY | {"in": "header"}, "1,2", [1, 2]),
    ],
)
def test_an_array_is_read_in_its_style(declared: dict[str, Any], text: str, value: Any) -> None:
    assert read(declared, text) == value
    assert is_refused(declared, text.replace("2", "x"))


def test_an_array_of_one_text_is_not_given_twice() -> None:
    assert is_refused(AN_ARRAY | {"explode": False}, "1", "2")


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("ab", "ab"), ("true", True)])
def test_a_schema_of_several_types_takes_what_fits_one(text: str, value: Any) -> None:
    kinds = [{"type": "integer"}, {"type": "boolean"}, {"type": "string", "pattern": "^[a-c]*$"}]
    declared = {"name": "it", "in": "query", "schema": {"oneOf": kinds}}

    assert read(declared, text) == value
    assert is_refused(declared, "z")


@pytest.mark.parametrize(
    "other", [a_parameter("string", "header", name="It"), a_parameter("string", "path", name="it")]
)
def test_two_parameters_of_one_argument_stop_the_start(other: dict[str, Any]) -> None:
    with pytest.raises(UnsupportedParameter, match="the query parameter it has its name too"):
        CompiledParameterValidator([a_parameter(), other])


def found(declared: list[dict[str, Any]], scope: dict[str, Any], **options: Any) -> dict[str, Any]:
    CompiledParameterValidator(declared, **options).validate(scope)
    return validated(scope).parameters


def test_each_place_has_its_parameters(scope_of: ScopeOf) -> None:
    declared = [
        a_parameter("integer", "query", "page-size"),
        a_parameter("integer", "path", "thing-id"),
        a_parameter("string", "header", "X-Mode"),
    ]
    scope = scope_of("GET", "/7?page-size=5", [("x-mode", "quick")], path_params={"thing_id": "7"})

    assert found(declared, scope) == {"page_size": 5, "thing_id": 7, "x_mode": "quick"}


def test_a_header_of_several_lines_is_one_list(scope_of: ScopeOf) -> None:
    scope = scope_of("GET", "/", [("if-match", '"a"'), ("x", "y"), ("If-Match", '"b"')])

    assert found([a_parameter(location="header", name="If-Match")], scope) == {
        "if_match": '"a", "b"'
    }


@pytest.mark.parametrize("name", ["Accept", "content-type"])
def test_headers_that_openapi_gives_another_place_are_not_parameters(
    scope_of: ScopeOf, name: str
) -> None:
    declared = a_parameter("integer", "header", name, required=True)

    assert found([declared], scope_of("GET", "/", [(name, "text/plain")])) == {}


def test_an_unknown_parameter_is_refused_by_its_name(
    scope_of: ScopeOf, problem_of: ProblemOf
) -> None:
    problem = problem_of(lambda: found([a_parameter()], scope_of("GET", "/?b=1&a&it=2")))

    assert [error["name"] for error in problem.errors] == ["a", "b"]
    assert problem.detail == "There is no query parameter a. This operation has: it."


def test_very_many_unknown_parameters_make_no_long_answer(
    scope_of: ScopeOf, problem_of: ProblemOf
) -> None:
    target = "/?" + "&".join(f"{'x' * 200}{number}" for number in range(100))

    problem = problem_of(lambda: found([], scope_of("GET", target)))

    assert len(problem.errors) == 10
    assert max(len(error["name"]) for error in problem.errors) == 80


def test_a_credential_in_the_query_is_no_unknown_parameter(scope_of: ScopeOf) -> None:
    scope = scope_of("GET", "/?key=secret")

    assert found([], scope, security_query_params=["key"]) == {}


@pytest.mark.parametrize(
    ("query", "texts"),
    [
        (b"", {}),
        (b"a=1&b=2&a=3", {"a": ["1", "3"], "b": ["2"]}),
        (b"a", {"a": [""]}),
        (b"&&a==b&", {"a": ["=b"]}),
        (b"a+b=c+d%2B", {"a b": ["c d+"]}),
        (b"a=%C3%A9", {"a": ["é"]}),
        (b"a=1;b=2", {"a": ["1;b=2"]}),
        # What is no escape stands for itself (WHATWG URL, percent-decode).
        (b"a=%zz%4", {"a": ["%zz%4"]}),
    ],
)
def test_a_query_is_read_as_a_form_is(query: bytes, texts: dict[str, list[str]]) -> None:
    assert parse_query(query) == texts


@pytest.mark.parametrize("query", [b"a=%ff", b"%c3=1", b"a=%ed%a0%80", b"a=\xff"])
def test_escapes_that_are_not_utf_8_are_refused(query: bytes, problem_of: ProblemOf) -> None:
    def validate() -> None:
        CompiledParameterValidator([]).validate({"query_string": query})

    assert problem_of(validate).detail == "The query string is not UTF-8."


@QUICK
@given(query=st.binary())
def test_any_query_is_read_or_refused(query: bytes) -> None:
    try:
        parse_query(query)
    except UnicodeDecodeError:
        assert b"%" in query or not query.isascii()
