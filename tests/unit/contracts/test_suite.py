"""How parts are run: in lanes beside each other, the last lane last; what cannot be is skipped."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.findings import CouldNotRun, CutShort, Result, Run, Verdict
from contracts.services import NotReady
from contracts.suite import LAST, Needs, Options, Part, Stage, run

CONTRACT = Contract()
Judge = Callable[[Stage, Result], None]


class Silent:
    """A progress that nobody looks at."""

    def started(self, part: str) -> None: ...

    def advanced(self, part: str, cases: int = 1) -> None: ...

    def ended(self, result: Result) -> None: ...


def well(_stage: Stage, result: Result) -> None:
    result.cases += 1


def finds(_stage: Stage, result: Result) -> None:
    result.find("something is wrong")


def a_part(name: str, judge: Judge = well, lane: str = "a", needs: str = Needs.NOTHING) -> Part:
    return Part(name, name.title(), judge, needs, lane)


def ran(folder: Path, *parts: Part, **options: object) -> list[Result]:
    return run(parts, CONTRACT, Options(**options), folder, Silent())  # type: ignore[arg-type]


def test_results_are_in_the_order_of_the_parts(tmp_path: Path) -> None:
    results = ran(tmp_path, a_part("c", lane=LAST), a_part("b"), a_part("a", lane="b"))

    assert [(r.part, r.cases) for r in results] == [("c", 1), ("b", 1), ("a", 1)]


def test_lanes_run_beside_each_other(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=10)

    def meet(_stage: Stage, result: Result) -> None:
        result.cases += 1
        both.wait()

    ran(tmp_path, a_part("a", meet, "one"), a_part("b", meet, "two"))


def test_the_last_lane_waits_for_all_others(tmp_path: Path) -> None:
    order: list[str] = []

    def note(name: str) -> Judge:
        def judge(stage: Stage, result: Result) -> None:
            well(stage, result)
            order.append(name)

        return judge

    ran(tmp_path, a_part("z", note("z"), LAST), a_part("a", note("a")), a_part("b", note("b"), "b"))

    assert order[-1] == "z"


def test_nothing_is_judged_after_a_finding_when_it_is_to_be_fast(tmp_path: Path) -> None:
    first, second = ran(tmp_path, a_part("a", finds), a_part("b"), fail_fast=True)
    _, after = ran(tmp_path, a_part("a", finds), a_part("b"))

    assert (first.verdict, second.verdict) == (Verdict.FINDINGS, Verdict.SKIPPED)
    assert after.verdict is Verdict.ALL_WELL


@pytest.mark.parametrize(
    ("needs", "judged"),
    [
        (Needs.NOTHING, True),
        (Needs.GATEWAY, True),
        (Needs.INVENTORY, False),
        (Needs.FRESH, False),
        (Needs.ALL, False),
    ],
)
def test_running_services_are_judged_by_what_can(tmp_path: Path, needs: str, judged: bool) -> None:
    given = Deployment("http://127.0.0.1:1", "dsk_a_b")

    (result,) = ran(tmp_path, a_part("a", needs=needs), given=given)

    assert (result.cases == 1) is judged
    assert bool(result.skipped) is not judged


def test_services_that_do_not_get_ready_are_no_verdict(tmp_path: Path) -> None:
    def judge(_stage: Stage, _result: Result) -> None:
        raise NotReady("the gateway ended with 1")

    with pytest.raises(CutShort, match="a could not be judged: the gateway ended with 1") as told:
        ran(tmp_path, a_part("a", judge), a_part("b", finds, "b"))

    assert told.value.results[0].skipped == "it could not be judged: the gateway ended with 1"
    assert told.value.results[1].findings, "what another lane found is not lost"


def test_what_was_not_over_when_a_run_ended_is_not_well(tmp_path: Path) -> None:
    def judge(_stage: Stage, result: Result) -> None:
        result.cases += 1
        raise CouldNotRun("schemathesis ended with -15")

    with pytest.raises(CutShort) as told:
        ran(tmp_path, a_part("a"), a_part("b", judge), a_part("c"))

    verdicts = [result.verdict for result in told.value.results]
    assert verdicts == [Verdict.ALL_WELL, Verdict.SKIPPED, Verdict.SKIPPED]
    assert told.value.results[2].skipped == "the run ended before it did"


def test_a_part_that_judged_nothing_is_no_pass(tmp_path: Path) -> None:
    with pytest.raises(CutShort, match="a had nothing to judge"):
        ran(tmp_path, a_part("a", lambda _stage, _result: None))


def test_what_judges_a_whole_run_is_not_judged_of_a_part_of_it(tmp_path: Path) -> None:
    (result,) = ran(tmp_path, a_part("a", needs=Needs.ALL), whole=False)

    assert result.skipped == "it judges what all parts did together"


def test_an_interrupted_run_ends_before_its_next_request(tmp_path: Path) -> None:
    def judge(stage: Stage, result: Result) -> None:
        result.cases += 1
        stage.options.stop.set()
        stage.options.stop.check()

    with pytest.raises(CutShort, match="interrupted"):
        ran(tmp_path, a_part("a", judge))


def test_a_run_that_judged_nothing_is_no_pass() -> None:
    nothing = Result("a", "A", skipped="it could not")

    assert Run("", "", "", 1, "", 0.0, [nothing]).verdict is Verdict.SKIPPED
