"""Compiles OpenAPI 3.0 schemas to JSON Schema validators, once, when a service starts."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jsonschema_rs

from openapi import name_lists

# Draft 4 has no words for these two, though OpenAPI 3.0 uses them.
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_MEANT: Mapping[str, str] = {
    "uuid": "a UUID",
    "date": "a date such as 2026-01-31",
    "date-time": "a moment such as 2026-01-31T12:00:00Z",
    "email": "an email address",
    "uri": "a URI",
    "hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
}

MAX_ERRORS = 10
MAX_PATTERN = 256 * 1024  # bytes of a compiled pattern of a client's schema
MAX_NAMES = 600  # characters of the names of all members of an object
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


class Validator:
    """A compiled schema, and the JSON Schema that it was made of."""

    __slots__ = ("is_valid", "iter_errors", "schema", "validate")

    def __init__(self, validator: jsonschema_rs.Draft4Validator, schema: Mapping[str, Any]) -> None:
        self.schema = schema
        # The methods themselves: a call more would be felt, as each request has several.
        self.is_valid = validator.is_valid
        self.iter_errors = validator.iter_errors
        self.validate = validator.validate


def compile_schema(schema: Mapping[str, Any]) -> Validator:
    """A validator for an OpenAPI 3.0 schema whose references are resolved.

    All formats of JSON Schema Draft 4 are enforced, and ``uuid`` and ``date``; ``nullable`` means
    what OpenAPI 3.0.3 says.
    """
    return _compiled(to_json_schema(schema))


def compile_request_schema(schema: Mapping[str, Any]) -> Validator:
    """As ``compile_schema``, of what is sent: nobody has to send what is ``readOnly``."""
    return _compiled(_RequestTranslation().translate(schema))


def _compiled(schema: Any) -> Validator:
    return Validator(
        jsonschema_rs.Draft4Validator(schema, validate_formats=True, formats=dict(FORMATS)),
        schema,
    )


def compile_foreign(schema: Mapping[str, Any]) -> Validator:
    """A validator for a JSON Schema (Draft 4) of a client's, or ``ValueError`` saying why not.

    It looks nothing up outside of itself, and its patterns take linear time.
    """
    try:
        validator = jsonschema_rs.Draft4Validator(
            dict(schema),
            validate_formats=True,
            formats=dict(FORMATS),
            retriever=_refuse_to_retrieve,
            pattern_options=jsonschema_rs.RegexOptions(size_limit=MAX_PATTERN),
        )
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as exc:
        raise ValueError(shorten(str(exc).partition("\n")[0])) from exc
    return Validator(validator, schema)


def _refuse_to_retrieve(uri: str) -> Any:
    raise ValueError(f"{uri} is not part of the schema")


def to_json_schema(schema: Any) -> Any:
    """The same schema in JSON Schema Draft 4's words, whose only difference is ``nullable``.

    A schema that has itself among its parts leads there by references.
    """
    return _Translation().translate(schema)


def is_recursive(schema: Any) -> bool:
    """Whether a schema whose references are resolved has itself among its parts."""
    return _leads_back(schema, set(), set())


def _leads_back(part: Any, around: set[int], seen: set[int]) -> bool:
    if not isinstance(part, Mapping | list):
        return False
    if id(part) in seen:
        return id(part) in around
    seen.add(id(part))
    around.add(id(part))
    below = part.values() if isinstance(part, Mapping) else part
    found = any(_leads_back(each, around, seen) for each in below)
    around.discard(id(part))
    return found


class _Translation:
    """Translates one schema, with all that is below it."""

    def translate(self, schema: Any) -> Any:
        if not is_recursive(schema):
            return self._tree(schema)
        self._names: dict[int, str] = {}
        self._definitions: dict[str, Any] = {}
        return {**self._graph(schema), "definitions": self._definitions}

    def _tree(self, schema: Any) -> Any:
        return self._with_parts(schema, self._tree)

    def _graph(self, schema: Any) -> Any:
        """Each schema is translated once, to a definition that the others refer to."""
        if not isinstance(schema, Mapping):
            return self._with_parts(schema, self._graph)
        if id(schema) not in self._names:
            name = self._names[id(schema)] = f"schema-{len(self._names)}"
            self._definitions[name] = self._with_parts(schema, self._graph)
        return {"$ref": f"#/definitions/{self._names[id(schema)]}"}

    def _with_parts(self, schema: Any, translate: Callable[[Any], Any]) -> Any:
        if isinstance(schema, list):
            return [translate(part) for part in schema]
        if not isinstance(schema, Mapping):
            return schema
        out = {
            key: _translate_part(key, part, translate)
            for key, part in schema.items()
            if key != "nullable"
        }
        if schema.get("nullable") is True and isinstance(out.get("type"), str):
            out["type"] = [out["type"], "null"]
            if "enum" in out and None not in out["enum"]:
                out["enum"] = [*out["enum"], None]
        return out


class _RequestTranslation(_Translation):
    """What is ``readOnly`` is not required of requests (OpenAPI 3.0.3 §4.7.24)."""

    def _with_parts(self, schema: Any, translate: Callable[[Any], Any]) -> Any:
        out = super()._with_parts(schema, translate)
        required = out.get("required") if isinstance(out, dict) else None
        if isinstance(required, list):
            properties = schema.get("properties", {})
            out["required"] = [n for n in required if not properties.get(n, {}).get("readOnly")]
            if not out["required"]:
                del out["required"]  # Draft 4 takes no empty list
        return out


def _translate_part(key: str, part: Any, translate: Callable[[Any], Any]) -> Any:
    # Below these stand values and names, not schemas: a property may be called "nullable".
    if key in ("enum", "default", "example", "required"):
        return part
    if key == "properties":
        return {name: translate(schema) for name, schema in part.items()}
    return translate(part)


def faults(validator: Validator, instance: Any) -> list[tuple[str, str]]:
    """Each fault of the instance as (JSON Pointer, message), ``MAX_ERRORS`` at the most."""
    found = []
    for error in validator.iter_errors(instance):
        found += _told(error, validator.schema)
        if len(found) >= MAX_ERRORS:
            break
    return found[:MAX_ERRORS]


def first_faults(validator: Validator, instance: Any) -> list[tuple[str, str]]:
    """As ``faults``, of the first error alone: all of a large body's can take seconds to find."""
    try:
        validator.validate(instance)
    except jsonschema_rs.ValidationError as error:
        return _told(error, validator.schema)[:MAX_ERRORS]
    return []


