"""The report's page in a real browser: it sorts, filters and copies, and runs nothing but ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.report.html import write_html
from tests.browser import Browser, a_browser
from tests.unit.contracts.report.runs import CURL, HOSTILE, a_whole_run

READY = "document.readyState === 'complete'"
SECTIONS = """
[...document.querySelectorAll('section.part')]
  .filter((section) => section.checkVisibility()).map((section) => section.id)
"""
COUNT = "document.querySelector('output').value"
NO_MATCH = "document.getElementById('no-match').checkVisibility()"
FUZZED = "#part-fuzz-table-1"
MATRIX = "#part-authorisation-table-1"
BRANCHES = "#part-coverage-table-1"


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with a_browser(tmp_path_factory.mktemp("profile")) as browser:
        clipboard = ["clipboardReadWrite", "clipboardSanitizedWrite"]
        browser.call("Browser.grantPermissions", permissions=clipboard)
        browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
        yield browser


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Browser]:
    """The whole run's page, freshly opened; nothing may have gone wrong on it in the end."""
    write_html(a_whole_run(), tmp_path / "report.html")
    chromium.complaints.clear()
    chromium.call("Page.navigate", url=(tmp_path / "report.html").as_uri())
    chromium.wait(READY)
    yield chromium
    assert chromium.complaints == []


def cells(page: Browser, table: str, column: int) -> Any:
    return page.run(
        f"[...document.querySelectorAll('{table} tbody tr')]"
        f".filter((row) => !row.hidden).map((row) => row.cells[{column}].textContent)"
    )


def click(page: Browser, selector: str) -> None:
    page.run(f"document.querySelector({json.dumps(selector)}).click()")


def enter(page: Browser, name: str, value: str) -> None:
    """As a user would set the field of this name."""
    field = f"document.forms.filter.elements.{name}"
    page.run(
        f"{field}.value = {json.dumps(value)};"
        f"{field}.dispatchEvent(new Event('input', {{bubbles: true}}))"
    )


def head(table: str, column: int) -> str:
    return f"{table} thead th:nth-child({column + 1})"


def test_every_part_is_shown_and_nothing_hostile_ran(page: Browser) -> None:
    assert page.run(SECTIONS) == [
        "part-lint", "part-fuzz", "part-authorisation", "part-coverage", "part-diff", "part-wire",
    ]  # fmt: skip
    assert page.run("document.title").startswith("A client would notice: 4 findings")
    assert page.run("document.scripts.length") == 1
    assert page.run("document.images.length") == 0
    shown = page.run("document.querySelector('#part-wire-finding-1 code').textContent")
    assert HOSTILE.partition("\x00")[0] in shown


def test_the_policy_stops_a_script_that_got_in(page: Browser) -> None:
    page.run("""
        const script = document.createElement('script');
        script.textContent = "document.title = 'taken'";
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<p style="color: red" onclick="1">');
    """)

    assert page.run("document.title") != "taken"
    assert sum("Content Security Policy" in each for each in page.complaints) == 3
    page.complaints.clear()


@pytest.mark.parametrize(
    ("column", "ascending"),
    [
        (0, ["create_device", "get_device", "list_devices", "restore_device"]),
        (1, ["12", "98", "987", "1,204"]),
        (2, ["0 %", "7.25 %", "98.2 %", "100 %"]),
        (3, ["12 ms", "840 ms", "1.2 s", ""]),
    ],
)
def test_a_head_sorts_by_amount_up_and_down_and_back(
    page: Browser, column: int, ascending: list[str]
) -> None:
    as_it_came = cells(page, FUZZED, column)
    sort = f"document.querySelector('{head(FUZZED, column)}').getAttribute('aria-sort')"
    filled = [each for each in ascending if each]
    descending = filled[::-1] + [""] * (len(ascending) - len(filled))

    for direction, expected in [
        ("ascending", ascending),
        ("descending", descending),
        ("none", as_it_came),
    ]:
        click(page, f"{head(FUZZED, column)} button")
        assert cells(page, FUZZED, column) == expected
        assert page.run(sort) == direction


def test_one_column_at_a_time_says_that_it_sorts(page: Browser) -> None:
    click(page, f"{head(FUZZED, 0)} button")
    click(page, f"{head(FUZZED, 1)} button")

    assert page.run(
        f"[...document.querySelectorAll('{FUZZED} th[aria-sort]')].map((th) => th.ariaSort)"
    ) == ["none", "ascending", "none", "none"]


def test_the_parts_sort_by_time_and_by_verdict(page: Browser) -> None:
    for _ in range(2):
        click(page, f"{head('#parts', 3)} button")
    assert cells(page, "#parts", 3)[:3] == ["1 min 39 s", "21.4 s", "12.3 s"]

    click(page, f"{head('#parts', 1)} button")
    assert [text.split(" ")[0] for text in cells(page, "#parts", 1)] == [
        "1", "3", "all", "all", "all", "skipped",
    ]  # fmt: skip


def test_the_keyboard_sorts(page: Browser) -> None:
    page.run(f"document.querySelector('{head(FUZZED, 1)} button').focus()")

    page.press("Enter", 13)

    assert cells(page, FUZZED, 1) == ["12", "98", "987", "1,204"]


