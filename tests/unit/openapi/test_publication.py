"""The document as clients get it."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from openapi import CONTRACT
from openapi.document import Document, load_document
from openapi.publication import publish, to_json, to_yaml


@pytest.fixture(scope="module")
def document() -> Document:
    return load_document(CONTRACT)


@pytest.fixture(scope="module")
def published(document: Document) -> dict[str, Any]:
    return publish(document)


def test_the_gateways_policy_is_not_published(published: dict[str, Any]) -> None:
    assert "x-gateway" not in repr(published)


def test_the_services_own_document_keeps_its_policy(
    document: Document, published: dict[str, Any]
) -> None:
    assert published is not document.content
    assert "x-gateway" in document.content


def test_every_reference_is_kept(document: Document, published: dict[str, Any]) -> None:
    kept = repr(published).count("'$ref'")

    assert kept == repr(document.content).count("'$ref'") > 0


def test_nothing_else_is_left_out(document: Document, published: dict[str, Any]) -> None:
    assert list(published) == [key for key in document.content if key != "x-gateway"]
    assert published["components"] == document.content["components"]
    assert list(published["paths"]) == list(document.content["paths"])


def test_json_and_yaml_say_the_same_in_the_order_in_which_it_was_written(
    published: dict[str, Any],
) -> None:
    from_yaml = yaml.load(to_yaml(published), Loader=yaml.CSafeLoader)

    for read in (json.loads(to_json(published)), from_yaml):
        assert read == published
        assert list(read) == list(published)
        assert list(read["components"]["schemas"]) == list(published["components"]["schemas"])


def test_letters_of_any_language_stand_as_they_are() -> None:
    content = {"title": "Gerät"}

    assert "Gerät".encode() in to_json(content)
    assert "Gerät".encode() in to_yaml(content)
