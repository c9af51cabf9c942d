"""Says which changes since a release may not be: breaking without the version, or a guard down."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from contracts.changes.acceptance import Acceptance, BadAcceptance, entry_for, stale
from contracts.changes.change import Change, Grade
from contracts.changes.comparison import compared
from contracts.changes.releases import NotReleased, read, version_of
from contracts.changes.versions import NoVersion, Version, needed
from contracts.findings import Finding
from openapi.source import DocumentFault

# What keeps two documents from being compared; each message says where, and what would be right.
FAULTS = (DocumentFault, NotReleased, BadAcceptance, NoVersion)
_FAILS = (Grade.BREAKING, Grade.LOOSENED)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What changed from one document to another, and what of it is a finding."""

    old: Version
    new: Version
    changes: Sequence[Change]
    findings: Sequence[Finding]
    compared: int


def judged(old: Path, new: Path, acceptances: Sequence[Acceptance] = ()) -> Judgement:
    """Compares two files; one of ``FAULTS`` when it cannot."""
    was, now = read(old), read(new)
    comparison = compared(was, now)
    versions = (version_of(was), version_of(now))
    findings = _findings(*versions, comparison.changes, acceptances)
    return Judgement(*versions, comparison.changes, findings, comparison.compared)


def _findings(
    old: Version, new: Version, changes: Sequence[Change], acceptances: Sequence[Acceptance]
) -> list[Finding]:
    open_changes = [c for c in changes if not any(one.fits(c) for one in acceptances)]
    least = needed(old, {change.grade for change in open_changes})
    if len(open_changes) < len(changes):
        least = max(least, needed(old, {Grade.COMPATIBLE}))
    findings = []
    for change in open_changes:
        if change.grade is Grade.BREAKING and new < least:
            findings.append(_breaking(change, old, least))
        elif change.grade is Grade.LOOSENED:
            findings.append(_loosened(change, old))
    if new < least and not any(change.grade is Grade.BREAKING for change in open_changes):
        findings.append(_unraised(old, new, least))
    failing = [change for change in changes if change.grade in _FAILS]
    return findings + [_stale(one) for one in stale(acceptances, failing)]


def _breaking(change: Change, old: Version, least: Version) -> Finding:
    title = f"{_sentence(change.why)}. That breaks clients of the released contract {old}"
    ways = f"Right would be: take it back, or raise info.version to {least} for a new contract"
    return _finding(title, change, ways)


def _loosened(change: Change, old: Version) -> Finding:
    title = f"{_sentence(change.why)}. The released contract {old} promised a closer guard"
    return _finding(title, change, "Right would be: take it back")


def _finding(title: str, change: Change, ways: str) -> Finding:
    detail = [f"{change.place}: {change.was} -> {change.now}"]
    if len(change.operations) > 1:
        detail.append(f"In {', '.join(change.operations)}.")
    detail.append(f"{ways}; or accept it in contracts/accepted-changes.yaml:")
    detail += entry_for(change).splitlines()
    return Finding(title, change.operation, "\n".join(detail))


def _unraised(old: Version, new: Version, least: Version) -> Finding:
    if new < old:
        title = f"The contract calls itself {new}, though {old} was released already"
    else:
        title = f"The contract changed since {old} was released, and calls itself {new} still"
    return Finding(title, detail=f"Right would be: raise info.version to {least} or more.")


def _stale(acceptance: Acceptance) -> Finding:
    return Finding(
        "A change was accepted that there is not, or not any more",
        detail=f"{acceptance.place}: {acceptance.was} -> {acceptance.now}\n"
        "Right would be: take the entry out of contracts/accepted-changes.yaml.",
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
