"""OpenAPI 3.0 schemas, compiled."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openapi import CONTRACT
from openapi.document import load_document
from openapi.schemas import (
    MAX_ERRORS,
    MAX_MESSAGE,
    MAX_NAMES,
    compile_foreign,
    compile_request_schema,
    compile_schema,
    faults,
    is_recursive,
    pointer,
    shorten,
    to_json_schema,
)

QUICK = settings(max_examples=50, deadline=None)

A_UUID = "0b7c9f36-0c0a-4d52-8f0e-6f0d2a1c9b11"
FORMATS = [
    ("uuid", A_UUID, "0b7c9f360c0a4d528f0e6f0d2a1c9b11"),
    ("uuid", A_UUID.upper(), "{" + A_UUID + "}"),
    ("uuid", A_UUID, A_UUID + "\n"),
    ("date", "2024-02-29", "2026-02-29"),
    ("date", "2026-01-01", "20260101"),
    ("date", "2026-01-01", "2026-01-01\n"),
    ("date", "2026-01-01", "٢٠٢٦-01-01"),
    ("date-time", "2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
    ("uri", "https://example.org/a", "example"),
    ("email", "ann@example.org", "ann"),
    ("ipv4", "192.0.2.1", "192.0.2.256"),
    ("ipv6", "2001:db8::1", "192.0.2.1"),
    ("hostname", "hub.example.org", "-hub"),
]


@pytest.mark.parametrize(("name", "good", "bad"), FORMATS)
def test_a_format_is_enforced(name: str, good: str, bad: str) -> None:
    validator = compile_schema({"type": "string", "format": name})

    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@QUICK
@given(text=st.text(st.characters(exclude_categories=["Cs"])))
@pytest.mark.parametrize("name", ["uuid", "date"])
def test_no_text_makes_a_format_fail_otherwise(name: str, text: str) -> None:
    validator = compile_schema({"type": "string", "format": name})

    assert not validator.is_valid(text)


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, [None, "a"], [1]),
        ({"type": "string", "nullable": False}, ["a"], [None]),
        ({"type": "string", "enum": ["a"], "nullable": True}, [None, "a"], ["b"]),
        # A reference's sibling says nothing without a type (OpenAPI 3.0.3, proposal of nullable).
        ({"enum": ["a"], "nullable": True}, ["a"], [None]),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True}, [1], [0, True, "1"]),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, [[None]], [[1]]),
    ],
)
def test_openapis_words_mean_what_openapi_says(
    schema: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    validator = compile_schema(schema)

    assert [validator.is_valid(value) for value in good] == [True] * len(good)
    assert [validator.is_valid(value) for value in bad] == [False] * len(bad)


def test_a_property_may_be_called_nullable() -> None:
    validator = compile_schema({"properties": {"nullable": {"type": "boolean"}}})

    assert not validator.is_valid({"nullable": "x"})


def test_values_in_a_schema_are_not_schemas() -> None:
    value = {"type": "string", "nullable": True}
    schema = {"enum": [value], "default": value, "example": value}

    assert to_json_schema(schema) == schema


def test_a_fault_is_told_with_its_place() -> None:
    validator = compile_schema({"properties": {"a/b": {"items": {"type": "string"}}}})

    assert faults(validator, {"a/b": ["x", 1]}) == [("/a~1b/1", '1 is not of type "string"')]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("email", "'x y' is not an email address"),
        ("date", "'x y' is not a date such as 2026-01-31"),
        ("uuid", "'x y' is not a UUID"),
    ],
)
def test_a_format_is_told_in_words(name: str, said: str) -> None:
    text = said.split("'")[1]

    assert faults(compile_schema({"type": "string", "format": name}), text) == [("", said)]


def test_a_pattern_is_told_as_it_is_written() -> None:
    validator = compile_schema({"type": "string", "pattern": '^"[a-z]"$'})

    assert faults(validator, "A") == [("", "'A' is not of the form ^\"[a-z]\"$")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nmae", "'nmae' is none of: name, status"),
        ("name,-size", "'-size' is none of: name, status"),
        ("name,", "'' is none of: name, status"),
        ("-name,status,name", "there are more than 2 names"),
    ],
)
def test_a_list_of_names_is_told_by_the_name_at_fault(text: str, said: str) -> None:
    validator = compile_schema(
        {"type": "string", "pattern": "^-?(name|status)(,-?(name|status)){0,1}$"}
    )

    assert faults(validator, text) == [("", said)]


def test_a_descending_name_is_told_where_none_can_be() -> None:
    validator = compile_schema({"type": "string", "pattern": "^(a|b)(,(a|b)){0,9}$"})

    assert faults(validator, "-a") == [("", "'-a' is none of: a, b")]


def test_every_list_of_names_in_the_contract_is_told_as_one() -> None:
    told = {
        parameter["name"]: faults(compile_schema(parameter["schema"]), "nmae")[0][1]
        for operation in load_document(CONTRACT).operations
        for parameter in operation.spec.get("parameters", ())
        if parameter.get("name") in ("sort", "fields", "by") and "pattern" in parameter["schema"]
    }

    assert set(told) == {"sort", "fields", "by"}
    assert all(said.startswith("'nmae' is none of: ") for said in told.values())


def test_a_member_that_is_too_much_is_told_with_those_that_there_are() -> None:
    part = {"type": "object", "additionalProperties": False, "properties": {"b": {}, "a": {}}}
    validator = compile_schema({"properties": {"parts": {"items": part}}})

    assert faults(validator, {"parts": [{"y": 1, "x": 1}]}) == [
        ("/parts/0/x", "is not to be sent; there are: a, b"),
        ("/parts/0/y", "is not to be sent"),
    ]


def test_the_members_that_there_are_are_not_told_without_end() -> None:
    many = {f"member{number:04}": {} for number in range(1000)}
    validator = compile_schema({"additionalProperties": False, "properties": many})

    ((_, said),) = faults(validator, {"x": 1})

    assert len(said) <= MAX_NAMES + 50


def test_a_client_s_schema_says_too_what_there_is() -> None:
    closed = {"additionalProperties": False, "properties": {"a": {}}}
    referred = compile_foreign({"definitions": {"x": closed}, "$ref": "#/definitions/x"})
    with_a_base = compile_foreign(
        {"id": "urn:x:y", "properties": {"p": {"id": "urn:x:z", **closed}}}
    )

    assert faults(referred, {"b": 1}) == [("/b", "is not to be sent; there are: a")]
    assert faults(with_a_base, {"p": {"b": 1}})[0][1].startswith("is not to be sent")


def test_only_so_many_faults_are_told() -> None:
    validator = compile_schema({"items": {"type": "string"}})

    assert len(faults(validator, [1] * 1000)) == MAX_ERRORS


def test_a_long_value_is_not_quoted_whole() -> None:
    validator = compile_schema({"type": "string", "pattern": "^a$"})
    (_, of_the_type), *_ = faults(compile_schema({"type": "integer"}), "b" * 100_000)
    (_, of_the_pattern), *_ = faults(validator, "b" * 100_000)

    assert len(of_the_type) <= MAX_MESSAGE
    assert len(of_the_pattern) <= MAX_MESSAGE + 50
    assert of_the_pattern.endswith("is not of the form ^a$")


@QUICK
@given(message=st.text(max_size=2 * MAX_MESSAGE))
def test_a_message_is_shortened_to_its_limit(message: str) -> None:
    assert len(shorten(message)) <= MAX_MESSAGE
    assert shorten(message)[:100] == message[:100]


@pytest.mark.parametrize(
    ("path", "expected"),
    [([], ""), (["a", 0], "/a/0"), (["~", "/", ""], "/~0/~1/"), (["~1"], "/~01")],
)
def test_a_pointer_is_escaped(path: list[str | int], expected: str) -> None:
    assert pointer(path) == expected


def a_tree() -> dict[str, Any]:
    """A schema that has itself among its parts, as a resolved document has it."""
    tree: dict[str, Any] = {
        "type": "object",
        "required": ["id", "name"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "name": {"type": "string", "nullable": True},
            "children": {"type": "array"},
        },
    }
    tree["properties"]["children"]["items"] = tree
    return tree


def test_a_schema_that_leads_back_to_itself_holds_at_every_depth() -> None:
    validator = compile_schema(a_tree())
    leaf = {"id": 1, "name": None}

    assert validator.is_valid({**leaf, "children": [{**leaf, "children": [leaf]}]})
    assert not validator.is_valid({**leaf, "children": [{**leaf, "children": [{"id": 1}]}]})


def test_the_same_part_in_two_places_does_not_lead_back() -> None:
    part = {"type": "string"}

    assert is_recursive(a_tree())
    assert not is_recursive({"properties": {"a": part, "b": part}})


def test_what_is_read_only_is_not_required_of_requests() -> None:
    validator = compile_request_schema(a_tree())

    assert validator.is_valid({"name": "a", "children": [{"name": "b"}]})
    assert not validator.is_valid({"name": "a", "children": [{}]})


def test_a_request_of_which_nothing_is_required_may_be_empty() -> None:
    properties = {"id": {"type": "integer", "readOnly": True}}
    schema = {"type": "object", "required": ["id"], "properties": properties}

    assert compile_request_schema(schema).is_valid({})
    assert not compile_schema(schema).is_valid({})
