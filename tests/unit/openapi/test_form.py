"""Our quick look at a document's form and Connexion's own say the same."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from connexion.exceptions import InvalidSpecification
from connexion.middleware import ConnexionMiddleware
from connexion.spec import Specification
from hypothesis import given, reject
from hypothesis import strategies as st

from openapi import CONTRACT
from openapi.assembly import build, connexion_options
from openapi.document import Document, DocumentFault, load_document
from openapi.form import FormFault, check_form

PET = yaml.safe_load("""
openapi: 3.0.3
info: {title: Things, version: '1'}
paths:
  /things:
    get:
      operationId: list_things
      parameters:
        - {name: limit, in: query, schema: {$ref: '#/components/schemas/Limit'}}
        - {name: q, in: query, style: form, schema: {type: string, nullable: true, default: null}}
      responses:
        default: {description: ok, content: {text/plain: {schema: {type: string}}}}
components:
  schemas:
    Limit: {type: integer, minimum: 1, maximum: 100, default: 50}
    Thing: {type: object, required: [a], properties: {default: {type: string, default: b}}}
  securitySchemes:
    key: {type: apiKey, in: header, name: X-Key}
""")


def passes(check: Callable[[dict[str, Any]], object], content: dict[str, Any]) -> bool:
    try:
        check(copy.deepcopy(content))
    except (InvalidSpecification, FormFault):
        return False
    return True


def test_the_contract_is_well() -> None:
    check_form(load_document(CONTRACT).content)
    check_form(PET)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (
            lambda pet: pet["paths"]["/things"]["get"].pop("responses"),
            "paths /things get",
            "'responses' is a required property",
        ),
        (lambda pet: pet.update(info={}), "info", "'title' is a required property"),
        (
            lambda pet: pet["components"]["schemas"]["Limit"].update(type="int"),
            "components schemas Limit type",
            "'int' is not one of ['array', 'boolean', ",
        ),
        (
            lambda pet: pet["components"]["securitySchemes"]["key"].pop("in"),
            "components securitySchemes key",
            "{'type': 'apiKey', 'name': 'X-Key'} is not valid under any of",
        ),
    ],
    ids=["responses", "info", "type", "scheme"],
)
def test_a_fault_is_told_with_its_place(
    change: Callable[[dict[str, Any]], object], place: str, said: str
) -> None:
    pet = copy.deepcopy(PET)
    change(pet)

    with pytest.raises(FormFault) as told:
        check_form(pet)

    assert told.value.place == tuple(place.split())
    assert str(told.value).startswith(f"it is not OpenAPI 3.0: {said}")


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "default": "many"}, '"many" is not of type "integer"'),
        ({"type": "integer", "maximum": 9, "default": 10}, "10 is greater than the maximum of 9"),
        ({"type": "string", "default": None}, 'null is not of type "string"'),
        ({"type": "string", "default": None, "nullable": True}, None),
        ({"allOf": [{"$ref": "#/components/schemas/Limit"}], "default": 0}, "0 is less than the"),
    ],
)
def test_a_default_is_of_its_own_schema(schema: dict[str, Any], said: str | None) -> None:
    pet = copy.deepcopy(PET)
    pet["components"]["schemas"]["Other"] = schema

    if said is None:
        check_form(pet)
    else:
        with pytest.raises(FormFault, match=said) as told:
            check_form(pet)
        assert told.value.place == ("components", "schemas", "Other", "default")


def test_a_fault_stops_the_start_by_its_line(load: Callable[[str], Document]) -> None:
    document = load(
        "openapi: 3.0.3\ninfo: {title: Things, version: '1'}\npaths:\n  /things:\n"
        "    get:\n      operationId: list_things\n      responses: {'200': {}}\n"
    )
    middleware = ConnexionMiddleware(None, **connexion_options(document.operations, {}))

    said = r"document\.yaml:5: paths//things/get/responses/200: it is not OpenAPI 3\.0: "
    with pytest.raises(DocumentFault, match=said):
        build(middleware, document, document.operations)


def places(part: Any) -> list[tuple[Any, Any]]:
    """Every member of every mapping and list, as what holds it and its key there."""
    below = list(part.items() if isinstance(part, dict) else enumerate(part))
    return [
        each
        for key, value in below
        for each in [(part, key), *(places(value) if isinstance(value, dict | list) else ())]
    ]


LEAVES = st.none() | st.booleans() | st.integers(-1, 100) | st.sampled_from(
    ["string", "integer", "query", "path", "header", "http", "", "form", "#/info", "x"]
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda below: (
        st.lists(below, max_size=2)
        | st.dictionaries(
            st.sampled_from(["type", "default", "schema", "name", "in", "x-more", "items"]),
            below,
            max_size=2,
        )
    ),
    max_leaves=4,
)


@given(index=st.integers(0, 10_000), value=VALUES, takes_away=st.booleans())
def test_both_let_the_same_through(index: int, value: Any, takes_away: bool) -> None:
    pet = copy.deepcopy(PET)
    found = places(pet)
    holder, key = found[index % len(found)]
    if takes_away:
        del holder[key]
    else:
        holder[key] = value
    try:
        expected = passes(Specification.from_dict, pet)
    except Exception:
        # A reference to nothing, which is found before; or Connexion breaks over the fault.
        reject()
    assert passes(check_form, pet) == expected
