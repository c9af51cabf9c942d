"""A document that cannot be served stops the start, with the line at fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from openapi import CONTRACT
from openapi.document import Document, DocumentFault, load_document
from openapi.publication import publish, to_json

Load = Callable[[str], Document]

HEAD = "openapi: 3.0.3\ninfo: {title: Things, version: '1'}\n"
PATHS = (
    HEAD
    + """\
paths:
  /things:
    get:
      operationId: list_things
"""
)


def test_the_contract_itself_is_served() -> None:
    document = load_document(CONTRACT)

    lines = CONTRACT.read_text().splitlines()
    for operation in document.operations:
        assert lines[operation.line - 1].strip() == f"{operation.method}:"


def test_json_is_read_too(tmp_path: Path) -> None:
    file = tmp_path / "document.json"
    content = {"openapi": "3.0.0", "info": {}, "paths": {}}
    file.write_text(json.dumps(content))

    assert load_document(file).content == content


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param("", "it is not an OpenAPI document", id="empty"),
        pytest.param("- 1\n", "it is not an OpenAPI document", id="a list"),
        pytest.param("a: [\n", ":2: it is not YAML: ", id="not YAML"),
        pytest.param("a: &a [*a]\n", "an alias in itself", id="an alias in itself"),
        pytest.param("a: " + "[" * 5000 + "]" * 5000, "nested too deeply", id="deep"),
        pytest.param("a: !!python/name:os.system\n", "could not determine a constructor", id="tag"),
        pytest.param("paths: {}\n", ":1: openapi: OpenAPI 3.0.x is served, not None", id="none"),
        pytest.param("\nopenapi: 3.1.0\n", ":2: openapi: .* not '3.1.0'", id="3.1"),
        pytest.param("swagger: '2.0'\n", ":1: openapi: .* not None", id="Swagger"),
        pytest.param("openapi: 3.0\n", ":1: openapi: .* not 3.0", id="a number"),
        pytest.param(HEAD, ":1: paths: it is not a mapping", id="no paths"),
        pytest.param(HEAD + "paths: []\n", ":3: paths: it is not a mapping", id="list of paths"),
        pytest.param(HEAD + "paths:\n  /a:\n", ":4: paths//a: it is not a map", id="empty path"),
        pytest.param(
            HEAD + "paths:\n  /a:\n    get:\n", ":5: paths//a/get: it is not", id="empty operation"
        ),
        pytest.param(
            PATHS + "      operationId: other\n",
            ":7: paths//things/get/operationId: the key stands at line 6 too",
            id="a key twice",
        ),
        pytest.param(
            PATHS + "      responses:\n        '200': {}\n        200: {}\n",
            ":9: .*/200: the key stands at line 8 too",
            id="a status twice",
        ),
        pytest.param(
            PATHS + "    post: {operationId: list_things}\n",
            ":7: paths//things/post: the operationId list_things stands at line 5 too",
            id="an operationId twice",
        ),
        pytest.param(
            PATHS + "    post: {}\n", ":7: .*: the operation has no operationId", id="no id"
        ),
    ],
)
def test_a_document_that_cannot_be_served_is_refused(load: Load, text: str, said: str) -> None:
    with pytest.raises(DocumentFault, match=said):
        load(text)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentFault, match="No such file"):
        load_document(tmp_path / "none.yaml")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("#/components/schemas/None", "points at nothing"),
        ("#/paths/~1things/put", "points at nothing"),
        ("#/openapi/more", "points at nothing"),
        ("other.yaml#/Thing", "points out of the document"),
        ("https://example.org/thing.json", "points out of the document"),
        ("#", "points out of the document"),
    ],
)
def test_a_reference_to_nothing_here_is_refused(load: Load, reference: str, said: str) -> None:
    text = f"{PATHS}      parameters:\n        - $ref: '{reference}'\n"

    with pytest.raises(DocumentFault, match=r":8: paths//things/get/parameters/0: .*" + said):
        load(text)


def test_a_reference_is_followed_through_escapes(load: Load) -> None:
    load(PATHS + "      x-same: {$ref: '#/paths/~1things/get'}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x-gateway: {upstraem: a}\n" + PATHS, r":1: x-gateway: .*upstraem"),
        (PATHS + "    x-gateway:\n      retries: 1\n", r":7: paths//things/x-gateway: .*retries"),
        (PATHS + "      x-gateway: {kache: 1}\n", r":7: paths//things/get/x-gateway: .*kache"),
        (
            PATHS
            + "      x-gateway:\n        timeout:\n          connect: 1\n          total: 0\n",
            r":10: paths//things/get/x-gateway/timeout/total: .*0",
        ),
        (PATHS + "      x-gateway:\n", r":7: .*null is not of type"),
        (PATHS + "      x-gateway: {upstream: My Service}\n", r":7: .*/upstream: "),
    ],
    ids=["root", "path", "operation", "below", "null", "name"],
)
def test_a_policy_that_is_not_one_is_refused_by_its_line(load: Load, text: str, said: str) -> None:
    with pytest.raises(DocumentFault, match=said):
        load(text)


def test_a_status_may_stand_without_quotes(load: Load) -> None:
    document = load(PATHS + "      responses:\n        200: {description: ok}\n")

    assert document.operations[0].spec["responses"] == {"200": {"description": "ok"}}


def test_what_only_yaml_1_1_takes_for_a_boolean_is_text(load: Load) -> None:
    document = load(PATHS + "      example: {on: no, yes: Off, y: [true, false]}\n")

    example = document.operations[0].spec["example"]
    assert example == {"on": "no", "yes": "Off", "y": [True, False]}


def test_a_date_may_stand_without_quotes(load: Load) -> None:
    document = load(PATHS + "      example: [2026-01-31, 2026-01-31T10:00:00Z]\n")

    assert document.operations[0].spec["example"] == ["2026-01-31", "2026-01-31T10:00:00Z"]
    to_json(publish(document))


def test_an_operation_knows_where_it_stands(load: Load) -> None:
    (operation,) = load(PATHS + "    parameters: []\n").operations

    assert (operation.operation_id, operation.method, operation.path, operation.line) == (
        "list_things",
        "get",
        "/things",
        5,
    )
