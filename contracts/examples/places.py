"""Where a document has examples, and what each of them has to hold to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from openapi.components import resolve
from openapi.document import METHODS
from openapi.schemas import pointer
from openapi.source import Place

_NAMED = ("components", "examples")
_SCHEMA_BELOW = ("items", "not", "additionalProperties")
_SCHEMAS_BELOW = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True, slots=True)
class Example:
    """One example at one place where it is used.

    ``at``: where its value stands, which is in ``components/examples`` when it is referred to.
    ``schema``: what it has to hold to, references kept. ``media_type``: of a body, or nothing.
    ``is_sent``: whether it is of a request, where nobody gives what is ``readOnly``.
    ``status``: under which it stands, or nothing.
    """

    at: Place
    value: Any
    schema: Mapping[str, Any]
    media_type: str = ""
    is_sent: bool = False
    status: str = ""


def shown(place: Place) -> str:
    """The place as a person looks for it: an example's name, or a JSON Pointer."""
    return "/".join(place[:3]) if place[:2] == _NAMED else "#" + pointer(list(place))


def find_examples(content: Mapping[str, Any]) -> Iterator[Example]:
    """All examples of a document; one that several places refer to comes once for each."""
    components = content.get("components", {})
    for name, schema in components.get("schemas", {}).items():
        yield from _of_schema(schema, ("components", "schemas", name))
    for kind in ("parameters", "headers"):
        for name, part in components.get(kind, {}).items():
            yield from of_value(content, part, ("components", kind, name))
    for path, item in content["paths"].items():
        yield from _of_path(content, item, ("paths", path))


def unused(content: Mapping[str, Any]) -> Iterator[Place]:
    """The named examples that nothing refers to."""
    used = set(_references(content))
    for name in content.get("components", {}).get("examples", {}):
        if "#/" + "/".join((*_NAMED, name)) not in used:
            yield (*_NAMED, name)


def _references(part: Any) -> Iterator[str]:
    below: Any = ()
    if isinstance(part, Mapping):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"]
        below = part.values()
    elif isinstance(part, list):
        below = part
    for each in below:
        yield from _references(each)


def _of_path(
    content: Mapping[str, Any], item: Mapping[str, Any], place: Place
) -> Iterator[Example]:
    yield from _of_parameters(content, item, place)
    for method in [method for method in METHODS if method in item]:
        at = (*place, method)
        yield from _of_parameters(content, item[method], at)
        if "requestBody" in item[method]:
            body, found_at = followed(content, item[method]["requestBody"], (*at, "requestBody"))
            yield from of_content(content, body, found_at, is_sent=True)
        for status, response in item[method]["responses"].items():
            yield from of_response(content, response, (*at, "responses", status), status)


def _of_parameters(
    content: Mapping[str, Any], holder: Mapping[str, Any], place: Place
) -> Iterator[Example]:
    for index, parameter in enumerate(holder.get("parameters", ())):
        if "$ref" not in parameter:  # the others are found among the components
            yield from of_value(content, parameter, (*place, "parameters", str(index)))


def of_response(
    content: Mapping[str, Any], part: Mapping[str, Any], place: Place, status: str
) -> Iterator[Example]:
    """The examples of a response's body and of its own headers."""
    response, place = followed(content, part, place)
    for name, header in response.get("headers", {}).items():
        if "$ref" not in header:
            yield from of_value(content, header, (*place, "headers", name))
    yield from of_content(content, response, place, status=status)


def of_content(
    content: Mapping[str, Any], part: Mapping[str, Any], place: Place, **of: Any
) -> Iterator[Example]:
    """The examples of a body, in each of its media types. ``of``: members of ``Example``."""
    for name, media_type in part.get("content", {}).items():
        at = (*place, "content", name)
        yield from _stated(content, media_type, at, media_type=name, **of)
        yield from _of_schema(media_type.get("schema", {}), (*at, "schema"))


def of_value(
    content: Mapping[str, Any], part: Mapping[str, Any], place: Place
) -> Iterator[Example]:
    """The examples of a parameter or a header."""
    part, place = followed(content, part, place)
    yield from _stated(content, part, place)
    yield from _of_schema(part.get("schema", {}), (*place, "schema"))


def _stated(
    content: Mapping[str, Any], holder: Mapping[str, Any], place: Place, **of: Any
) -> Iterator[Example]:
    schema = holder.get("schema", {})
    if "example" in holder:
        yield Example((*place, "example"), holder["example"], schema, **of)
    for name, part in holder.get("examples", {}).items():
        example, at = followed(content, part, (*place, "examples", name))
        if "value" in example:  # an `externalValue` is somewhere else
            yield Example((*at, "value"), example["value"], schema, **of)


def _of_schema(schema: Mapping[str, Any], place: Place) -> Iterator[Example]:
    if "$ref" in schema:
        return
    if "example" in schema:
        yield Example((*place, "example"), schema["example"], schema)
    for at, below in _schemas_below(schema):
        yield from _of_schema(below, (*place, *at))


def _schemas_below(schema: Mapping[str, Any]) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    for name, part in schema.get("properties", {}).items():
        yield ("properties", name), part
    for key in _SCHEMA_BELOW:
        if isinstance(schema.get(key), Mapping):
            yield (key,), schema[key]
    for key in _SCHEMAS_BELOW:
        for index, part in enumerate(schema.get(key, ())):
            yield (key, str(index)), part


def followed(
    content: Mapping[str, Any], part: Mapping[str, Any], place: Place
) -> tuple[Mapping[str, Any], Place]:
    """The part, or what its ``$ref`` leads to, and where that stands."""
    while "$ref" in part:
        steps = part["$ref"].removeprefix("#/").split("/")
        place = tuple(step.replace("~1", "/").replace("~0", "~") for step in steps)
        part = resolve(content, {"$ref": part["$ref"]})
    return part, place
