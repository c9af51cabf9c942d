"""What a service that hands requests on checks of them, and what it lets through."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from openapi.bodies import FormBody, JSONBody, StreamedBody
from openapi.forwarded import FORWARDED_VALIDATORS, ForwardedParameters
from openapi.problems import Problem
from openapi.request import validated

ScopeOf = Callable[..., dict[str, Any]]
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def declared(name: str = "it", **more: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", **more}


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        (declared(schema=OBJECT, style="deepObject"), "it[a]=1&it[b]=2"),
        (declared(schema=OBJECT), "a=1"),
        (declared(schema={"type": "object"}), "whatever=1"),
        (declared(schema=OBJECT, explode=False), "it=a,1"),
        (declared(content={"application/json": {"schema": OBJECT}}), "it={}"),
        (declared(schema={"type": "array", "items": {"type": "object"}}), "it=1&it=2"),
    ],
)
def test_a_parameter_that_is_not_read_is_let_through(
    scope_of: ScopeOf, parameter: dict[str, Any], query: str
) -> None:
    ForwardedParameters([parameter]).validate(scope_of(target=f"/?{query}"))


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        (declared(schema=OBJECT, style="deepObject"), "other[a]=1"),
        (declared(schema=OBJECT), "b=1"),
        (declared(schema=OBJECT, explode=False), "a=1"),
        (declared(schema={"type": "integer"}), "it=x"),
    ],
)
def test_what_is_not_declared_is_refused_all_the_same(
    scope_of: ScopeOf, parameter: dict[str, Any], query: str
) -> None:
    with pytest.raises(Problem):
        ForwardedParameters([parameter]).validate(scope_of(target=f"/?{query}"))


def test_two_parameters_may_have_one_name(scope_of: ScopeOf) -> None:
    both = [declared(schema={"type": "integer"}), declared(schema={}) | {"in": "header"}]
    scope = scope_of(target="/?it=1")

    ForwardedParameters(both).validate(scope)

    assert "it" in validated(scope).parameters


@pytest.mark.parametrize(
    ("media_type", "validator"),
    [
        ("application/json", JSONBody),
        ("application/vnd.api+json", JSONBody),
        ("application/xml", StreamedBody),
        ("multipart/form-data", StreamedBody),
        ("*/*", StreamedBody),
    ],
)
def test_a_body_that_is_not_read_goes_on_as_it_comes(media_type: str, validator: type) -> None:
    assert FORWARDED_VALIDATORS["body"][media_type] is validator


def test_a_form_is_checked_by_what_its_texts_mean() -> None:
    members = {"n": {"type": "integer"}, "tags": {"type": "array", "items": {"type": "string"}}}
    form = FormBody(
        schema={"type": "object", "properties": members}, encoding="utf-8", strict_validation=True
    )

    assert form.check(b"n=5&tags=a&tags=b&x=1") == {"n": 5, "tags": ["a", "b"], "x": "1"}
    with pytest.raises(Problem, match="/n"):
        form.check(b"n=five")
    with pytest.raises(Problem, match="more than once"):
        form.check(b"n=1&n=2")
