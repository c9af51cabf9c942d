"""What became of the faults so far, a JSON line each: an interrupted run can go on with it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from contracts.findings import CouldNotRun
from contracts.mutation.judge import Verdict
from contracts.mutation.planting import Fault

AS_IT_STANDS = "-"  # the name of the tree without a fault


@dataclass(frozen=True, slots=True)
class Entry:
    """One verdict. ``digest``: of the fault; ``tree``: of the tree that it was planted in."""

    name: str
    digest: str
    tree: str
    by: str
    finding: str
    seconds: float

    @property
    def verdict(self) -> Verdict:
        """What became of it."""
        return Verdict(self.by, self.finding, self.seconds)


class Record:
    """A file of entries, which several threads may write to."""

    def __init__(self, file: Path, tree: str) -> None:
        """``tree``: the digest of the tree that is judged now."""
        self._file = file
        self._tree = tree
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Forgets all that it has."""
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._file.write_text("")

    def add(self, fault: Fault | None, verdict: Verdict) -> None:
        """Writes a verdict down."""
        name, digest = (fault.name, fault.digest) if fault else (AS_IT_STANDS, "")
        entry = Entry(name, digest, self._tree, verdict.by, verdict.finding, verdict.seconds)
        with self._lock, self._file.open("a") as file:
            file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")

    def known(self, faults: Iterable[Fault]) -> dict[str, Verdict]:
        """The verdicts that need not be asked for again, by the faults' names.

        What was found once is found: the suite only grows. What was not, is only known of the very
        same tree, and so is that nothing is found in the tree as it stands.
        """
        digests = {fault.name: fault.digest for fault in faults} | {AS_IT_STANDS: ""}
        verdicts = {}
        for entry in self._entries():
            if entry.digest != digests.get(entry.name):
                continue
            is_lasting = bool(entry.by) and entry.name != AS_IT_STANDS
            if is_lasting or entry.tree == self._tree:
                verdicts[entry.name] = entry.verdict
        return verdicts

    def _entries(self) -> list[Entry]:
        if not self._file.exists():
            return []
        try:
            return [Entry(**json.loads(line)) for line in self._file.read_text().splitlines()]
        except (ValueError, TypeError) as exc:
            raise CouldNotRun(f"{self._file} is no record of verdicts: {exc}") from exc
