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
MAX_PATTERN = 256 * 1024  # bytes of a compiled pattern of a client's schema
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

    def validate(self, instance: Any) -> None: ...


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """A validator for an OpenAPI 3.0 schema whose references are resolved.

    All formats of JSON Schema Draft 4 are enforced, and ``uuid`` and ``date``; ``nullable`` means
    what OpenAPI 3.0.3 says.
    """
    return jsonschema_rs.Draft4Validator(
        to_json_schema(schema), validate_formats=True, formats=dict(FORMATS)
    )


def compile_foreign(schema: Mapping[str, Any]) -> Validator:
    """A validator for a JSON Schema (Draft 4) of a client's, or ``ValueError`` saying why not.

    It looks nothing up outside of itself, and its patterns take linear time.
    """
    try:
        return jsonschema_rs.Draft4Validator(
            dict(schema),
            validate_formats=True,
            formats=dict(FORMATS),
            retriever=_refuse_to_retrieve,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as exc:
        raise ValueError(shorten(str(exc).partition("\n")[0])) from exc


def _refuse_to_retrieve(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of the schema")


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
        found += _told(error)
        if len(found) >= MAX_ERRORS:
            break
    return found[:MAX_ERRORS]


def first_faults(validator: Validator, instance: Any) -> list[tuple[str, str]]:
    """As ``faults``, of the first error alone: all of a large body's can take seconds to find."""
    try:
        validator.validate(instance)
    except jsonschema_rs.ValidationError as error:
        return _told(error)[:MAX_ERRORS]
    return []


def _told(error: jsonschema_rs.ValidationError) -> list[tuple[str, str]]:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        # Each member that is too much is a place at fault of its own.
        names = sorted(error.kind.unexpected)
        return [(pointer([*error.instance_path, name]), "is not to be sent") for name in names]
    return [(pointer(error.instance_path), _message(error))]


def _message(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        # In the library's words the pattern stands in quotes, and may have quotes of its own.
        return f"{shorten(repr(error.instance))} is not of the form {error.kind.pattern}"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Enum):
        choices = ", ".join(str(option) for option in error.kind.options)
        return f"{shorten(repr(error.instance))} is none of: {shorten(choices)}"
    return shorten(error.message)


def pointer(path: list[str | int]) -> str:
    """The path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shorten(message: str) -> str:
    """The message, cut in its middle where it quotes a long value."""
    if len(message) <= MAX_MESSAGE:
        return message
    return f"{message[:100]} … {message[-95:]}"
