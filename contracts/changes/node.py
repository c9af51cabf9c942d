"""A part of a document together with where it stands: references lead on to what they name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

Pointer = tuple[str, ...]
SHOWN = 60  # characters of a value


@dataclass(frozen=True, slots=True)
class Node:
    """A value of ``document``; ``pointer`` are the keys that lead to it from the root.

    ``origin``: where the reference stands that led to it; nothing where none did.
    """

    document: Mapping[str, Any]
    value: Any
    pointer: Pointer = ()
    origin: Pointer = ()

    @property
    def place(self) -> Pointer:
        """Where it is taken in: at the reference, or where it stands itself."""
        return self.origin or self.pointer

    @property
    def members(self) -> Mapping[str, Any]:
        """What is below it by name; nothing where it is no object."""
        return self.value if isinstance(self.value, dict) else {}

    def get(self, key: str, default: Any = None) -> Any:
        """The bare value below it."""
        return self.members.get(key, default)

    def below(self, key: str) -> Node | None:
        """What is below it, resolved; None where there is nothing."""
        if key not in self.members:
            return None
        return self.step(key, self.members[key]).resolved()

    def map_of(self, key: str) -> dict[str, Node]:
        """What stands below it under ``key``, by name, each resolved."""
        holder = self.below(key)
        if holder is None:
            return {}
        return {name: holder.step(name, value).resolved() for name, value in holder.members.items()}

    def list_of(self, key: str) -> list[Node]:
        """The items of the list under ``key``, each resolved."""
        holder = self.below(key)
        if holder is None or not isinstance(holder.value, list):
            return []
        return [holder.step(str(i), value).resolved() for i, value in enumerate(holder.value)]

    def step(self, key: str, value: Any) -> Node:
        """A value below it as it stands, a reference kept."""
        return Node(self.document, value, (*self.pointer, key))

    def resolved(self) -> Node:
        """What its ``$ref`` leads to; itself where it has none, or one that leads nowhere."""
        node, seen = self, {self.pointer}
        while isinstance(reference := node.get("$ref"), str):
            found = _find(node.document, reference)
            if found is None or found.pointer in seen:
                return node
            seen.add(found.pointer)
            node = replace(found, origin=self.pointer)
        return node


def _find(document: Mapping[str, Any], reference: str) -> Node | None:
    if not reference.startswith("#/"):
        return None
    steps = tuple(s.replace("~1", "/").replace("~0", "~") for s in reference[2:].split("/"))
    value: Any = document
    for step in steps:
        if not isinstance(value, dict) or step not in value:
            return None
        value = value[step]
    return Node(document, value, steps)


def root_of(document: Mapping[Any, Any]) -> Node:
    """The whole document; keys that are no text (a bare ``200`` in YAML) become text."""
    content = _with_text_keys(document)
    return Node(content, content)


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _with_text_keys(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_text_keys(part) for part in value]
    return value


def canonical(value: Any) -> str:
    """A text that is the same for the same JSON value, whatever the order of members."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def shown(value: Any) -> str:
    """A value, short, for a person; ``-`` for what is not there."""
    if value is None:
        return "-"
    text = value if isinstance(value, str) else canonical(value)
    text = " ".join(text.split())
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def names_of(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    """The names of both, those of the old one first, each once."""
    yield from dict.fromkeys((*old, *new))
