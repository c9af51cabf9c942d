"""Writes down what changed: for a terminal, for a program, and for a pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from contracts.changes.change import Change, Grade
from contracts.changes.judgement import Judgement
from contracts.findings import Table

COLUMNS = ("Grade", "Place", "Was", "Now", "Why", "Operations")


def table_of(judgement: Judgement) -> Table:
    """All changes, worst first."""
    rows = [_row(change) for change in judgement.changes]
    return Table(f"What changed since {judgement.old}", COLUMNS, rows)


def _row(change: Change) -> tuple[str, ...]:
    return (change.grade.value, change.place, change.was, change.now, change.why, change.concerns)


def text(judgement: Judgement) -> str:
    """Grouped by grade; the findings last, where a terminal shows them."""
    return "\n".join(_lines(judgement)) + "\n"


def _lines(judgement: Judgement) -> Iterator[str]:
    yield _head(judgement)
    for grade, changes in _by_grade(judgement):
        yield f"\n{grade.value} ({len(changes)})"
        for change in changes:
            yield f"  {change.place}: {change.was} -> {change.now}"
            yield f"      {change.why}"
            if change.operations:
                yield f"      in {change.concerns}"
    for finding in judgement.findings:
        yield f"\n{finding}"


def _head(judgement: Judgement) -> str:
    count = len(judgement.changes)
    what = "nothing changed" if not count else f"{count} change{'s' if count > 1 else ''}"
    found = len(judgement.findings)
    outcome = f"{found} finding{'s' if found > 1 else ''}" if found else "all well"
    return (
        f"{judgement.old} -> {judgement.new}: {what},"
        f" {judgement.compared} values compared, {outcome}"
    )


def _by_grade(judgement: Judgement) -> Iterator[tuple[Grade, Sequence[Change]]]:
    for grade in Grade:
        changes = [change for change in judgement.changes if change.grade is grade]
        if changes:
            yield grade, changes


def as_json(judgement: Judgement) -> str:
    """One object with the versions, the changes and the findings."""
    content = {
        "old": str(judgement.old),
        "new": str(judgement.new),
        "compared": judgement.compared,
        "changes": [
            {
                "grade": change.grade.value,
                "place": change.place,
                "was": change.was,
                "now": change.now,
                "why": change.why,
                "operations": [*change.operations],
            }
            for change in judgement.changes
        ],
        "findings": [
            {"title": one.title, "operation": one.operation, "detail": one.detail}
            for one in judgement.findings
        ],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def markdown(judgement: Judgement) -> str:
    """For the description of a pull request, or a release."""
    lines = [f"**{_head(judgement)}**"]
    for grade, changes in _by_grade(judgement):
        lines += ["", f"### {grade.value.capitalize()}", ""]
        lines += ["| Place | Was | Now | Why | Operations |", "| --- | --- | --- | --- | --- |"]
        lines += [f"| {' | '.join(map(_cell, _row(change)[1:]))} |" for change in changes]
    for finding in judgement.findings:
        lines += ["", f"- {_cell(finding.title)}"]
    return "\n".join(lines) + "\n"


def _cell(value: str) -> str:
    """Text that stays text in a cell: a pattern may have pipes, stars and backticks."""
    escaped = "".join(f"\\{char}" if char in "\\|*_`<>[]" else char for char in value)
    return " ".join(escaped.split())


FORMATS = {"text": text, "json": as_json, "markdown": markdown}
