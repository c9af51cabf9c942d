"""What one service is given of the document, and that no operation is open by mistake."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from openapi.document import Document, DocumentFault
from openapi.selection import (
    check_security,
    hold_to_scopes,
    methods_by_path,
    operations_of,
    scopes_of,
    select,
)

Load = Callable[[str], Document]

SCHEMES: dict[str, Any] = {
    "Key": {"type": "apiKey", "in": "header", "name": "X-Key"},
    "Basic": {"type": "http", "scheme": "Basic"},
    "Token": {"type": "oauth2"},
    "Login": {"type": "openIdConnect"},
}
DOCUMENT = """\
openapi: 3.0.3
info: {title: Things, version: '1'}
security: [{Key: []}, {Token: [read]}]
x-gateway: {upstream: things}
paths:
  /things:
    parameters: []
    get: {operationId: list_things}
    post: {operationId: create_thing, security: [{Key: []}, {Token: [write]}]}
  /things/{id}:
    delete: {operationId: delete_thing, security: []}
  /health:
    x-gateway: {upstream: other}
    get: {operationId: get_health, security: []}
components:
  securitySchemes:
    Key: {type: apiKey, in: header, name: X-Key}
    Basic: {type: http, scheme: Basic}
    Token:
      type: oauth2
      flows:
        clientCredentials: {tokenUrl: /token, scopes: {read: Read, write: Write}}
        password: {tokenUrl: /token, scopes: {admin: All}}
"""


@pytest.fixture
def document(load: Load) -> Document:
    return load(DOCUMENT)


def test_a_service_has_the_operations_of_its_upstream(document: Document) -> None:
    assert [op.operation_id for op in operations_of(document, "other")] == ["get_health"]
    assert len(operations_of(document, "things")) == 3
    assert operations_of(document, "nobody") == ()


def test_other_services_operations_are_not_selected(document: Document) -> None:
    selected = select(document, [op for op in document.operations if op.method == "post"])

    assert list(selected["paths"]) == ["/things"]
    assert list(selected["paths"]["/things"]) == ["parameters", "post"]


def test_selecting_leaves_the_document_as_it_is(document: Document) -> None:
    before = copy.deepcopy(document.content)

    select(document, document.operations)["components"].clear()

    assert document.content == before


def test_a_key_is_held_to_the_scopes_that_a_token_needs() -> None:
    security: list[dict[str, list[str]]] = [{"Key": []}, {"Token": ["b", "a"]}]

    assert hold_to_scopes(security, SCHEMES) == [{"Key": ["a", "b"]}, {"Token": ["b", "a"]}]


def test_a_password_is_held_to_them_too() -> None:
    assert hold_to_scopes([{"Basic": []}, {"Login": ["a"]}], SCHEMES)[0] == {"Basic": ["a"]}


def test_a_key_beside_a_token_is_held_to_its_scopes() -> None:
    assert hold_to_scopes([{"Key": [], "Token": ["a"]}], SCHEMES) == [
        {"Key": ["a"], "Token": ["a"]}
    ]


def test_a_key_is_held_to_the_scopes_of_every_alternative() -> None:
    security: list[dict[str, list[str]]] = [{"Key": []}, {"Token": ["a"]}, {"Login": ["b"]}]

    assert hold_to_scopes(security, SCHEMES)[0] == {"Key": ["a", "b"]}


@pytest.mark.parametrize("security", [[], [{}], [{"Key": []}], [{"Token": []}, {"Key": []}]])
def test_without_scopes_nothing_changes(security: list[dict[str, list[str]]]) -> None:
    assert hold_to_scopes(security, SCHEMES) == security


def test_an_operations_keys_are_held_to_its_scopes(document: Document) -> None:
    selected = select(document, document.operations)

    assert selected["paths"]["/things"]["post"]["security"][0] == {"Key": ["write"]}


def test_the_keys_of_operations_without_a_word_are_held_to_the_documents(
    document: Document,
) -> None:
    assert select(document, document.operations)["security"][0] == {"Key": ["read"]}


def test_every_scheme_that_is_used_must_be_handled(document: Document) -> None:
    check_security(document, document.operations, {"apiKey", "oauth2"})  # Basic is not used

    with pytest.raises(DocumentFault, match=r":8: list_things: nothing handles .* Token"):
        check_security(document, document.operations, {"apiKey", "basic"})


def test_an_operation_without_security_is_refused(load: Load) -> None:
    document = load(DOCUMENT.replace("security: [{Key: []}, {Token: [read]}]\n", ""))

    with pytest.raises(DocumentFault, match=r":7: list_things: has no security; say"):
        check_security(document, document.operations, {"apiKey", "oauth2"})


def test_a_scheme_that_is_not_defined_is_refused(load: Load) -> None:
    document = load(DOCUMENT.replace("{Token: [write]}", "{Tokn: [write]}"))

    with pytest.raises(DocumentFault, match=r":9: create_thing: .* Tokn is not defined"):
        check_security(document, document.operations, {"apiKey", "oauth2"})


def test_an_http_scheme_is_handled_by_its_name_in_any_case(load: Load) -> None:
    document = load(DOCUMENT.replace("{Token: [write]}", "{Basic: []}"))

    check_security(document, document.operations, {"apiKey", "oauth2", "basic"})
    with pytest.raises(DocumentFault, match=r"nothing handles .* Basic"):
        check_security(document, document.operations, {"apiKey", "oauth2", "http"})


def test_a_path_has_all_of_its_methods(document: Document) -> None:
    assert methods_by_path(document.operations) == {
        "/things": ["get", "post"],
        "/things/{id}": ["delete"],
        "/health": ["get"],
    }


def test_the_scopes_of_every_flow_are_known(document: Document) -> None:
    assert scopes_of(document) == {"read", "write", "admin"}


def test_a_document_without_schemes_has_no_scopes(load: Load) -> None:
    assert scopes_of(load("openapi: 3.0.3\npaths: {}\n")) == frozenset()
