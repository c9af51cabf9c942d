"""Changes that would fail, and that somebody accepted with a reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.changes.change import Change

ACCEPTED = Path(__file__).parents[1] / "accepted-changes.yaml"
_TEXTS = ("place", "was", "now", "reason")


class BadAcceptance(ValueError):
    """The file cannot be read as acceptances. The message says where and what would be right."""


_TO_SAY = "say here why no client is let down"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Accepts one change as it is told, in just these operations, and says why."""

    place: str
    was: str
    now: str
    operations: frozenset[str]
    reason: str

    def fits(self, change: Change) -> bool:
        """Whether this is the change. One that has spread to another operation is another one."""
        told = (change.place, change.was, change.now, frozenset(change.operations))
        return (self.place, self.was, self.now, self.operations) == told


def read_acceptances(file: Path = ACCEPTED) -> list[Acceptance]:
    """What the file accepts; ``BadAcceptance`` when it cannot be read."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise BadAcceptance(f"{file}: {exc}") from exc
    entries = content.get("changes") if isinstance(content, dict) else None
    if not isinstance(entries, list) or set(content) != {"changes"}:
        raise BadAcceptance(f"{file}: it has to be a mapping with the list `changes` alone")
    return [_read(f"{file}: changes/{index}", entry) for index, entry in enumerate(entries)]


def _read(place: str, entry: Any) -> Acceptance:
    if not isinstance(entry, dict) or set(entry) - {"operations"} != {*_TEXTS}:
        raise BadAcceptance(f"{place}: it has to have {', '.join(_TEXTS)}, and may have operations")
    for key in _TEXTS:
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise BadAcceptance(f"{place}/{key}: it has to be text; put it in quotes")
    if entry["reason"].strip() == _TO_SAY:
        raise BadAcceptance(f"{place}/reason: it has to say why no client is let down")
    operations = entry.get("operations", [])
    if not isinstance(operations, list) or not all(isinstance(one, str) for one in operations):
        raise BadAcceptance(f"{place}/operations: it has to be a list of operationIds")
    texts = {key: entry[key] for key in _TEXTS}
    return Acceptance(**texts, operations=frozenset(operations))


def entry_for(change: Change) -> str:
    """The entry that accepts the change, in YAML; its reason is left to whoever accepts it."""
    entry: dict[str, Any] = {"place": change.place, "was": change.was, "now": change.now}
    if change.operations:
        entry["operations"] = [*change.operations]
    entry["reason"] = _TO_SAY
    return yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1000).rstrip()


def stale(acceptances: Iterable[Acceptance], changes: Iterable[Change]) -> list[Acceptance]:
    """Those that fit none of the changes."""
    known = list(changes)
    return [one for one in acceptances if not any(one.fits(change) for change in known)]
