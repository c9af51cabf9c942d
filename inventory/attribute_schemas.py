"""Judges attributes by the JSON Schemas of device types, each compiled once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from inventory.domain.resource import to_json
from openapi.schemas import Validator, compile_foreign, faults

MAX_SCHEMA = 16 * 1024  # characters
REMEMBERED = 256  # schemas of device types


class CompiledSchemas:
    """The domain's ``AttributeSchemas``."""

    def __init__(self) -> None:
        self._compiled = lru_cache(REMEMBERED)(_compile)

    def fault(self, schema: Mapping[str, Any]) -> str | None:
        """What is wrong with the schema itself, or None.

        A reference would let a small schema stand for one of any size, which every write of a
        device would be judged by; so there are none, and the whole has a bound.
        """
        text = to_json(schema)
        if len(text) > MAX_SCHEMA:
            return f"it has {len(text)} characters of JSON; {MAX_SCHEMA} are allowed"
        if _has_reference(schema):
            return "it has a $ref, which is not supported"
        try:
            self._compiled(text)
        except ValueError as exc:
            return str(exc)
        return None

    def faults(
        self, schema: Mapping[str, Any], attributes: Mapping[str, Any]
    ) -> Sequence[tuple[str, str]]:
        """Where the attributes do not fit."""
        validator = self._compiled(to_json(schema))
        return [] if validator.is_valid(attributes) else faults(validator, attributes)


def _has_reference(schema: Any) -> bool:
    if isinstance(schema, Mapping):
        return "$ref" in schema or any(map(_has_reference, schema.values()))
    return isinstance(schema, list) and any(map(_has_reference, schema))


def _compile(text: str) -> Validator:
    return compile_foreign(json.loads(text))
