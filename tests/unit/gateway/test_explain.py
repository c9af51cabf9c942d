"""An explanation says what requests are served by, and the line that decides."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.documents import METHODS
from gateway.explain import Explanations
from openapi import CONTRACT
from openapi.document import load_document

TEXT = """\
openapi: 3.0.3
info: {title: Things, version: '1'}
security:
  - apiKey: []
x-gateway:
  timeout: {connect: 1, total: 2}
  upstream: far
components:
  securitySchemes:
    apiKey: {type: apiKey, in: header, name: X-API-Key}
    oauth2:
      type: oauth2
      flows: {clientCredentials: {tokenUrl: /t, scopes: {read: r}}}
paths:
  /things/{id}:
    x-gateway:
      upstream: near
    get:
      operationId: get_thing
      security:
        - apiKey: []
        - oauth2: [read]
      x-gateway:
        limits: {body: 0}
        validation: {response: block}
    delete:
      operationId: delete_thing
"""


@pytest.fixture
def explanations(tmp_path: Path) -> Explanations:
    file = tmp_path / "things.yaml"
    file.write_text(TEXT)
    return Explanations(load_document(file), METHODS)


def test_each_key_says_where_it_comes_from(explanations: Explanations) -> None:
    told = explanations.explain("GET", "/things/a%20b?x=1")

    assert told["operation"] == {
        "operation_id": "get_thing",
        "method": "GET",
        "path": "/things/{id}",
        "served_by": "near",
        "at": "things.yaml:18",
    }
    scopes = {"any_of": [{"apiKey": ["read"]}, {"oauth2": ["read"]}], "at": "things.yaml:20"}
    assert told["security"] == scopes
    policy = told["policy"]
    assert policy["upstream"] == {"value": "near", "level": "path", "at": "things.yaml:17"}
    timeout = {"connect": 1, "total": 2}
    assert policy["timeout"] == {"value": timeout, "level": "document", "at": "things.yaml:6"}
    limits = {"value": {"body": 0}, "level": "operation", "at": "things.yaml:24"}
    assert policy["limits"] == limits
    validation = {"value": {"response": "block"}, "level": "operation", "at": "things.yaml:25"}
    assert policy["validation"] == validation


def test_what_the_document_does_not_say_is_the_default(explanations: Explanations) -> None:
    told = explanations.explain("DELETE", "/things/a")

    assert told["security"] == {"any_of": [{"apiKey": []}], "at": "things.yaml:3"}
    default = {"value": {"body": 1024 * 1024}, "level": "default", "at": None}
    assert told["policy"]["limits"] == default


def test_head_is_gets(explanations: Explanations) -> None:
    assert explanations.explain("HEAD", "/things/a")["operation"]["operation_id"] == "get_thing"


@pytest.mark.parametrize(
    ("method", "path", "why"),
    [
        ("POST", "/things/a", "405: the path has DELETE, GET, HEAD, OPTIONS"),
        ("OPTIONS", "/things/a", "204"),
        ("GET", "/things/a/", "404: .*; /things/a would"),
        ("GET", "/things", "404: no path of the document matches.$"),
        ("GET", "/ui/", "own page"),
    ],
)
def test_it_says_why_nothing_matches(
    explanations: Explanations, method: str, path: str, why: str
) -> None:
    told = explanations.explain(method, path)

    assert told["operation"] is None
    assert re.search(why, told["why"])


def test_every_operation_of_the_contract_is_found_and_its_lines_are_right() -> None:
    document = load_document(CONTRACT)
    lines = CONTRACT.read_text().splitlines()
    explanations = Explanations(document, METHODS)

    for op in document.operations:
        told = explanations.explain(op.method.upper(), re.sub(r"\{[^}]+\}", "x", op.path))
        assert told["operation"]["operation_id"] == op.operation_id
        for key, stated in told["policy"].items():
            if stated["at"]:
                line = lines[int(stated["at"].rpartition(":")[2]) - 1]
                assert line.strip().startswith(f"{key}:")
