"""The table of verdicts, and the exit code that they come to."""

import io
from collections.abc import Mapping
from pathlib import Path

import pytest

from contracts.findings import CouldNotRun
from contracts.mutation.judge import Verdict
from contracts.mutation.score import Score, read_reasons, write_score
from tests.unit.contracts.mutation.planted import a_fault

FOUND = Verdict("probes", "get_device: was\nanswered 500")
SURVIVED = Verdict()
REASON = "No client can tell the two apart."


def test_all_is_well_when_every_fault_was_found() -> None:
    score = _score({"one": FOUND, "two": FOUND})

    assert score.exit_code == 0
    assert "2 of 2 faults were found: 2 by probes; 0 more are explained" in _written(score)


def test_a_survivor_fails_and_is_told_with_what_a_client_would_notice() -> None:
    score = _score({"one": FOUND, "two": SURVIVED})

    assert score.exit_code == 1
    assert "two survived (cellar.py)\n    A client would notice it.\n" in _written(score)
    assert "1 of 2 faults were found: 1 by probes; 0 more are explained, 1 are" in _written(score)


def test_a_survivor_that_is_explained_is_well() -> None:
    score = _score({"one": FOUND, "two": SURVIVED}, {"two": REASON})

    assert score.exit_code == 0
    assert REASON in _written(score)


def test_an_explanation_of_what_was_found_is_stale_and_fails() -> None:
    score = _score({"one": FOUND}, {"one": REASON})

    assert score.exit_code == 1
    assert "one was found: take it out of survivors.yaml" in _written(score)


def test_an_explanation_of_a_fault_that_was_not_chosen_says_nothing() -> None:
    assert _score({"one": FOUND}, {"two": REASON}).exit_code == 0


def test_a_row_says_who_found_what_on_one_line() -> None:
    lines = _written(_score({"one": FOUND, "two": SURVIVED})).splitlines()

    assert [line.split(maxsplit=3) for line in lines[1:3]] == [
        ["one", "cellar", "probes", "get_device: was answered 500"],
        ["two", "cellar", "nobody"],
    ]


def test_an_explanation_of_no_fault_is_told_of(tmp_path: Path) -> None:
    file = tmp_path / "survivors.yaml"
    file.write_text(f"- {{ name: gone, reason: {REASON} }}\n")

    with pytest.raises(CouldNotRun, match="there is no fault gone"):
        read_reasons([a_fault("one")], file)


def _score(verdicts: Mapping[str, Verdict], reasons: Mapping[str, str] | None = None) -> Score:
    return Score([a_fault(name) for name in verdicts], verdicts, reasons or {})


def _written(score: Score) -> str:
    stream = io.StringIO()
    write_score(score, stream)
    return stream.getvalue()
