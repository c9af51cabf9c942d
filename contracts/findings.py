"""What the parts of the suite come to: findings, tables and counts, for every kind of report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum


class Verdict(StrEnum):
    """What a part, or the whole run, came to; the value is what a report says."""

    ALL_WELL = "all well"
    FINDINGS = "findings"
    SKIPPED = "skipped"


class CouldNotRun(RuntimeError):
    """A part came to no verdict; the message says why."""


class CutShort(RuntimeError):
    """A run came to no verdict. ``results``: what its parts came to until then."""

    def __init__(self, message: str, results: Sequence[Result]) -> None:
        super().__init__(message)
        self.results = results


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a client would notice.

    ``title``: one sentence that a newcomer understands by itself. ``operation``: an operationId, or
    nothing. ``detail``: what was seen and what would be right, in lines of plain text. ``curl``: a
    line for a shell that shows it again, with the credential as ``$DOORSTEP_API_KEY`` (or another
    variable) and no secret in it; nothing where no request shows it. ``cause``: what all findings
    of one part have in common that come of one fault, as far as can be told; the title, where it
    is empty.
    """

    title: str
    operation: str = ""
    detail: str = ""
    curl: str = ""
    cause: str = ""

    def __str__(self) -> str:
        head = f"{self.operation}: {self.title}" if self.operation else self.title
        lines = [head, *self.detail.splitlines(), *([self.curl] if self.curl else [])]
        return "\n    ".join(lines)


@dataclass(frozen=True, slots=True)
class Cause:
    """A fault, as far as can be told: the finding that showed it first, and those after it."""

    finding: Finding
    alike: Sequence[Finding]


@dataclass(frozen=True, slots=True)
class Table:
    """A table for a person to read; each row has as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(slots=True)
class Result:
    """What one part came to.

    ``part``: its name on the command line; ``title``: its name for a person. ``cases``: how many
    requests, or comparisons, it judged. ``seconds``: how long it took. ``skipped``: why it judged
    nothing, if it did not.
    """

    part: str
    title: str
    cases: int = 0
    seconds: float = 0.0
    skipped: str = ""
    findings: list[Finding] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)

    @property
    def verdict(self) -> Verdict:
        """``FINDINGS`` where there are any, also of a part that gave up after them."""
        if self.findings:
            return Verdict.FINDINGS
        return Verdict.SKIPPED if self.skipped else Verdict.ALL_WELL

    @property
    def causes(self) -> list[Cause]:
        """The findings, those of one fault together, for whoever is to read them."""
        together: dict[str, list[Finding]] = {}
        for finding in self.findings:
            together.setdefault(finding.cause or finding.title, []).append(finding)
        return [Cause(first, alike) for first, *alike in together.values()]

    def find(
        self, title: str, operation: str = "", detail: str = "", curl: str = "", cause: str = ""
    ) -> None:
        """Adds a finding."""
        self.findings.append(Finding(title, operation, detail, curl, cause))


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the suite. ``started``: RFC 3339, UTC; ``contract``: the contract's version.

    ``subject``: what was judged, in words; ``command``: the line that runs the same again.
    """

    started: str
    contract: str
    subject: str
    seed: int
    command: str
    seconds: float
    results: Sequence[Result]

    @property
    def verdict(self) -> Verdict:
        """``SKIPPED`` where no part judged anything: no verdict is no pass."""
        verdicts = {result.verdict for result in self.results}
        if Verdict.FINDINGS in verdicts:
            return Verdict.FINDINGS
        return Verdict.ALL_WELL if Verdict.ALL_WELL in verdicts else Verdict.SKIPPED

    @property
    def causes(self) -> list[Cause]:
        """What all parts found, in their order."""
        return [cause for result in self.results for cause in result.causes]
