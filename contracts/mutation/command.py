"""``python -m contracts mutate``: how many planted faults does the suite find?

Exit codes: 0 all were found or are explained, 1 one was not, or an explained one was, 2 it could
not run.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from fnmatch import fnmatch
from pathlib import Path

from contracts.findings import CouldNotRun
from contracts.mutation.judge import STAGES, Effort, SuiteJudge
from contracts.mutation.planting import Fault, read_faults
from contracts.mutation.processes import Processes
from contracts.mutation.record import Record
from contracts.mutation.run import check, judge_all
from contracts.mutation.score import Score, read_reasons, write_score
from contracts.mutation.tree import digest_of
from contracts.services import ROOT

RECORD = Path("contracts-report") / "mutation.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "--jobs", type=_positive, default=os.cpu_count() or 1, metavar="N",
        help="faults that are judged at once (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--only", action="append", metavar="NAME",
        help="these faults alone, * stands for anything; may be given several times",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of what is generated (%(default)s)")
    parser.add_argument(
        "--time", type=_positive, default=Effort().seconds, metavar="SECONDS",
        help="for one stage of the judgement of one fault (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--stages", type=int, choices=range(1, STAGES + 1), default=STAGES, metavar="N",
        help="of the judgement, from the cheapest: 3 leave out parity and fuzzing (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--record", type=Path, default=RECORD, metavar="FILE",
        help="for the verdicts, as they come (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--resume", action="store_true", help="take what the record has, and go on with it"
    )


def run(options: argparse.Namespace) -> int:
    """Judges the faults, and says what it came to; returns the exit code."""
    processes = Processes()
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background jobs ignore the first
        signal.signal(number, signal.default_int_handler)
    try:
        score = _score(options, processes)
    except CouldNotRun as exc:
        sys.stderr.write(f"{exc}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted; --resume goes on.\n")
        return 2
    finally:
        processes.stop()
    write_score(score, sys.stdout)
    return score.exit_code


def _score(options: argparse.Namespace, processes: Processes) -> Score:
    planted = read_faults()
    reasons = read_reasons(planted)
    faults = _chosen(planted, options.only)
    check(faults, ROOT)
    record = Record(options.record, f"{digest_of(ROOT)}/{options.stages}")
    if not options.resume:
        record.begin()
    judge = SuiteJudge(ROOT, Effort(options.seed, options.time, options.stages), processes)
    verdicts = judge_all(faults, judge, record, jobs=options.jobs, tell=_tell)
    return Score(faults, verdicts, reasons)


def _chosen(faults: Sequence[Fault], only: Sequence[str] | None) -> list[Fault]:
    chosen = [f for f in faults if not only or any(fnmatch(f.name, glob) for glob in only)]
    if not chosen:
        raise CouldNotRun(f"there is no fault {' or '.join(only or ())}")
    return chosen


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number
