"""Semantic versions (2.0.0) of the contract, and which one a change needs.

Breaking changes need a new major version. Before 1.0.0 the minor takes its place, as package
managers read it. What else changed, but for documentation, needs a new minor version, and before
1.0.0 a new patch. A pre-release (``0.2.0-rc.1``) counts as the version that it leads to.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import NamedTuple

from contracts.changes.change import Grade

_FORM = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)([-+][0-9A-Za-z.+-]+)?", re.ASCII)


class NoVersion(ValueError):
    """The text is no semantic version; the message says what is right."""


class Version(NamedTuple):
    """A version, in the order of its numbers."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


def parse(text: object) -> Version:
    """The version, or ``NoVersion``."""
    match = _FORM.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise NoVersion(f"info.version is {text!r}; it has to be a semantic version such as 1.4.0")
    return Version(*map(int, match.groups()[:3]))


def needed(released: Version, grades: Collection[Grade]) -> Version:
    """The least version that these changes may have after the one that was released."""
    major, minor, patch = released
    first = major == 0
    if Grade.BREAKING in grades:
        return Version(0, minor + 1, 0) if first else Version(major + 1, 0, 0)
    if {Grade.LOOSENED, Grade.COMPATIBLE} & {*grades}:
        return Version(0, minor, patch + 1) if first else Version(major, minor + 1, 0)
    return released
