"""A run on the terminal: what it is at while it runs, and then its table and findings.

Colours and width are rich's to find out: ``NO_COLOR``, ``COLUMNS`` and what the terminal says.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from contracts.findings import Cause, Result, Run, Verdict
from contracts.report.words import again, counted, duration, outcome, verdict, visible

QUIET = 30.0  # seconds after which a part without a terminal says again that it goes on
_STYLES = {Verdict.ALL_WELL: "green", Verdict.FINDINGS: "bold red", Verdict.SKIPPED: "yellow"}


def write_terminal(run: Run, stream: TextIO) -> None:
    """The table of the parts, then each finding with its detail and the line that shows it again.

    Only the table is held to the terminal's width: lines that are copied are not broken.
    """
    console = _console(stream)
    console.print(_summary(run.results))
    for result in run.results:
        _write_findings(console, result)
    end = f"\n{verdict(run)} ({duration(run.seconds)}, seed {run.seed})"
    _line(console, end, _STYLES[run.verdict])


class Progress:
    """What the parts are at, from any thread: a block that is redrawn, or lines without a terminal.

    A context manager: what is told outside of it is not shown.
    """

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        console = _console(stream)
        live = stream.isatty() and not console.is_dumb_terminal
        self._shown: _Display = _Block(console, clock) if live else _Lines(console, clock)

    def __enter__(self) -> Progress:
        self._shown.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._shown.close()

    def started(self, part: str) -> None:
        """The part of this name began."""
        self._shown.started(part)

    def advanced(self, part: str, cases: int = 1) -> None:
        """The part judged so many more cases. Nothing, when it does not run."""
        self._shown.advanced(part, cases)

    def ended(self, result: Result) -> None:
        """The part came to this; one that was skipped need not have started."""
        self._shown.ended(result)


class _Display(Protocol):
    def open(self) -> None: ...

    def close(self) -> None: ...

    def started(self, part: str) -> None: ...

    def advanced(self, part: str, cases: int) -> None: ...

    def ended(self, result: Result) -> None: ...


@dataclass(slots=True)
class _Running:
    """A part under way. ``told``: when a line last said so."""

    since: float
    told: float
    cases: int = 0


class _Lines:
    """A line when a part starts, one when it ends, and between them one every ``QUIET`` seconds."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._console = console
        self._clock = clock
        self._lock = threading.Lock()
        self._running: dict[str, _Running] = {}

    def open(self) -> None:
        """There is nothing to prepare."""

    def close(self) -> None:
        """There is nothing to clear away."""

    def started(self, part: str) -> None:
        with self._lock:
            now = self._clock()
            self._running[part] = _Running(now, now)
            self._say(f"{part}: started")

    def advanced(self, part: str, cases: int) -> None:
        with self._lock:
            running, now = self._running.get(part), self._clock()
            if running is None:
                return
            running.cases += cases
            if now - running.told >= QUIET:
                running.told = now
                passed = duration(now - running.since)
                self._say(f"{part}: goes on, {counted(running.cases, 'case')}, {passed}")

    def ended(self, result: Result) -> None:
        with self._lock:
            self._running.pop(result.part, None)
            self._say(_ending(result))

    def _say(self, line: str) -> None:
        # Past rich's own buffer, so that whoever watches a pipe sees it now.
        self._console.file.write(visible(line) + "\n")
        self._console.file.flush()


class _Block:
    """All parts in one block, redrawn several times a second, and cleared away at the end."""

    def __init__(self, console: Console, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._parts: dict[str, _Running | Result] = {}
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, get_renderable=self._draw, refresh_per_second=8, transient=True
        )

    def open(self) -> None:
        self._live.start()

    def close(self) -> None:
        self._live.stop()

    def started(self, part: str) -> None:
        with self._lock:
            now = self._clock()
            self._parts[part] = _Running(now, now)

    def advanced(self, part: str, cases: int) -> None:
        with self._lock:
            running = self._parts.get(part)
            if isinstance(running, _Running):
                running.cases += cases

    def ended(self, result: Result) -> None:
        with self._lock:
            self._parts[result.part] = result

    def _draw(self) -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        for justify in ("left", "left", "right", "right", "left"):
            grid.add_column(justify=justify, no_wrap=True)
        with self._lock:
            for part, state in self._parts.items():
                grid.add_row(*self._row(part, state))
        return grid

    def _row(self, part: str, state: _Running | Result) -> tuple[RenderableType, ...]:
        name = Text(visible(part))
        if isinstance(state, Result):
            mark = Text(_mark(state.verdict), _STYLES[state.verdict])
            return mark, name, *_figures(state.cases, state.seconds), _outcome(state)
        passed = self._clock() - state.since
        return self._spinner, name, *_figures(state.cases, passed), Text("…")


def _console(stream: TextIO) -> Console:
    if isinstance(stream, io.TextIOWrapper):
        # A mark that the terminal's encoding lacks is no reason to lose the findings.
        stream.reconfigure(errors="backslashreplace")
    return Console(file=stream)


def _summary(results: Sequence[Result]) -> Table:
    table = Table(box=box.SIMPLE, pad_edge=False, show_edge=False)
    table.add_column("part", no_wrap=True)
    table.add_column("cases", justify="right", no_wrap=True)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("verdict", overflow="fold")
    for result in results:
        name = Text(visible(result.part))
        table.add_row(name, *_figures(result.cases, result.seconds), _outcome(result))
    return table


def _figures(cases: int, seconds: float) -> tuple[Text, Text]:
    return Text(f"{cases:,}"), Text(duration(seconds))


def _outcome(result: Result) -> Text:
    """The verdict with its mark, so that none is told by its colour alone."""
    text = Text(f"{_mark(result.verdict)} {outcome(result)}", _STYLES[result.verdict])
    return text.append(f": {visible(result.skipped)}", "default") if result.skipped else text


def _mark(verdict: Verdict) -> str:
    return {Verdict.ALL_WELL: "✓", Verdict.FINDINGS: "✗", Verdict.SKIPPED: "-"}[verdict]


def _ending(result: Result) -> str:
    reason = f" ({result.skipped})" if result.skipped else ""
    cases = counted(result.cases, "case")
    return f"{result.part}: {outcome(result)}{reason}, {cases}, {duration(result.seconds)}"


def _write_findings(console: Console, result: Result) -> None:
    if not result.findings:
        return
    _line(console, f"\n{visible(result.title)}: {outcome(result)}", "bold")
    for number, cause in enumerate(result.causes, 1):
        _write_cause(console, number, cause)


def _write_cause(console: Console, number: int, cause: Cause) -> None:
    finding = cause.finding
    head = f"{finding.operation}: {finding.title}" if finding.operation else finding.title
    _line(console, f"\n{number:>3}. {visible(head)}", _STYLES[Verdict.FINDINGS])
    for line in visible(finding.detail).split("\n") if finding.detail else []:
        _line(console, f"     {line}")
    if finding.curl:
        _line(console, f"     $ {visible(finding.curl)}", "cyan")
    if cause.alike:
        _line(console, f"     {visible(again(cause))}", "dim")


def _line(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style), soft_wrap=True)
