"""Reads a request's parameters as its operation declares them, with validators compiled once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.types import Scope

from openapi.problems import INVALID_REQUEST, Problem
from openapi.request import validated
from openapi.schemas import Validator, compile_schema, faults

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?([eE][+-]?[0-9]{1,3})?")


class UnsupportedParameter(ValueError):
    """The document declares a parameter in a style that this service does not read."""


def _integer(text: str) -> Any:
    return int(text) if _INTEGER.fullmatch(text) else text


def _number(text: str) -> Any:
    return float(text) if _NUMBER.fullmatch(text) else text


def _boolean(text: str) -> Any:
    return {"true": True, "false": False}.get(text, text)


def _string(text: str) -> Any:
    return text


# Text that is not written as its type demands stays text, and the schema refuses it by name.
_READERS: Mapping[str, Callable[[str], Any]] = {
    "string": _string,
    "integer": _integer,
    "number": _number,
    "boolean": _boolean,
}
_STYLES: Mapping[str, str] = {"query": "form", "path": "simple", "header": "simple"}
_SEPARATORS: Mapping[str, str] = {
    "form": ",",
    "simple": ",",
    "spaceDelimited": " ",
    "pipeDelimited": "|",
}


def read_text(text: str, kind: str | None) -> Any:
    """The value of this JSON type that the text stands for; else the text itself."""
    return _READERS.get(kind or "string", _string)(text)


class Parameter:
    """One declared parameter: where it stands, how its text is read, what it may be."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        schema = declared["schema"]
        self.name: str = declared["name"]
        self.location: str = declared["in"]
        self.required: bool = declared.get("required", False)
        self.default = schema.get("default")
        self.is_array = schema.get("type") == "array"
        self.argument = self.name.lower().replace("-", "_")
        self.argument_in_path = self.name.replace("-", "_")  # as Connexion's routing has it
        self._separator = _separator(declared) if self.is_array else None
        self._readers = _readers(declared)
        self._validator: Validator = compile_schema(schema)

    def value(self, texts: list[str] | None) -> Any:
        """The parameter's value from its texts in the request; a problem when it is not valid."""
        if not texts:
            if self.required:
                raise self.problem("is required")
            return self.default
        if len(texts) > 1 and (self._separator or not self.is_array):
            raise self.problem("is given more than once")
        if self._separator:
            texts = texts[0].split(self._separator)
        readings = [self._reading(read, texts) for read in self._readers]
        for value in readings:
            if self._validator.is_valid(value):
                return value
        raise self.problem(_say(faults(self._validator, readings[0])))

    def _reading(self, read: Callable[[str], Any], texts: list[str]) -> Any:
        return [read(text) for text in texts] if self.is_array else read(texts[0])

    def problem(self, what: str) -> Problem:
        """The problem that names this parameter."""
        return Problem(
            INVALID_REQUEST,
            f"The {self.location} parameter {self.name} is not valid: {what}.",
            errors=[{"in": self.location, "name": self.name, "detail": what}],
        )


def _separator(declared: Mapping[str, Any]) -> str | None:
    """What stands between the values of an array; None when each has a name of its own."""
    style = declared.get("style", _STYLES[declared["in"]])
    if style == "form" and declared.get("explode", True):
        return None
    if style not in _SEPARATORS:
        raise UnsupportedParameter(f"{declared['name']}: arrays of style {style} are not read")
    return _SEPARATORS[style]


def _readers(declared: Mapping[str, Any]) -> tuple[Callable[[str], Any], ...]:
    """How its texts may be meant. Where the schema has no one type, as what comes first fits."""
    schema = declared["schema"]
    kind = schema.get("type")
    if kind == "array":
        kind = schema.get("items", {}).get("type")
    if kind is None:
        return tuple(_READERS.values())
    if kind not in _READERS:
        raise UnsupportedParameter(f"{declared['name']}: a parameter of type {kind} is not read")
    return (_READERS[kind],)


def header_reader(schema: Mapping[str, Any]) -> Callable[[str], Any]:
    """Reads a header's text as a value of its schema (OpenAPI's style ``simple``)."""
    if schema.get("type") == "array":
        read = _READERS.get(schema.get("items", {}).get("type", ""), _string)
        return lambda text: [read(part.strip()) for part in text.split(",")]
    return _READERS.get(schema.get("type", ""), _string)


