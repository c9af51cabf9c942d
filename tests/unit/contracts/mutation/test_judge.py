"""The suite judges a copy of the tree, stage by stage; what is started is ended."""

import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import psutil
import pytest

from contracts.findings import CouldNotRun, Finding, Result, Run
from contracts.mutation.judge import (
    CONTRACT,
    START,
    TIME,
    Effort,
    SuiteJudge,
    Verdict,
    stages,
    verdict_of,
)
from contracts.mutation.planting import Fault
from contracts.mutation.processes import Processes, Stopped
from contracts.report.data import write_json
from contracts.services import wait_for

FAULT = Fault("a-fault", "cellar", "A client would.", "cellar.py", "x = 1", "x = 2")
# Stands in for the suite: its probes find the fault, which is planted in the cellar.
_SUITE = """
import pathlib, shutil, sys

folder = next(a for a in sys.argv if a.startswith("--report=")).removeprefix("--report=")
found = "--only=probes" in sys.argv and pathlib.Path("cellar.py").read_text() == "x = 2\\n"
pathlib.Path(folder).mkdir(exist_ok=True)
shutil.copy("found.json" if found else "clean.json", folder + "/report.json")
with open({asked!r}, "a") as asked:
    asked.write(" ".join(a for a in sys.argv if a.startswith("--only=")) + "\\n")
sys.exit(1 if found else 0)
"""


def test_what_needs_no_services_is_asked_of_the_contract_alone() -> None:
    of_contract = Fault("a", "contract", "…", CONTRACT, "x", "y")
    known = ["changes", "exchanges", "parity", "coverage"]

    assert stages(of_contract, known=known) == [["changes"], ["exchanges"], ["parity"]]
    assert stages(FAULT, known=known) == [["exchanges"], ["parity"]]
    assert stages(None, known=known) == [["changes"], ["exchanges"], ["parity"]]


def test_the_dear_stages_can_be_left_out() -> None:
    dear = {"parity", "fuzz-gateway", "fuzz-inventory"}

    assert dear.isdisjoint(part for stage in stages(None, 3) for part in stage)
    assert dear <= {part for stage in stages(None) for part in stage}


def test_the_stages_are_parts_that_the_suite_has() -> None:
    known = {part for stage in stages(None) for part in stage}

    assert {"changes", "exchanges", "authorisation", "probes", "faults", "parity"} <= known


def test_the_earliest_part_with_a_finding_has_found_it() -> None:
    run = _run([_found("parity", "late"), _found("probes", "early"), Result("exchanges", "")])

    assert verdict_of(run) == Verdict("probes", "get_device: early", 2.0)


def test_the_suite_is_asked_until_a_stage_finds_the_fault(tmp_path: Path) -> None:
    root, asked = _tree(tmp_path), tmp_path / "asked.txt"

    verdict = SuiteJudge(root, Effort(), Processes()).judge(FAULT)

    assert (verdict.by, verdict.finding) == ("probes", "get_device: was answered 500")
    assert asked.read_text() == "--only=exchanges --only=authorisation --only=probes\n"
    assert (root / "cellar.py").read_text() == "x = 1\n"


def test_all_stages_are_asked_of_the_tree_as_it_stands(tmp_path: Path) -> None:
    root = _tree(tmp_path)

    verdict = SuiteJudge(root, Effort(), Processes()).judge(None)

    assert (verdict.by, verdict.finding) == ("", "")
    asked = (tmp_path / "asked.txt").read_text().splitlines()
    assert [line.replace("--only=", "").split() for line in asked] == stages(None)


def test_services_that_do_not_start_have_found_the_fault(tmp_path: Path) -> None:
    said = "exchanges could not be judged: gateway ended with 1:\\nKeyError: 'summarize'\\n"
    root = _tree(tmp_path, f'import sys; sys.stderr.write("{said}"); sys.exit(2)')

    assert SuiteJudge(root, Effort(), Processes()).judge(FAULT) == Verdict(
        START, "KeyError: 'summarize'"
    )


def test_services_that_start_the_second_time_have_found_nothing(tmp_path: Path) -> None:
    flag = tmp_path / "tried"
    suite = _SUITE.format(asked=str(tmp_path / "asked.txt"))
    first = (
        f"import pathlib, sys\nflag = pathlib.Path({str(flag)!r})\nif not flag.exists():\n"
        "    flag.touch()\n    sys.stderr.write('exchanges could not be judged: a port')\n"
        "    sys.exit(2)\n"
    )

    verdict = SuiteJudge(_tree(tmp_path, first + suite), Effort(), Processes()).judge(FAULT)

    assert verdict.by == "probes"


def test_a_suite_that_cannot_run_comes_to_no_verdict(tmp_path: Path) -> None:
    root = _tree(tmp_path, 'import sys; sys.stderr.write("no such part"); sys.exit(2)')

    with pytest.raises(CouldNotRun, match="no such part"):
        SuiteJudge(root, Effort(), Processes()).judge(FAULT)


def test_a_suite_that_breaks_comes_to_no_verdict(tmp_path: Path) -> None:
    root = _tree(tmp_path, "raise ValueError")

    with pytest.raises(CouldNotRun, match=r"ended with 1 and no report(.|\n)*ValueError"):
        SuiteJudge(root, Effort(), Processes()).judge(FAULT)


def test_a_suite_that_comes_to_no_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    root, pid = _tree(tmp_path, _service(tmp_path)), tmp_path / "pid"

    verdict = SuiteJudge(root, Effort(seconds=2), Processes()).judge(FAULT)

    assert (verdict.by, verdict.seconds) == (TIME, 2.0)
    assert not psutil.pid_exists(int(pid.read_text()))


def test_stopping_ends_what_runs_and_starts_nothing_more(tmp_path: Path) -> None:
    root, pid, processes = _tree(tmp_path, _service(tmp_path)), tmp_path / "pid", Processes()
    judge = SuiteJudge(root, Effort(), processes)
    ended: list[type[BaseException]] = []

    def run() -> None:
        with pytest.raises(Stopped) as stopped:
            judge.judge(FAULT)
        ended.append(stopped.type)

    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lambda: pid.exists() and pid.read_text() != "", "a service")
    processes.stop()
    thread.join()

    assert ended == [Stopped]
    assert not psutil.pid_exists(int(pid.read_text()))
    with pytest.raises(Stopped):
        judge.judge(FAULT)


def _tree(tmp_path: Path, suite: str = "") -> Path:
    """A checkout whose suite is this program; what it is asked stands in ``asked.txt``."""
    root = tmp_path / "root"
    package = root / "contracts"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(suite or _SUITE.format(asked=str(tmp_path / "asked.txt")))
    (root / "cellar.py").write_text("x = 1\n")
    write_json(_run([Result("probes", "Probes", cases=1)]), root / "clean.json")
    write_json(_run([_found("probes", "was answered 500")]), root / "found.json")
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    subprocess.run(["git", "-C", str(root), "add", "."], check=True)
    return root


def _service(tmp_path: Path) -> str:
    """A suite that starts a service in a session of its own, and waits for it for ever."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    return (
        "import pathlib, subprocess\n"
        f"service = subprocess.Popen({command!r}, start_new_session=True)\n"
        f"pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(service.pid))\n"
        "service.wait()\n"
    )


def _found(part: str, title: str) -> Result:
    return Result(part, part.title(), findings=[Finding(title, "get_device")])


def _run(results: Sequence[Result]) -> Run:
    return Run("2026-05-01T10:00:00Z", "0.1.0", "a tree", 1, "python -m contracts", 2.0, results)
