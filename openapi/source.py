"""A document's file: its content, and the line that each place of it stands on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from openapi.policy import KEY

Place = tuple[str, ...]


class DocumentFault(Exception):
    """The document cannot be served. The message names the file, the line and what is wrong."""


class _Loader(yaml.CSafeLoader):
    """YAML of JSON's values: a date is text, and so are ``on``, ``off``, ``yes`` and ``no``."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("true|false"), ["t", "f"])


class Source:
    """What is read from the file, YAML or JSON; ``DocumentFault`` when it cannot be."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lines: dict[Place, int] = {}
        try:
            text = file.read_text(encoding="utf-8")
            self.content = self._read(_Loader(text))
        except yaml.MarkedYAMLError as exc:
            raise DocumentFault(_told(file, exc)) from exc
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
            raise DocumentFault(f"{file}: {exc}") from exc
        except RecursionError as exc:
            raise DocumentFault(f"{file}: it is nested too deeply, or an alias in itself") from exc
        if not isinstance(self.content, dict):
            raise DocumentFault(f"{file}: it is not an OpenAPI document")

    def line(self, place: Place) -> int:
        """The line of the place, or of the nearest place around it."""
        return nearest(self._lines, place)

    def policy_lines(self) -> dict[Place, int]:
        """The lines that matter once the document is served: few of thousands."""
        return {
            place: line
            for place, line in self._lines.items()
            if KEY in place or place[-1] == "security" or (place[0] == "paths" and len(place) <= 3)
        }

    def fault(self, place: Place, message: str) -> DocumentFault:
        """The message with where in the file the place is."""
        at = "/".join(place) or "the document"
        return DocumentFault(f"{self.file}:{self.line(place)}: {at}: {message}")

    def _read(self, loader: _Loader) -> Any:
        """The content, and on the way the lines: the text is looked through once."""
        try:
            root = loader.get_single_node()
            self._walk(root, ())
            return None if root is None else _with_text_keys(loader.construct_document(root))
        finally:
            loader.dispose()

    def _walk(self, node: yaml.Node | None, place: Place) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                below = (*place, str(key.value))
                other = self._lines.get(below)
                self._lines[below] = key.start_mark.line + 1
                if other is not None:
                    raise self.fault(below, f"the key stands at line {other} too")
                self._walk(value, below)
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                self._lines[(*place, str(index))] = value.start_mark.line + 1
                self._walk(value, (*place, str(index)))


def nearest(lines: Mapping[Place, int], place: Place) -> int:
    """The line of the place, or of the nearest place around it that is known."""
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _told(file: Path, exc: yaml.MarkedYAMLError) -> str:
    mark = exc.problem_mark or exc.context_mark
    line = mark.line + 1 if mark else 1
    what = ", ".join(part for part in (exc.context, exc.problem) if part)
    return f"{file}:{line}: it is not YAML: {what}"


def _with_text_keys(value: Any) -> Any:
    # YAML reads an unquoted 200 as a number; in JSON every key is text.
    if isinstance(value, dict):
        return {str(key): _with_text_keys(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(part) for part in value]
    return value
