"""Whether a document has OpenAPI 3.0's form, by the schema that Connexion ships for it.

Connexion's own check takes most of the time that a service with a document of our size needs to
start, and breaks over some faults of it. A compiled one tells in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import jsonschema_rs
from connexion.spec import OpenAPISpecification

from openapi.components import resolved
from openapi.schemas import shorten, to_json_schema
from openapi.source import Place

_SCHEMA = OpenAPISpecification.openapi_schema
_VALIDATOR = jsonschema_rs.Draft4Validator(_SCHEMA, validate_formats=False)
# Where schemas stand: below these, and below the names or numbers that these have.
_A_SCHEMA = frozenset({"schema", "items", "not", "additionalProperties"})
_SCHEMAS = frozenset({"schemas", "properties", "allOf", "anyOf", "oneOf"})


class FormFault(Exception):
    """The document is not OpenAPI 3.0: the place at fault, and what is wrong there."""

    def __init__(self, place: Place, message: str) -> None:
        super().__init__(f"it is not OpenAPI 3.0: {message}")
        self.place = place


def check_form(content: Mapping[str, Any]) -> None:
    """``FormFault`` when this is no OpenAPI 3.0, or a default is not of its own schema.

    ``content``: every ``$ref`` leads to a place in it.
    """
    if not _VALIDATOR.is_valid(content):
        # Of the many that there are when one of several forms is needed, the one that was meant.
        fault = jsonschema.exceptions.best_match(
            jsonschema.Draft4Validator(_SCHEMA).iter_errors(content)
        )
        if fault is not None:
            raise FormFault(tuple(map(str, fault.absolute_path)), shorten(fault.message))
    for place, schema in _schemas_with_default(content, ()):
        if message := _fault_of_default(content, schema):
            raise FormFault((*place, "default"), message)


def _schemas_with_default(part: Any, place: Place) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    if isinstance(part, list):
        part = dict(enumerate(part))
    if not isinstance(part, Mapping):
        return
    if "default" in part and (_A_SCHEMA.intersection(place[-1:]) or _SCHEMAS & {*place[-2:-1]}):
        yield place, part
    for key, below in part.items():
        yield from _schemas_with_default(below, (*place, str(key)))


def _fault_of_default(content: Mapping[str, Any], schema: Mapping[str, Any]) -> str | None:
    try:
        validator = jsonschema_rs.Draft4Validator(
            to_json_schema(resolved(content, schema)), validate_formats=False
        )
        validator.validate(schema["default"])
    except jsonschema_rs.ValidationError as exc:
        return shorten(exc.message)
    except ValueError:
        pass  # it only looks like a schema: an example may
    return None


class CheckedSpecification(OpenAPISpecification):
    """A document that ``check_form`` has let through: Connexion need not check it again."""

    @classmethod
    def _validate_spec(cls, spec: Mapping[str, Any]) -> None:
        pass
