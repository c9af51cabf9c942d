"""Parts of the contract by their names and references."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from openapi.schemas import Validator, compile_schema


def compile_component(content: Mapping[str, Any], name: str) -> Validator:
    """A validator for the schema ``#/components/schemas/<name>`` of a document."""
    return compile_schema(resolved(content, content["components"]["schemas"][name]))


def resolve(content: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part, or what its ``$ref`` leads to; what is below it keeps its own."""
    while "$ref" in part:
        part = _found(content, part["$ref"])
    return part


def resolved(content: Mapping[str, Any], part: Any) -> Any:
    """The part without references: what each leads to stands in its place.

    What leads back to itself is then a part of itself.
    """
    return _resolved(content, part, {})


def _resolved(content: Mapping[str, Any], part: Any, known: dict[int, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(content, item, known) for item in part]
    if not isinstance(part, Mapping):
        return part
    if isinstance(part.get("$ref"), str):
        part = resolve(content, part)
        if id(part) not in known:
            known[id(part)] = whole = {}
            whole.update(_members(content, part, known))
        return known[id(part)]
    return _members(content, part, known)


def _members(
    content: Mapping[str, Any], part: Mapping[str, Any], known: dict[int, Any]
) -> dict[str, Any]:
    return {key: _resolved(content, value, known) for key, value in part.items()}


def _found(content: Mapping[str, Any], reference: str) -> Any:
    found: Any = content
    for step in reference.removeprefix("#/").split("/"):
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found
