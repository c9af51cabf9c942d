"""JUnit XML, as GitHub, GitLab and Jenkins read it (the xUnit plugin's ``junit-10.xsd``)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from contracts.findings import Cause, Finding, Result, Run, Verdict
from contracts.report.files import write_whole
from contracts.report.words import again, visible


def write_junit(run: Run, file: Path) -> None:
    """A test suite for each part; in it a failure for each cause, or one test that tells it.

    Characters that XML does not have are written as escapes.
    """
    root = Element("testsuites", name="contracts", time=_time(run.seconds))
    for result in run.results:
        root.append(_suite(run, result))
    for count in ("tests", "failures", "errors"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    write_whole(file, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def _suite(run: Run, result: Result) -> Element:
    skipped = result.verdict is Verdict.SKIPPED
    suite = Element(
        "testsuite",
        name=visible(result.part),
        tests=str(max(1, len(result.causes))),
        failures=str(len(result.causes)),
        errors="0",
        skipped=str(int(skipped)),
        time=_time(result.seconds),
        timestamp=visible(run.started),
    )
    _properties(suite, run, result)
    if result.findings:
        _failures(suite, result)
    else:
        test = _test(suite, result, visible(result.title), result.seconds)
        if skipped:
            SubElement(test, "skipped", message=visible(result.skipped))
    return suite


def _properties(suite: Element, run: Run, result: Result) -> None:
    properties = SubElement(suite, "properties")
    values = {
        "cases": str(result.cases),
        "seed": str(run.seed),
        "contract": run.contract,
        "command": run.command,
    }
    for name, value in values.items():
        SubElement(properties, "property", name=name, value=visible(value))


def _failures(suite: Element, result: Result) -> None:
    seen: Counter[str] = Counter()
    causes = result.causes
    for cause in causes:
        name = _head(cause.finding)
        seen[name] += 1
        # Readers take tests of one name for one test, and show the last alone.
        distinct = name if seen[name] == 1 else f"{name} ({seen[name]})"
        test = _test(suite, result, distinct, result.seconds / len(causes))
        title = visible(cause.finding.title)
        failure = SubElement(test, "failure", type="finding", message=title)
        failure.text = visible(_told(cause))


def _told(cause: Cause) -> str:
    return "\n".join(filter(None, (cause.finding.detail, cause.finding.curl, again(cause))))


def _head(finding: Finding) -> str:
    head = f"{finding.operation}: {finding.title}" if finding.operation else finding.title
    return visible(head)


def _test(suite: Element, result: Result, name: str, seconds: float) -> Element:
    place = visible(f"contracts.{result.part}")
    return SubElement(suite, "testcase", name=name, classname=place, time=_time(seconds))


def _time(seconds: float) -> str:
    return f"{seconds:.3f}"