def _say(found: list[tuple[str, str]]) -> str:
    return "; ".join(f"{at}: {what}" if at else what for at, what in found)


class CompiledParameterValidator:
    """Connexion's ``parameter`` validator, built once an operation instead of once a request.

    It leaves the values, by argument name, in the request's ``Validated.parameters``.
    """

    def __init__(
        self, parameters: Iterable[Mapping[str, Any]], *, security_query_params: Iterable[str] = ()
    ) -> None:
        declared = [self._parameter(parameter) for parameter in parameters]
        self._query = {p.name: p for p in declared if p.location == "query"}
        self._path = [p for p in declared if p.location == "path"]
        self._headers = [
            (p.name.lower().encode(), p)
            for p in declared
            # OpenAPI 3.0.3: header parameters of these names are ignored.
            if p.location == "header" and p.name.lower() not in ("accept", "content-type")
        ]
        self._check([*self._query.values(), *self._path, *(p for _, p in self._headers)])
        self._known = self._query.keys() | set(security_query_params)

    def _parameter(self, declared: Mapping[str, Any]) -> Parameter:
        if declared["in"] == "cookie":
            raise UnsupportedParameter(f"{declared['name']}: cookie parameters are not read")
        return Parameter(declared)

    def _check(self, parameters: Iterable[Parameter]) -> None:
        _check_arguments(parameters)

    def validate(self, scope: Scope) -> None:
        """Reads and checks every parameter of the request, or raises a problem."""
        values = validated(scope).parameters
        texts = _texts(scope["query_string"]) if scope["query_string"] else {}
        if not texts.keys() <= self._known and (unknown := self._unknown(texts)):
            raise self._refusal(unknown)
        for name, parameter in self._query.items():
            values[parameter.argument] = parameter.value(texts.get(name))
        for parameter in self._path:
            text = scope["path_params"][parameter.argument_in_path]
            values[parameter.argument] = parameter.value([text])
        for name_bytes, parameter in self._headers:
            lines = [v.decode("latin-1") for n, v in scope["headers"] if n == name_bytes]
            values[parameter.argument] = parameter.value([", ".join(lines)] if lines else None)

    def _unknown(self, texts: Mapping[str, Any]) -> list[str]:
        return sorted(texts.keys() - self._known)

    def _refusal(self, unknown: list[str]) -> Problem:
        known = ", ".join(sorted(self._query)) or "none"
        return Problem(
            INVALID_REQUEST,
            f"There is no query parameter {unknown[0][:80]}. This operation has: {known}.",
            errors=[
                {"in": "query", "name": name[:80], "detail": "is not a parameter of this operation"}
                for name in unknown[:10]
            ],
        )


def _check_arguments(parameters: Iterable[Parameter]) -> None:
    """``UnsupportedParameter`` when two would be one argument of the handler."""
    names: dict[str, Parameter] = {}
    for parameter in parameters:
        other = names.setdefault(parameter.argument, parameter)
        # The same one may come twice: an operation's declaration overrides its path's.
        if (other.location, other.name) != (parameter.location, parameter.name):
            raise UnsupportedParameter(
                f"{parameter.name}: the {other.location} parameter {other.name} has its name too"
            )


def _texts(query: bytes) -> dict[str, list[str]]:
    try:
        return parse_query(query)
    except UnicodeDecodeError as exc:
        raise Problem(INVALID_REQUEST, "The query string is not UTF-8.") from exc


def parse_query(query: bytes) -> dict[str, list[str]]:
    """The query string's texts by name, in order (``application/x-www-form-urlencoded``).

    ``UnicodeDecodeError`` for escapes that are not UTF-8, where most parsers would put U+FFFD.
    """
    texts: dict[str, list[str]] = {}
    for part in query.split(b"&"):
        if part:
            name, _, value = part.partition(b"=")
            texts.setdefault(_decode(name), []).append(_decode(value))
    return texts


def _decode(part: bytes) -> str:
    return unquote_to_bytes(part.replace(b"+", b" ")).decode("utf-8")
