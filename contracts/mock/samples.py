"""A value that holds to a schema, by the schema's own example where it has one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from openapi.schemas import compile_schema

_TEXTS = ("string", "a", "A", "0", "00", "AA", "aa", "a-a", "a_a", "a.a", "/", '"a"')
_DEPTH = 20  # of schemas in each other that all have to be there


class NoSample(ValueError):
    """The schema lets no value be made for it; an example in the contract would help."""


def now() -> str:
    """This moment in UTC (RFC 3339)."""
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


_FORMATS: Mapping[str, Callable[[], str]] = {
    "uuid": lambda: str(uuid.uuid4()),
    "date-time": now,
    "date": lambda: now()[:10],
    "email": lambda: "somebody@example.org",
    "uri": lambda: "https://example.org/",
    "uri-reference": lambda: "/",
    "hostname": lambda: "example.org",
    "ipv4": lambda: "192.0.2.1",
    "ipv6": lambda: "2001:db8::1",
}


def sample(schema: Mapping[str, Any]) -> Any:
    """A value of a schema whose references are resolved; ``NoSample``."""
    value = _sample(schema, 0)
    if not compile_schema(schema).is_valid(value):
        raise NoSample(f"no value can be made for {schema.get('description') or dict(schema)}")
    return value


def _sample(schema: Mapping[str, Any], depth: int) -> Any:
    if depth > _DEPTH:
        raise NoSample("the schema needs itself")
    for stated in ("example", "default"):
        if stated in schema:
            return schema[stated]
    if schema.get("enum"):
        return schema["enum"][0]
    if "allOf" in schema:
        parts = [_sample(part, depth + 1) for part in schema["allOf"]]
        return {k: v for part in parts if isinstance(part, dict) for k, v in part.items()} or parts
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return _sample(schema[choice][0], depth + 1)
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _OF_TYPE[kind](schema, depth)


def _object(schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
    properties = schema.get("properties", {})
    needed = schema.get("required", ())
    return {name: _sample(properties.get(name, {}), depth + 1) for name in needed}


def _array(schema: Mapping[str, Any], depth: int) -> list[Any]:
    return [_sample(schema.get("items", {}), depth + 1) for _ in range(schema.get("minItems", 0))]


def _string(schema: Mapping[str, Any], _depth: int) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]()
    shortest = schema.get("minLength", 0)
    own = {key: schema[key] for key in ("pattern", "minLength", "maxLength") if key in schema}
    validator = compile_schema({"type": "string", **own})
    longer = (text * shortest for text in _TEXTS)
    fitting = (text for text in (*_TEXTS, *longer) if validator.is_valid(text))
    return next(fitting, "")


def _integer(schema: Mapping[str, Any], _depth: int) -> int:
    lowest = schema.get("minimum", min(0, schema.get("maximum", 0)))
    step = schema.get("multipleOf", 1)
    value = -(-lowest // step) * step
    return int(value + step if schema.get("exclusiveMinimum") and value == lowest else value)


_OF_TYPE: Mapping[str, Callable[[Mapping[str, Any], int], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _integer,
    "number": _integer,
    "boolean": lambda _schema, _depth: True,
}
