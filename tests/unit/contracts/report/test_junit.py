"""JUnit XML has every finding as a failure, and is XML whatever was found."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest
from hypothesis import given

from contracts.findings import Run
from contracts.report.junit import write_junit
from tests.unit.contracts.report.runs import a_finding, a_result, a_run, a_whole_run
from tests.unit.contracts.report.test_words import ANY_TEXT

# What readers know, by the xUnit plugin's schema: Jenkins refuses a file that has anything else.
CHILDREN = {
    "testsuites": {"testsuite"},
    "testsuite": {"properties", "testcase"},
    "properties": {"property"},
    "property": set(),
    "testcase": {"failure", "skipped"},
    "failure": set(),
    "skipped": set(),
}
REQUIRED = {
    "testsuite": {"name", "tests", "failures", "errors"},
    "property": {"name", "value"},
    "testcase": {"name"},
}
ALLOWED = {
    "testsuites": {"name", "time", "tests", "failures", "errors"},
    "testsuite": REQUIRED["testsuite"] | {"time", "skipped", "timestamp"},
    "property": REQUIRED["property"],
    "testcase": {"name", "time", "classname"},
    "failure": {"type", "message"},
    "skipped": {"type", "message"},
}


def written(run: Run) -> Element:
    with TemporaryDirectory() as folder:
        write_junit(run, Path(folder) / "junit.xml")
        return ElementTree.parse(Path(folder) / "junit.xml").getroot()


def test_a_part_that_is_all_well_is_one_test_that_passed() -> None:
    suite = written(a_run(a_result()))[0]

    assert suite.attrib == {
        "name": "fuzz", "tests": "1", "failures": "0", "errors": "0", "skipped": "0",
        "time": "12.340", "timestamp": "2026-01-02T03:04:05Z",
    }  # fmt: skip
    test = suite.find("testcase")
    assert test is not None
    assert list(test) == []
    assert test.attrib == {"name": "Fuzzing", "classname": "contracts.fuzz", "time": "12.340"}
    properties = {each.get("name"): each.get("value") for each in suite.iter("property")}
    assert properties["seed"] == "1"
    assert properties["command"] == "python -m contracts --seed 1"


def test_each_finding_is_a_test_that_failed() -> None:
    findings = [a_finding("First", operation="get_device", detail="a\nb", curl="curl /"),
                a_finding("Second")]  # fmt: skip
    suite = written(a_run(a_result(findings=findings)))[0]

    tests = suite.findall("testcase")
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert [test.get("name") for test in tests] == ["get_device: First", "Second"]
    assert [test.get("time") for test in tests] == ["6.170", "6.170"]
    failure = tests[0].find("failure")
    assert failure is not None
    assert (failure.get("message"), failure.text) == ("First", "a\nb\ncurl /")


def test_findings_of_one_name_stay_apart() -> None:
    findings = [a_finding("Same", cause="of one"), a_finding("Same", cause="of another")]
    suite = written(a_run(a_result(findings=findings)))[0]

    names = [test.get("name") for test in suite.findall("testcase")]
    assert names == ["Same", "Same (2)"]


def test_findings_of_one_cause_are_one_test() -> None:
    findings = [a_finding(operation=name, detail=name) for name in ("get_home", "get_area")]
    suite = written(a_run(a_result(findings=findings)))[0]

    (test,) = suite.findall("testcase")
    assert (suite.get("tests"), suite.get("failures")) == ("1", "1")
    assert test.get("name") == "get_home: A name may be null"
    assert test.findtext("failure") == "get_home\nSeen 1 time more: get_area"


def test_a_part_that_was_skipped_says_why() -> None:
    suite = written(a_run(a_result(skipped="npm is not installed")))[0]

    skipped = suite.find("testcase/skipped")
    assert skipped is not None
    assert skipped.get("message") == "npm is not installed"
    assert (suite.get("tests"), suite.get("skipped"), suite.get("failures")) == ("1", "1", "0")


def test_the_whole_has_the_sums_of_the_parts() -> None:
    root = written(a_whole_run())

    assert (root.get("tests"), root.get("failures"), root.get("errors")) == ("8", "4", "0")
    assert root.get("time") == "192.500"


@pytest.mark.parametrize("run", [a_whole_run(), a_run()])
def test_nothing_is_in_it_that_readers_do_not_know(run: Run) -> None:
    for element in written(run).iter():
        assert {child.tag for child in element} <= CHILDREN[element.tag]
        assert set(element.attrib) <= ALLOWED.get(element.tag, set())
        assert set(element.attrib) >= REQUIRED.get(element.tag, set())


@given(ANY_TEXT)
def test_it_is_xml_whatever_was_found(text: str) -> None:
    finding = a_finding(text, operation=text, detail=text, curl=text)
    run = a_run(
        a_result(text, title=text, findings=[finding]),
        a_result(text, title=text, skipped=text or "-"),
        started=text,
        command=text,
        contract=text,
    )

    assert [suite.get("failures") for suite in written(run)] == ["1", "0"]
