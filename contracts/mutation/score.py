"""What all verdicts come to: a table, the score, and whether the suite is as good as it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from contracts.findings import CouldNotRun
from contracts.lists import read_list
from contracts.mutation.judge import Verdict
from contracts.mutation.planting import Fault

SURVIVORS = Path(__file__).with_name("survivors.yaml")
SURVIVED = "nobody"
_COLUMNS = ("fault", "room", "found by", "what was found")
_FORM = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["name", "reason"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string", "minLength": 1},
            "reason": {"type": "string", "minLength": 20},
        },
    },
}


@dataclass(frozen=True, slots=True)
class Score:
    """The verdicts of some faults. ``reasons``: why a fault may survive, by its name."""

    faults: Sequence[Fault]
    verdicts: Mapping[str, Verdict]
    reasons: Mapping[str, str]

    @property
    def survivors(self) -> list[Fault]:
        """The faults that nobody found."""
        return [fault for fault in self.faults if not self.verdicts[fault.name].by]

    @property
    def unexplained(self) -> list[Fault]:
        """The survivors that nobody has explained."""
        return [fault for fault in self.survivors if fault.name not in self.reasons]

    @property
    def stale(self) -> list[str]:
        """The names of faults that are explained, though they were found."""
        found = {fault.name for fault in self.faults if self.verdicts[fault.name].by}
        return [name for name in self.reasons if name in found]

    @property
    def exit_code(self) -> int:
        """0 when all faults were found or are explained, else 1."""
        return 1 if self.unexplained or self.stale else 0


def read_reasons(faults: Sequence[Fault], file: Path = SURVIVORS) -> dict[str, str]:
    """Why faults may survive; ``CouldNotRun`` where the file names one that is not planted."""
    content: list[dict[str, Any]] = read_list(file, _FORM)
    planted = {fault.name for fault in faults}
    for entry in content:
        if entry["name"] not in planted:
            raise CouldNotRun(f"{file}: there is no fault {entry['name']}: take it out of the list")
    return {entry["name"]: entry["reason"] for entry in content}


def write_score(score: Score, stream: TextIO) -> None:
    """The table of all faults, what survived, and the score, as plain text."""
    rows = [_row(fault, score.verdicts[fault.name]) for fault in score.faults]
    widths = [max(map(len, cells)) for cells in zip(_COLUMNS, *rows, strict=True)]
    for row in (_COLUMNS, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        stream.write("  ".join(cells).rstrip() + "\n")
    for fault in score.survivors:
        _write_survivor(fault, score.reasons.get(fault.name), stream)
    for name in score.stale:
        stream.write(f"\n{name} was found: take it out of {SURVIVORS.name}\n")
    stream.write(f"\n{_sum(score)}\n")


def _row(fault: Fault, verdict: Verdict) -> tuple[str, str, str, str]:
    return fault.name, fault.room, verdict.by or SURVIVED, " ".join(verdict.finding.split())[:120]


def _write_survivor(fault: Fault, reason: str | None, stream: TextIO) -> None:
    why = reason or f"a check is missing that would notice it, or a reason in {SURVIVORS.name}"
    stream.write(f"\n{fault.name} survived ({fault.file})\n    {fault.what}\n    {why}\n")


def _sum(score: Score) -> str:
    planted, survived = len(score.faults), len(score.survivors)
    explained = survived - len(score.unexplained)
    by = Counter(verdict.by for verdict in score.verdicts.values() if verdict.by)
    parts = ", ".join(f"{count} by {part}" for part, count in by.most_common())
    told = f"{planted - survived} of {planted} faults were found" + (f": {parts}" if parts else "")
    return f"{told}; {explained} more are explained, {survived - explained} are not."
