"""How every report says counts, times and verdicts, and shows what is no text."""

from __future__ import annotations

import re
from collections import Counter

from contracts.findings import Cause, Result, Run, Verdict

# What would act on a terminal or turn a line round (CVE-2021-42574), and what is no character of
# XML 1.0 or Unicode: controls but tab and newline, directions, lone surrogates, noncharacters.
_NOT_TEXT = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff"
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def visible(text: str) -> str:
    r"""The text with everything that is none as an escape, as ``\x1b``: safe for every report."""
    return _NOT_TEXT.sub(lambda found: _escape(ord(found[0])), text)


def counted(number: int, noun: str) -> str:
    """As "1 case" or "1,234 cases"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def duration(seconds: float) -> str:
    """As "4.2 s" or "3 min 07 s"."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes:,} min {rest:02} s"


def outcome(result: Result) -> str:
    """The part's verdict, with the count of what it found: what has one cause counts once."""
    if result.verdict is Verdict.FINDINGS:
        return counted(len(result.causes), "finding")
    return str(result.verdict)


def again(cause: Cause) -> str:
    """How often it was seen besides, and of what, as "Seen 2 times more: get_home (2)"."""
    if not cause.alike:
        return ""
    seen = f"Seen {counted(len(cause.alike), 'time')} more"
    operations = Counter(finding.operation for finding in cause.alike if finding.operation)
    named = (
        f"{name} ({number:,})" if number > 1 else name for name, number in operations.most_common()
    )
    return f"{seen}: {', '.join(named)}" if operations else seen


def verdict(run: Run) -> str:
    """The run's verdict in a sentence, which hides no part that was skipped."""
    if run.verdict is Verdict.SKIPPED:
        return "Nothing was judged."
    judged = [result for result in run.results if result.verdict is not Verdict.SKIPPED]
    skipped = len(run.results) - len(judged)
    end = f"; {counted(skipped, 'part')} skipped." if skipped else "."
    if run.verdict is Verdict.ALL_WELL:
        return f"All well: {counted(len(judged), 'part')} found nothing a client would notice{end}"
    finders = sum(bool(result.findings) for result in judged)
    found = counted(len(run.causes), "finding")
    return f"A client would notice: {found} in {finders} of {counted(len(judged), 'part')}{end}"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
