"""Plants every fault in a copy of its own, and has the suite judge it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from pathlib import Path

from contracts.findings import CouldNotRun
from contracts.mutation.judge import Judge, Verdict
from contracts.mutation.planting import Fault
from contracts.mutation.record import AS_IT_STANDS, Record

Told = Callable[[str], None]


def check(faults: Sequence[Fault], root: Path) -> None:
    """``StaleFault`` when one cannot be planted: nobody has to wait an hour to be told so."""
    for fault in faults:
        file = root / fault.file
        fault.planted(file.read_text() if file.is_file() else "")


def judge_all(
    faults: Sequence[Fault], judge: Judge, record: Record, *, jobs: int, tell: Told
) -> dict[str, Verdict]:
    """The verdict of each fault, by its name. What the record knows is not judged again.

    ``CouldNotRun`` when something is found in the tree as it stands: then everything would be.
    """
    verdicts = record.known(faults)
    if AS_IT_STANDS not in verdicts:
        tell("the tree as it stands is judged first")
        verdicts[AS_IT_STANDS] = judge.judge(None)
        record.add(None, verdicts[AS_IT_STANDS])
    clean = verdicts.pop(AS_IT_STANDS)
    if clean.by:
        raise CouldNotRun(f"without any fault, {clean.by} finds: {clean.finding}")
    left = [fault for fault in faults if fault.name not in verdicts]
    return verdicts | _Round(judge, record, tell, len(left)).judge(left, jobs)


class _Round:
    """Judges several faults at once."""

    def __init__(self, judge: Judge, record: Record, tell: Told, count: int) -> None:
        self._judge = judge
        self._record = record
        self._tell = tell
        self._count = count
        self._lock = threading.Lock()
        self._verdicts: dict[str, Verdict] = {}

    def judge(self, faults: Sequence[Fault], jobs: int) -> dict[str, Verdict]:
        """The verdicts by name; the first failure ends the round."""
        pool = ThreadPoolExecutor(jobs)
        running: list[Future[None]] = [pool.submit(self._one, fault) for fault in faults]
        try:
            done, _ = wait(running, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        for each in done:
            each.result()
        return self._verdicts

    def _one(self, fault: Fault) -> None:
        verdict = self._judge.judge(fault)
        self._record.add(fault, verdict)
        with self._lock:
            self._verdicts[fault.name] = verdict
            number = len(self._verdicts)
        found = f"found by {verdict.by}" if verdict.by else "SURVIVED"
        self._tell(f"{number}/{self._count} {fault.name}: {found} ({verdict.seconds:.0f} s)")
