"""Faults that are planted on purpose, each a small change of one file."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import astuple, dataclass
from pathlib import Path

from contracts.findings import CouldNotRun
from contracts.lists import read_list

FAULTS = Path(__file__).with_name("faults")
_TEXT = {"type": "string", "minLength": 1}
_FORM = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "what", "file", "find", "replace"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$"},
            "what": {"type": "string", "minLength": 20},
            "file": _TEXT,
            "after": _TEXT,
            "find": _TEXT,
            "replace": {"type": "string"},
        },
    },
}


class StaleFault(CouldNotRun):
    """The tree has changed so that a fault cannot be planted any more; the message says which."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. ``what``: what a client would notice. ``room``: which list it stands in.

    ``find`` stands exactly once in ``file``, and ``replace`` takes its place. With ``after``, which
    stands exactly once itself, the first ``find`` behind it is meant.
    """

    name: str
    room: str
    what: str
    file: str
    find: str
    replace: str
    after: str = ""

    @property
    def digest(self) -> str:
        """Tells this fault from another one of the same name."""
        return hashlib.sha256("\0".join(astuple(self)).encode()).hexdigest()[:16]

    def planted(self, text: str) -> str:
        """The file's text with the fault in it, or ``StaleFault``."""
        begin = 0
        if self.after:
            self._check_once(text, self.after, "after")
            begin = text.index(self.after) + len(self.after)
            if self.find not in text[begin:]:
                raise self._stale("find does not stand behind after", self.find)
        else:
            self._check_once(text, self.find, "find")
        at = text.index(self.find, begin)
        return text[:at] + self.replace + text[at + len(self.find) :]

    def plant(self, root: Path) -> None:
        """Changes the tree; ``StaleFault`` where it is not as the fault needs it."""
        file = root / self.file
        try:
            text = file.read_text()
        except FileNotFoundError as exc:
            raise self._stale("there is no such file", self.file) from exc
        file.write_text(self.planted(text))

    def _check_once(self, text: str, wanted: str, member: str) -> None:
        if (count := text.count(wanted)) != 1:
            raise self._stale(f"{member} stands {count} times, and has to stand once", wanted)

    def _stale(self, why: str, text: str) -> StaleFault:
        shown = text if len(text) < 200 else text[:200] + "…"
        return StaleFault(f"stale fault {self.name}: {self.file}: {why}:\n{shown}")


def read_faults(folder: Path = FAULTS) -> list[Fault]:
    """The faults of all rooms; ``CouldNotRun`` where a list is not of its form."""
    faults = [fault for file in sorted(folder.glob("*.yaml")) for fault in _read(file)]
    twice = [name for name, count in Counter(f.name for f in faults).items() if count > 1]
    if twice:
        raise CouldNotRun(f"{folder}: several faults are called {', '.join(twice)}")
    return faults


def _read(file: Path) -> list[Fault]:
    return [Fault(room=file.stem, **entry) for entry in read_list(file, _FORM)]