def test_words_filter_findings_and_rows(page: Browser) -> None:
    assert page.run(COUNT) == "3,063 of 3,063 findings and rows"

    enter(page, "words", "Properties/P2999")

    assert page.run(COUNT) == "1 of 3,063 findings and rows"
    assert page.run(SECTIONS) == ["part-coverage"]
    assert page.run(f"document.querySelector('{BRANCHES}').open") is True
    assert page.run(f"document.querySelector('{BRANCHES} .rows').textContent") == "1 of 3,000 rows"
    assert cells(page, BRANCHES, 1) == ["/components/schemas/Device/properties/p2999"]

    enter(page, "words", "")

    assert page.run(COUNT) == "3,063 of 3,063 findings and rows"
    assert page.run(f"document.querySelector('{BRANCHES}').open") is False
    assert page.run(f"document.querySelector('{BRANCHES} .rows').textContent") == "3,000 rows"


def test_each_word_may_be_of_the_part_or_of_the_finding(page: Browser) -> None:
    enter(page, "words", "fuzzing  nullable")

    assert page.run(SECTIONS) == ["part-fuzz"]
    assert page.run(COUNT) == "1 of 3,063 findings and rows"


def test_a_finding_is_found_by_each_operation_that_has_it(page: Browser) -> None:
    enter(page, "words", "update_thing_40")

    assert page.run(SECTIONS) == ["part-fuzz"]
    assert page.run(COUNT) == "1 of 3,063 findings and rows"


def test_what_nothing_has_is_said_to_have_no_match(page: Browser) -> None:
    assert page.run(NO_MATCH) is False

    enter(page, "words", "no-such-word")

    assert page.run(NO_MATCH) is True
    assert page.run(SECTIONS) == []
    assert page.run(COUNT) == "0 of 3,063 findings and rows"


def test_parts_and_verdicts_are_chosen(page: Browser) -> None:
    enter(page, "verdict", "findings")
    assert page.run(SECTIONS) == ["part-fuzz", "part-wire"]

    enter(page, "part", "part-fuzz")
    assert page.run(SECTIONS) == ["part-fuzz"]
    assert page.run(COUNT) == "7 of 3,063 findings and rows"

    enter(page, "verdict", "all well")
    assert page.run(SECTIONS) == []
    assert page.run(NO_MATCH) is True


def test_sorting_keeps_what_was_filtered(page: Browser) -> None:
    enter(page, "words", "properties/p11")
    click(page, f"{head(BRANCHES, 1)} button")
    click(page, f"{head(BRANCHES, 1)} button")

    assert cells(page, BRANCHES, 1)[0].endswith("/p1199")
    assert len(cells(page, BRANCHES, 1)) == 111


@pytest.mark.parametrize("clipboard", ["there", "missing"])
def test_a_line_is_copied_and_said_to_be(page: Browser, clipboard: str) -> None:
    button = "document.querySelector('#part-fuzz-finding-1 .copy')"
    page.run("navigator.clipboard.writeText('other')")
    read = "navigator.clipboard.readText()"
    if clipboard == "missing":
        page.run("window.kept = navigator.clipboard")
        page.run("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
        read = "window.kept.readText()"

    page.run(f"{button}.click()")
    page.wait(f"{button}.textContent === 'copied'")

    assert page.run(read) == CURL
    assert page.run("document.getElementById('said').textContent") == "copied"
    page.wait(f"{button}.textContent === 'copy'")


def test_a_link_opens_what_it_leads_to_whatever_is_filtered(page: Browser) -> None:
    enter(page, "words", "no-such-word")

    page.run(f"location.hash = '{BRANCHES}'")

    page.wait(f"document.querySelector('{BRANCHES}').checkVisibility()")
    assert page.run(f"document.querySelector('{BRANCHES}').open") is True
    page.wait(f"Math.abs(document.querySelector('{BRANCHES}').getBoundingClientRect().top) < 200")


@pytest.mark.parametrize(
    ("table", "head", "along"),
    [(BRANCHES, "thead th", "Top"), (MATRIX, "tbody th", "Left"), (MATRIX, "thead th", "Left")],
)
def test_the_heads_stay_in_sight(page: Browser, table: str, head: str, along: str) -> None:
    page.run(f"document.querySelector('{table}').open = true")
    scrolled = f"document.querySelector('{table} .scroll').scroll{along}"
    place = f"document.querySelector('{table} {head}').getBoundingClientRect().{along.lower()}"
    before = page.run(place)

    page.run(f"{scrolled} = 300")

    assert page.run(scrolled) == 300
    assert page.run(place) == before


def test_it_is_read_without_scripts(page: Browser) -> None:
    page.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.call("Page.reload")
        page.wait(READY)

        assert len(page.run(SECTIONS)) == 6
        assert "nullable: true" in page.run("document.body.innerText")
        assert page.run("document.querySelector('form').checkVisibility()") is False
        assert page.run("document.querySelector('.copy').checkVisibility()") is False
        assert page.run("document.querySelectorAll('th button').length") == 0
    finally:
        page.call("Emulation.setScriptExecutionDisabled", value=False)
