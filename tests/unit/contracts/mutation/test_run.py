"""Faults are judged once each, and an interrupted run goes on where it was."""

from pathlib import Path

import pytest

from contracts.findings import CouldNotRun
from contracts.mutation.judge import Verdict
from contracts.mutation.planting import StaleFault
from contracts.mutation.record import Record
from contracts.mutation.run import check, judge_all
from tests.unit.contracts.mutation.planted import FakeJudge, a_fault

FOUND = Verdict("probes", "get_device: was answered 500", 3.0)
SURVIVED = Verdict(seconds=9.0)
ONE, TWO, THREE = a_fault("one"), a_fault("two"), a_fault("three")


def test_every_fault_is_judged_after_the_tree_as_it_stands(tmp_path: Path) -> None:
    judge = FakeJudge({"one": FOUND, "two": SURVIVED})
    told: list[str] = []

    verdicts = judge_all([ONE, TWO], judge, _record(tmp_path), jobs=1, tell=told.append)

    assert judge.asked == ["-", "one", "two"]
    assert verdicts == {"one": FOUND, "two": SURVIVED}
    assert told[1:] == ["1/2 one: found by probes (3 s)", "2/2 two: SURVIVED (9 s)"]


def test_nothing_is_judged_where_something_is_found_without_a_fault(tmp_path: Path) -> None:
    judge = FakeJudge({}, clean=FOUND)

    with pytest.raises(CouldNotRun, match="without any fault, probes finds: get_device"):
        judge_all([ONE], judge, _record(tmp_path), jobs=1, tell=_silent)

    assert judge.asked == ["-"]


def test_what_was_judged_is_not_judged_again(tmp_path: Path) -> None:
    first = FakeJudge({"one": FOUND, "two": SURVIVED})
    judge_all([ONE, TWO], first, _record(tmp_path), jobs=1, tell=_silent)
    again = FakeJudge({"three": FOUND})

    verdicts = judge_all([ONE, TWO, THREE], again, _record(tmp_path), jobs=2, tell=_silent)

    assert again.asked == ["three"]
    assert verdicts == {"one": FOUND, "two": SURVIVED, "three": FOUND}


def test_what_survived_is_judged_again_once_the_tree_has_changed(tmp_path: Path) -> None:
    first = FakeJudge({"one": FOUND, "two": SURVIVED})
    judge_all([ONE, TWO], first, _record(tmp_path), jobs=1, tell=_silent)
    again = FakeJudge({"two": FOUND})

    verdicts = judge_all([ONE, TWO], again, _record(tmp_path, "later"), jobs=1, tell=_silent)

    assert again.asked == ["-", "two"]
    assert verdicts == {"one": FOUND, "two": FOUND}


def test_a_fault_that_is_another_now_is_judged_again(tmp_path: Path) -> None:
    judge_all([ONE], FakeJudge({"one": FOUND}), _record(tmp_path), jobs=1, tell=_silent)
    again = FakeJudge({"one": SURVIVED})
    other = a_fault("one", replace="x = 3")

    assert judge_all([other], again, _record(tmp_path), jobs=1, tell=_silent) == {"one": SURVIVED}


def test_a_verdict_is_written_down_before_the_next_fault_ends_the_run(tmp_path: Path) -> None:
    judge = FakeJudge({"one": FOUND})  # which does not know the other

    with pytest.raises(KeyError):
        judge_all([ONE, TWO], judge, _record(tmp_path), jobs=1, tell=_silent)

    assert _record(tmp_path).known([ONE, TWO])["one"] == FOUND


def test_a_record_that_is_none_is_told_of(tmp_path: Path) -> None:
    (tmp_path / "record.jsonl").write_text("no JSON\n")

    with pytest.raises(CouldNotRun, match="is no record of verdicts"):
        _record(tmp_path).known([ONE])


def test_a_stale_fault_is_told_of_before_anything_is_judged(tmp_path: Path) -> None:
    (tmp_path / "cellar.py").write_text("x = 7\n")

    with pytest.raises(StaleFault, match="stale fault one"):
        check([ONE], tmp_path)


def _record(folder: Path, tree: str = "tree") -> Record:
    return Record(folder / "record.jsonl", tree)


def _silent(_line: str) -> None:
    pass
