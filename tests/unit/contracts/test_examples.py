"""Where examples stand, what they have to be there, and the requests that they make."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from contracts.contract import Contract
from contracts.examples.places import Example, find_examples, shown, unused
from contracts.examples.requests import cases
from contracts.examples.rules import Rules, read_problems
from contracts.examples.state import things
from contracts.findings import Result
from contracts.parts.examples import PROBLEMS, Lines, hold
from openapi import CONTRACT

TEXT = {"type": "string", "minLength": 1}


def a_document(**operation: Any) -> dict[str, Any]:
    """A document with one operation, and a named example that it does not use."""
    return {
        "paths": {"/things": {"post": {"responses": {}, **operation}}},
        "components": {"examples": {"Thing": {"value": "a thing"}}},
    }


def a_body(**media_type: Any) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": TEXT, **media_type}}}


def found(content: dict[str, Any]) -> dict[str, Any]:
    return {shown(example.at): example.value for example in find_examples(content)}


def test_an_example_that_is_referred_to_stands_where_it_is_named() -> None:
    reference = {"$ref": "#/components/examples/Thing"}
    content = a_document(requestBody=a_body(examples={"one": reference}))

    assert found(content) == {"components/examples/Thing": "a thing"}


def test_an_example_on_the_spot_is_named_by_its_pointer() -> None:
    content = a_document(responses={"200": a_body(example="x")})

    where = "#/paths/~1things/post/responses/200/content/application~1json/example"
    assert found(content) == {where: "x"}


def test_the_examples_of_schemas_parameters_and_headers_are_found() -> None:
    schema = {"properties": {"example": {"type": "string", "example": "of a member"}}}
    header = {"schema": {"type": "integer"}, "example": 3}
    response = {"headers": {"Age": header}, **a_body(schema=schema)}
    parameter = {"name": "q", "in": "query", "schema": TEXT, "examples": {"a": {"value": "b"}}}
    content = a_document(responses={"200": response}, parameters=[parameter])

    assert sorted(map(str, found(content).values())) == ["3", "b", "of a member"]


def test_a_named_example_that_nothing_refers_to_is_told() -> None:
    assert list(unused(a_document())) == [("components", "examples", "Thing")]

    reference = {"$ref": "#/components/examples/Thing"}
    used = a_document(requestBody=a_body(examples={"one": reference}))
    assert list(unused(used)) == []


def faults(value: Any, schema: Any = TEXT, **of: Any) -> list[str]:
    rules = Rules({}, {"urn:doorstep:problem:not-found": 404})
    return list(rules.faults(Example(("here",), value, schema, **of)))


def test_an_example_has_to_hold_to_its_schema() -> None:
    assert faults("x") == []

    (fault,) = faults("")
    assert fault.startswith("It does not hold to its schema: at its top:")


def test_what_is_read_only_is_needed_in_an_answer_alone() -> None:
    schema = {"required": ["id"], "properties": {"id": {"type": "integer", "readOnly": True}}}

    assert faults({}, schema, is_sent=True) == []
    assert faults({}, schema) != []


@pytest.mark.parametrize(
    ("problem", "status", "told"),
    [
        ({"type": "urn:doorstep:problem:not-found", "status": 404}, "404", ""),
        ({"type": "urn:doorstep:problem:not-found", "status": 404}, "409", "stands under 409"),
        ({"type": "urn:doorstep:problem:not-found", "status": 409}, "409", "is 404 in docs"),
        ({"type": "urn:doorstep:problem:gone", "status": 410}, "410", "no problem type"),
        ({"type": "about:blank", "status": 410}, "410", ""),
    ],
)
def test_a_problem_has_the_status_that_it_stands_under(
    problem: dict[str, Any], status: str, told: str
) -> None:
    said = faults(problem, {}, media_type="application/problem+json", status=status)

    assert told in " ".join(said)
    assert bool(told) == bool(said)


def test_each_line_of_ndjson_is_json() -> None:
    assert faults('{}\n{"a": 1}', media_type="application/x-ndjson") == []
    assert faults("{}\n{", media_type="application/x-ndjson") == [
        "Line 2 of it is not JSON, and each line of NDJSON is."
    ]


def test_the_problem_types_are_those_of_the_page() -> None:
    problems = read_problems(PROBLEMS)

    assert problems["urn:doorstep:problem:precondition-failed"] == 412
    assert len(problems) > 30


@pytest.fixture(scope="module")
def contract() -> Contract:
    return Contract()


def test_the_first_request_has_all_parameters_and_the_others_one_body_each(
    contract: Contract,
) -> None:
    first, *others = cases(contract, contract.operations["import_devices"])

    assert first.request.target == "/v1/imports/devices"
    assert dict(first.request.headers)["Prefer"] == "respond-async"
    types = [dict(case.request.headers)["Content-Type"] for case in others]
    assert types == ["text/csv", "text/csv", "application/x-ndjson", "application/json"]
    assert all(len(case.request.headers) == 1 for case in others)
    ndjson = others[2].request.body
    assert ndjson is not None and ndjson.startswith(b'{"identifier"')


def test_examples_of_the_path_and_query_are_in_the_target(contract: Contract) -> None:
    (case,) = cases(contract, contract.operations["list_device_history"])
    (form,) = list(cases(contract, contract.operations["issue_token"]))[1:]

    assert case.request.target == "/v1/devices/hall-light-1/history?limit=50"
    assert form.request.body == b"grant_type=client_credentials&scope=devices%3Aread"


def test_what_examples_name_is_made_after_what_it_refers_to(contract: Contract) -> None:
    paths = [thing.path for thing in things(contract)]

    customer, home = paths.index("/v1/customers/ada-king"), paths.index("/v1/homes/birch-lane-4")
    assert customer < home < paths.index("/v1/areas/birch-lane-hall")


def with_text(tmp_path: Path, old: str, new: str) -> Contract:
    """The contract with another text in it."""
    text = CONTRACT.read_text()
    assert old in text
    file = tmp_path / "openapi.yaml"
    file.write_text(text.replace(old, new, 1))
    return Contract(file)


def held(contract: Contract) -> Result:
    result = Result("examples", "Examples")
    hold(contract, Lines(contract), result)
    return result


def test_all_examples_of_the_contract_hold(contract: Contract) -> None:
    result = held(contract)

    assert result.findings == []
    assert result.cases > 500


def test_a_wrong_example_is_one_finding_with_its_name_and_line(tmp_path: Path) -> None:
    contract = with_text(tmp_path, "value: { name: Front door, device_type: lock }",
                         "value: { name: Front door, device_type: Lock! }")  # fmt: skip

    (finding,) = held(contract).findings

    line = 1 + (tmp_path / "openapi.yaml").read_text().split("Lock!")[0].count("\n")
    assert finding.title == "The example components/examples/NewMinimal is wrong"
    assert "/device_type" in finding.detail
    assert f"openapi.yaml:{line}" in finding.detail
