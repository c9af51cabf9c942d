"""How reports say counts, times and verdicts, and what they make of texts that are none."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.findings import Verdict
from contracts.report.words import again, counted, duration, outcome, verdict, visible
from tests.unit.contracts.report.runs import HOSTILE, a_finding, a_result, a_run

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_what_is_shown_acts_on_nothing(text: str) -> None:
    shown = visible(text)

    shown.encode()
    assert {unicodedata.category(c) for c in shown if c not in "\t\n"}.isdisjoint({"Cc", "Cs"})
    assert {unicodedata.bidirectional(c) for c in shown}.isdisjoint(
        {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    )


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"))))
def test_text_stays_as_it_is(text: str) -> None:
    assert visible(f"{text}\n\t{text}") == f"{text}\n\t{text}"


def test_an_escape_tells_which_character_it_was() -> None:
    assert visible("a\x1b[2Jb\u202ec\ud800") == r"a\x1b[2Jb\u202ec\ud800"
    assert "\U0001f600" in visible(HOSTILE)


def test_counts_and_times_are_said_as_a_person_would() -> None:
    assert [counted(n, "case") for n in (0, 1, 1234)] == ["0 cases", "1 case", "1,234 cases"]
    assert [duration(s) for s in (0, 4.24, 67, 3600)] == [
        "0.0 s", "4.2 s", "1 min 07 s", "60 min 00 s",
    ]  # fmt: skip


FOUND: dict[str, Any] = {"findings": [a_finding("One"), a_finding("Two")]}


@pytest.mark.parametrize(
    ("more", "expected", "said"),
    [
        ({}, Verdict.ALL_WELL, "all well"),
        (FOUND, Verdict.FINDINGS, "2 findings"),
        ({"skipped": "no npm"}, Verdict.SKIPPED, "skipped"),
        (FOUND | {"skipped": "it gave up"}, Verdict.FINDINGS, "2 findings"),
    ],
)
def test_a_part_has_one_verdict(more: dict[str, Any], expected: Verdict, said: str) -> None:
    result = a_result(**more)

    assert result.verdict is expected
    assert outcome(result) == said


def test_findings_of_one_cause_are_counted_and_told_as_one() -> None:
    """The title, where a finding says no cause of its own."""
    result = a_result(
        findings=[
            a_finding("A tag is missing", operation="get_home", cause="etag"),
            a_finding("Another thing", operation="get_home"),
            a_finding("The tag is missing", operation="get_area", cause="etag"),
            a_finding("No tag is there", operation="get_home", cause="etag"),
            a_finding("Without a tag", operation="get_home", cause="etag"),
        ]
    )

    first, second = result.causes
    assert outcome(result) == "2 findings"
    assert (first.finding.title, second.finding.title) == ("A tag is missing", "Another thing")
    assert again(first) == "Seen 3 times more: get_home (2), get_area"
    assert again(second) == ""


def test_what_is_of_no_operation_is_seen_again_without_one() -> None:
    (cause,) = a_result(findings=[a_finding(), a_finding()]).causes

    assert again(cause) == "Seen 1 time more"


@pytest.mark.parametrize(
    ("parts", "expected", "said"),
    [
        ([{}, {}], Verdict.ALL_WELL, "All well: 2 parts found nothing a client would notice."),
        (
            [{}, {"skipped": "no npm"}],
            Verdict.ALL_WELL,
            "All well: 1 part found nothing a client would notice; 1 part skipped.",
        ),
        (
            [{}, FOUND, {"skipped": "no npm"}],
            Verdict.FINDINGS,
            "A client would notice: 2 findings in 1 of 2 parts; 1 part skipped.",
        ),
        ([{"skipped": "no npm"}], Verdict.SKIPPED, "Nothing was judged."),
        ([], Verdict.SKIPPED, "Nothing was judged."),
    ],
)
def test_no_verdict_is_no_pass(parts: list[dict[str, Any]], expected: Verdict, said: str) -> None:
    run = a_run(*(a_result(**more) for more in parts))

    assert run.verdict is expected
    assert verdict(run) == said
