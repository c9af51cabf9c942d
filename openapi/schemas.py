"""Compiles OpenAPI 3.0 schemas to JSON Schema validators, once, when a service starts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jsonschema_rs

# Draft 4 has no words for these two, though OpenAPI 3.0 uses them.
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

MAX_ERRORS = 10
MAX_MESSAGE = 200  # characters; a message quotes the value at fault, which may be the whole body


def _is_uuid(value: str) -> bool:
    return _UUID.fullmatch(value) is not None


def _is_date(value: str) -> bool:
    if not _DATE.fullmatch(value):
        return False
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return True


FORMATS: Mapping[str, Callable[[str], bool]] = {"uuid": _is_uuid, "date": _is_date}


class Validator(Protocol):
    """A compiled schema."""

    def is_valid(self, instance: Any) -> bool: ...

    def iter_errors(self, instance: Any) -> Any: ...


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """A validator for an OpenAPI 3.0 schema whose references are resolved.

    All formats of JSON Schema Draft 4 are enforced, and ``uuid`` and ``date``; ``nullable`` means
    what OpenAPI 3.0.3 says.
    """
    return jsonschema_rs.Draft4Validator(
        to_json_schema(schema), validate_formats=True, formats=dict(FORMATS)
    )


def to_json_schema(schema: Any) -> Any:
    """The same schema in JSON Schema Draft 4's words, whose only difference is ``nullable``."""
    if isinstance(schema, list):
        return [to_json_schema(part) for part in schema]
    if not isinstance(schema, Mapping):
        return schema
    out = {key: _translate(key, part) for key, part in schema.items() if key != "nullable"}
    if schema.get("nullable") is True and isinstance(out.get("type"), str):
        out["type"] = [out["type"], "null"]
        if "enum" in out and None not in out["enum"]:
            out["enum"] = [*out["enum"], None]
    return out


def _translate(key: str, part: Any) -> Any:
    # Below these stand values and names, not schemas: a property may be called "nullable".
    if key in ("enum", "default", "example", "required"):
        return part
    if key == "properties":
        return {name: to_json_schema(schema) for name, schema in part.items()}
    return to_json_schema(part)


def faults(validator: Validator, instance: Any) -> list[tuple[str, str]]:
    """Each fault of the instance as (JSON Pointer, message), ``MAX_ERRORS`` at the most."""
    found = []
    for error in validator.iter_errors(instance):
        found.append((pointer(error.instance_path), _message(error)))
        if len(found) == MAX_ERRORS:
            break
    return found


def _message(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        # In the library's words the pattern stands in quotes, and may have quotes of its own.
        return f"{shorten(repr(error.instance))} is not of the form {error.kind.pattern}"
    return shorten(error.message)


def pointer(path: list[str | int]) -> str:
    """The path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shorten(message: str) -> str:
    """The message, cut in its middle where it quotes a long value."""
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[:100]} … {message[-95:]}"
