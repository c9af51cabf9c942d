"""``python -m contracts mutate``: what it takes, and what it exits with."""

import argparse
from pathlib import Path

import pytest

from contracts.mutation import command
from contracts.mutation.judge import Verdict
from contracts.mutation.planting import Fault
from tests.unit.contracts.mutation.planted import FakeJudge

FOUND = Verdict("changes", "it is another", 1.0)
NAME = "device-uid-may-be-missing"


@pytest.mark.parametrize(
    ("verdict", "clean", "code"),
    [(FOUND, Verdict(), 0), (Verdict(), Verdict(), 1), (FOUND, FOUND, 2)],
)
def test_the_exit_code_says_what_it_came_to(
    verdict: Verdict, clean: Verdict, code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    judge = FakeJudge({NAME: verdict}, clean)
    monkeypatch.setattr(command, "SuiteJudge", lambda *_: judge)

    assert command.run(_options(tmp_path, "--only", NAME)) == code


def test_a_name_that_no_fault_has_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.run(_options(tmp_path, "--only", "no-such-*")) == 2
    assert "there is no fault no-such-*" in capsys.readouterr().err


def test_an_interrupted_run_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(fault: Fault | None) -> Verdict:
        if fault is None or fault.name == NAME:
            return FOUND if fault else Verdict()
        raise KeyboardInterrupt

    first, again = FakeJudge({}), FakeJudge({"link-to-nowhere": FOUND})
    monkeypatch.setattr(first, "judge", interrupt)
    both = ("--jobs", "1", "--only", NAME, "--only", "link-to-nowhere")

    monkeypatch.setattr(command, "SuiteJudge", lambda *_: first)
    assert command.run(_options(tmp_path, *both)) == 2
    assert "--resume goes on" in capsys.readouterr().err
    monkeypatch.setattr(command, "SuiteJudge", lambda *_: again)
    assert command.run(_options(tmp_path, *both, "--resume")) == 0

    assert again.asked == ["link-to-nowhere"]


def _options(tmp_path: Path, *arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return parser.parse_args(["--record", str(tmp_path / "record.jsonl"), *arguments])
