"""Reads the reports of Schemathesis into findings."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree  # of a file that Schemathesis has just written

from contracts.findings import Finding
from contracts.fuzzing.targets import Target

_NUMBER = re.compile(r"^\d+\. Test Case ID: ", re.MULTILINE)
_TITLE = re.compile(r"^- (?:[A-Z]+\d+ )?(.+)$", re.MULTILINE)
_ANSWER = re.compile(r"^\[\d{3}\] .*", re.MULTILINE | re.DOTALL)  # behind what is wrong with it
_AGAIN = "Reproduce with:"
_CREDENTIAL = re.compile(r"-H '(X-API-Key|Authorization): \[Filtered\]'")


def cases_of(report: Path) -> int:
    """How many requests the run generated (its JSON report)."""
    return int(_read(report)["test_cases"]["generated"])


def warnings_of(report: Path) -> Iterator[Finding]:
    """Its warnings, all of which are fatal here, and its errors (its JSON report)."""
    content = _read(report)
    for kind, warned in content["warnings"].items():
        for what in warned:
            yield Finding(f"Schemathesis warns ({kind.replace('_', ' ')}): {what}")
    for error in content["errors"]:
        yield Finding(f"Schemathesis could not test something: {error['title']}")


def failures_of(report: Path, target: Target) -> Iterator[Finding]:
    """The failures of its JUnit report, one finding for each."""
    for case in ElementTree.parse(report).iter("testcase"):
        label = case.get("name", "")
        for element in (*case.iter("failure"), *case.iter("error")):
            for text in _NUMBER.split(element.text or "")[1:] or [element.text or ""]:
                yield _finding(target.operation_ids.get(label, label), text, target)


def _finding(operation: str, text: str, target: Target) -> Finding:
    said, _, again = text.partition(_AGAIN)
    title = _TITLE.search(said)
    curl = _CREDENTIAL.sub(f'-H "{target.credential}"', again.strip())
    if target.shown != target.url:
        # In single quotes a variable would be no variable.
        curl = curl.replace(f"'{target.url}", f'"{target.shown}"\'')
        curl = curl.replace(target.url, f'"{target.shown}"')
    lines = _TITLE.sub("", said, count=1).splitlines()[1:]
    detail = "\n".join(line.strip() for line in lines if line.strip())
    named = title[1] if title else "Schemathesis found a failure"
    return Finding(named, operation, detail, curl, cause=_ANSWER.sub("", detail))


def _read(report: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(report.read_text())
    return content