def _told(error: jsonschema_rs.ValidationError, schema: Mapping[str, Any]) -> list[tuple[str, str]]:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        # Each member that is too much is a place at fault of its own.
        first, *others = (
            pointer([*error.instance_path, name]) for name in sorted(error.kind.unexpected)
        )
        known = ", ".join(_members(schema, error.schema_path))
        there_are = f"; there are: {shorten(known, MAX_NAMES)}" if known else ""
        return [
            (first, f"is not to be sent{there_are}"),
            *((other, "is not to be sent") for other in others),
        ]
    return [(pointer(error.instance_path), _message(error))]


def _members(schema: Any, path: Sequence[str | int]) -> list[str]:
    """What the object may have whose ``additionalProperties`` is at the path."""
    part = schema
    try:
        for step in path[:-1]:
            part = part[step]
        return sorted(part.get("properties", ()))
    except (LookupError, TypeError):
        return []  # a client's schema may have a base of its own for what it refers to


def _message(error: jsonschema_rs.ValidationError) -> str:
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Pattern):
        listed = name_lists.tell(error.kind.pattern, str(error.instance))
        if listed is not None:
            return listed
        # In the library's words the pattern stands in quotes, and may have quotes of its own.
        return f"{shorten(repr(error.instance))} is not of the form {error.kind.pattern}"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Format):
        meant = _MEANT.get(error.kind.format, f"of the format {error.kind.format}")
        return f"{shorten(repr(error.instance))} is not {meant}"
    if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Enum):
        choices = ", ".join(str(option) for option in error.kind.options)
        return f"{shorten(repr(error.instance))} is none of: {shorten(choices)}"
    return shorten(error.message)


def pointer(path: list[str | int]) -> str:
    """The path as a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def shorten(message: str, limit: int = MAX_MESSAGE) -> str:
    """The message, cut in its middle where it quotes a long value."""
    if len(message) <= limit:
        return message
    return f"{message[: limit // 2]} … {message[-(limit // 2 - 5) :]}"
