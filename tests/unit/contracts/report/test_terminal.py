"""The terminal gets a table and the findings, and is told meanwhile what goes on."""

from __future__ import annotations

import io
import re
import threading
from typing import Any

import pytest

from contracts.findings import Run
from contracts.report.terminal import Progress, write_terminal
from tests.unit.contracts.report.runs import CURL, a_finding, a_result, a_run, a_whole_run


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm-256color")


def text_of(run: Run, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    write_terminal(run, stream)
    return stream.getvalue()


def test_each_part_has_a_row_with_its_verdict() -> None:
    lines = text_of(a_whole_run()).splitlines()

    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in lines[:9] if line.split()}
    assert rows["lint"] == "4 3.1 s ✓ all well"
    assert rows["fuzz"] == "5,120 1 min 39 s ✗ 3 findings"
    assert rows["diff"].startswith("0 0.0 s - skipped: there is no released contract")
    assert lines[-1] == (
        "A client would notice: 4 findings in 2 of 5 parts; 1 part skipped. (3 min 12 s, seed 1)"
    )


def test_a_finding_is_told_with_its_detail_and_the_line_that_shows_it_again() -> None:
    finding = a_finding(operation="update_device", detail="seen: 400\n  right: 200", curl=CURL)

    lines = text_of(a_run(a_result(findings=[finding]))).splitlines()

    start = lines.index("  1. update_device: A name may be null")
    assert lines[start - 2] == "Fuzzing: 1 finding"
    assert lines[start + 1 : start + 4] == ["     seen: 400", "       right: 200", f"     $ {CURL}"]


def test_findings_of_one_cause_are_told_once_with_all_operations() -> None:
    findings = [a_finding(operation=f"get_{n}", curl=CURL) for n in range(40)]

    lines = text_of(a_run(a_result(findings=findings))).splitlines()

    start = lines.index("  1. get_0: A name may be null")
    assert lines[start + 1] == f"     $ {CURL}"
    assert lines[start + 2].startswith("     Seen 39 times more: get_1, get_2,")
    assert lines[start + 2].endswith("get_39")
    assert "  2. " not in "\n".join(lines)


def test_the_table_keeps_to_the_width_and_what_is_copied_is_not_broken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "50")
    finding = a_finding(curl="curl " + "x" * 300)

    lines = text_of(a_run(a_result(skipped="word " * 40, findings=[finding]))).splitlines()

    head = lines.index(next(line for line in lines if line.startswith("Fuzzing")))
    assert max(map(len, lines[:head])) <= 50
    assert f"     $ {finding.curl}" in lines


def test_no_text_acts_on_the_terminal() -> None:
    text = text_of(a_whole_run(), Terminal())

    assert "\x1b[2J" not in text
    assert "\x1b]0;" not in text
    assert r"\x1b]0;taken\x07" in text
    assert "[bold]no[/bold]" in text


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "\x1b[" in text_of(a_whole_run(), Terminal())
    assert "\x1b[" not in text_of(a_whole_run())

    monkeypatch.setenv("NO_COLOR", "1")
    coloured = [f"\x1b[{code}" for code in ("31", "32", "33", "36", "1;31")]
    assert not any(code in text_of(a_whole_run(), Terminal()) for code in coloured)


def test_an_encoding_without_the_marks_is_no_obstacle() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")

    write_terminal(a_run(a_result()), stream)
    stream.flush()

    assert rb"\u2713 all well" in raw.getvalue()


def test_without_a_terminal_there_is_a_line_for_each_start_and_end() -> None:
    stream = io.StringIO()

    with Progress(stream, Clock()) as progress:
        progress.started("fuzz")
        progress.advanced("fuzz", 100)
        progress.ended(a_result(findings=[a_finding()]))
        progress.ended(a_result("diff", cases=0, seconds=0.0, skipped="no release"))

    assert stream.getvalue().splitlines() == [
        "fuzz: started",
        "fuzz: 1 finding, 1,234 cases, 12.3 s",
        "diff: skipped (no release), 0 cases, 0.0 s",
    ]


def test_without_a_terminal_a_long_part_says_now_and_then_that_it_goes_on() -> None:
    stream, clock = io.StringIO(), Clock()

    with Progress(stream, clock) as progress:
        progress.started("fuzz")
        for second in range(1, 66):
            clock.now = second
            progress.advanced("fuzz", 10)

    assert stream.getvalue().splitlines() == [
        "fuzz: started",
        "fuzz: goes on, 300 cases, 30.0 s",
        "fuzz: goes on, 600 cases, 1 min 00 s",
    ]


def test_a_terminal_without_commands_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    stream = Terminal()

    with Progress(stream) as progress:
        progress.started("fuzz")

    assert stream.getvalue() == "fuzz: started\n"


def test_on_a_terminal_one_block_is_redrawn_and_cleared_away() -> None:
    stream, clock = Terminal(), Clock()

    with Progress(stream, clock) as progress:
        progress.started("fuzz")
        progress.started("wire")
        progress.advanced("fuzz", 1200)
        progress.advanced("fuzz", 34)
        clock.now = 61
        progress.ended(a_result("wire", findings=[a_finding()]))

    last = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "fuzz  1,234  1 min 01 s  …" in last
    assert "✗  wire  1,234      12.3 s  ✗ 1 finding" in last
    assert stream.getvalue().count("\x1b[1A") >= 1  # it goes up to draw again
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") == 1


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_parts_may_tell_from_any_thread(stream: Any) -> None:
    shown, clock = stream(), Clock()
    together = threading.Barrier(8)

    def part(name: str) -> None:
        together.wait()
        progress.started(name)
        for _ in range(500):
            progress.advanced("all")
        progress.ended(a_result(name))

    with Progress(shown, clock) as progress:
        progress.started("all")
        threads = [threading.Thread(target=part, args=(f"part-{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        clock.now = 31
        progress.advanced("all", 0)

    assert "4,000" in shown.getvalue()
    for n in range(8):
        assert f"part-{n}" in shown.getvalue()


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_part_that_does_not_run_does_not_advance(stream: Any) -> None:
    shown = stream()

    with Progress(shown) as progress:
        progress.advanced("fuzz", 4321)
        progress.ended(a_result("fuzz"))
        progress.advanced("fuzz", 4321)

    assert "1,234" in shown.getvalue()
    assert "4,321" not in shown.getvalue()


def test_hostile_names_act_on_nothing_while_they_run() -> None:
    hostile = "\x1b[2J\x1b]0;taken\x07[bold]"
    for stream in (io.StringIO(), Terminal()):
        with Progress(stream) as progress:
            progress.started(f"{hostile}running")
            progress.ended(a_result(hostile, skipped=hostile))

        assert r"\x1b[2J" in stream.getvalue()
        assert "\x1b[2J" not in stream.getvalue()
        assert "\x1b]0;" not in stream.getvalue()
