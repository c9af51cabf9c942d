"""Gives what a service's document names the service's own name space, so that nothing collides."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_COMPONENTS = "#/components/"
_PATHS = "#/paths/"


class Naming:
    """The names of one service at the gateway.

    A service's names do not depend on which others are plugged in: clients generate code by them.
    """

    def __init__(self, service: str, prefix: str) -> None:
        """``prefix``: what stands before the service's paths."""
        self._service = service
        self._prefix = prefix

    def name(self, own: str) -> str:
        """Of an operation or a component, such as ``petstore_Pet``."""
        return f"{self._service}_{own}"

    def tag(self, own: str) -> str:
        """Of a tag, such as ``petstore: pet``."""
        return f"{self._service}: {own}"

    def path(self, own: str) -> str:
        """Of a path, as the gateway serves it."""
        return self._prefix + own

    def rename(self, value: Any) -> Any:
        """A copy of a part of the document, whose references lead to the new names."""
        if isinstance(value, list):
            return [self.rename(part) for part in value]
        if not isinstance(value, dict):
            return value
        renamed = {key: self.rename(part) for key, part in value.items()}
        if isinstance(value.get("$ref"), str):
            renamed["$ref"] = self._reference(value["$ref"])
        if isinstance(value.get("discriminator"), dict) and "mapping" in value["discriminator"]:
            renamed["discriminator"]["mapping"] = self._mapping(value["discriminator"]["mapping"])
        return renamed

    def _reference(self, reference: str) -> str:
        if reference.startswith(_COMPONENTS):
            kind, _, rest = reference.removeprefix(_COMPONENTS).partition("/")
            return f"{_COMPONENTS}{kind}/{self.name(rest)}"
        if reference.startswith(_PATHS):
            prefix = self._prefix.replace("/", "~1")
            return _PATHS + prefix + reference.removeprefix(_PATHS)
        return reference

    def _mapping(self, mapping: Mapping[str, str]) -> dict[str, str]:
        # OpenAPI 3.0.3 §4.7.25: a value is a reference, or the name of a schema.
        return {
            key: self._reference(there if "/" in there else f"{_COMPONENTS}schemas/{there}")
            for key, there in mapping.items()
        }
