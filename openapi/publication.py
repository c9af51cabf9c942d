"""The document as clients get it: references kept, so that models have names; nothing private."""

from __future__ import annotations

import json
from typing import Any

import yaml

from openapi.document import Document
from openapi.policy import KEY


def publish(document: Document) -> dict[str, Any]:
    """The document without what only the gateway needs to know."""
    content: dict[str, Any] = _without_policy(dict(document.content))
    return content


def to_json(content: dict[str, Any]) -> bytes:
    """The published document as JSON."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def to_yaml(content: dict[str, Any]) -> bytes:
    """The published document as YAML, in the order in which it was written."""
    # libyaml's, as each worker does it at its start: a tenth of the time.
    text = yaml.dump(
        content, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=100
    )
    return str(text).encode()


def _without_policy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_policy(part) for key, part in value.items() if key != KEY}
    if isinstance(value, list):
        return [_without_policy(part) for part in value]
    return value
