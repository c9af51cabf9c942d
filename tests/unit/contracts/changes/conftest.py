from __future__ import annotations

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from openapi import CONTRACT
from openapi.source import Source

Document = dict[str, Any]
Build = Callable[..., Document]


@pytest.fixture(scope="session")
def contract() -> Document:
    content: Document = Source(CONTRACT).content
    return content


@pytest.fixture
def a_document() -> Build:
    """Builds a document with one operation, of which only what is named differs."""

    def build(
        version: str = "1.2.3",
        path: str = "/v1/lamps/{identifier}",
        method: str = "post",
        root: Document | None = None,
        item: Document | None = None,
        components: Document | None = None,
        **operation: Any,
    ) -> Document:
        known = {"operationId": "switch_lamp", "responses": {"200": {"description": "Done."}}}
        return {
            "openapi": "3.0.3",
            "info": {"title": "Lamps", "version": version},
            "paths": {path: {**(item or {}), method: {**known, **operation}}},
            "components": components or {},
            **(root or {}),
        }

    return build


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Document], Path]:
    """Writes a document to a file below the test's folder."""

    def to_file(name: str, document: Document) -> Path:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return file

    return to_file


@pytest.fixture
def copied(contract: Document) -> Document:
    """A copy of the contract, to be changed."""
    return copy.deepcopy(contract)
