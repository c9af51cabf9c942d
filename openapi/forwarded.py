"""Validation of requests that are handed on: what is not read here, the service itself checks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from openapi.bodies import BODY_VALIDATORS, JSONBody, StreamedBody
from openapi.parameters import CompiledParameterValidator, Parameter, UnsupportedParameter


class UncheckedParameter(Parameter):
    """A parameter of a style that is not read: an object, or one with a media type."""

    def __init__(self, declared: Mapping[str, Any]) -> None:
        schema = declared.get("schema", {})
        super().__init__({"name": declared["name"], "in": declared["in"], "schema": {}})
        is_exploded = declared.get("explode", declared.get("style", "form") == "form")
        self.is_object = schema.get("type") == "object" and is_exploded
        self.is_deep = declared.get("style") == "deepObject"
        self.members = frozenset(schema.get("properties", ()))

    def value(self, texts: list[str] | None) -> Any:
        """The first of its texts, whatever it is."""
        return texts[0] if texts else None

    def takes(self, name: str) -> bool:
        """Whether a query parameter of this name is a part of it."""
        if self.is_deep:
            return name.startswith(f"{self.name}[")
        return self.is_object and (name in self.members or not self.members)


class ForwardedParameters(CompiledParameterValidator):
    """Checks what it can read, and lets the rest through where it is declared."""

    def _parameter(self, declared: Mapping[str, Any]) -> Parameter:
        if "schema" not in declared:
            return UncheckedParameter(declared)
        try:
            return super()._parameter(declared)
        except UnsupportedParameter:
            return UncheckedParameter(declared)

    def _check(self, _parameters: Iterable[Parameter]) -> None:
        """No handler here has them as its arguments: their names may be alike."""

    def _unknown(self, texts: Mapping[str, Any]) -> list[str]:
        open_ends = [p for p in self._query.values() if isinstance(p, UncheckedParameter)]
        return [
            name for name in super()._unknown(texts) if not any(p.takes(name) for p in open_ends)
        ]


class ForwardedBodies(dict[str, Any]):
    """By media type: the validator that there is for it; else the body goes on as it comes."""

    def __missing__(self, media_type: str) -> Any:
        return JSONBody if media_type.endswith("+json") else StreamedBody


FORWARDED_VALIDATORS: Mapping[str, Any] = {
    "parameter": ForwardedParameters,
    "body": ForwardedBodies(BODY_VALIDATORS),
}
