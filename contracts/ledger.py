"""Writes down what was asked and answered, so that coverage can be read of what really happened."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

# Tell the hooks of Schemathesis which file, and for whom.
VARIABLE = "DOORSTEP_LEDGER"
PART_VARIABLE = "DOORSTEP_PART"
SERVICE_VARIABLE = "DOORSTEP_SERVICE"
CONTRACT_VARIABLE = "DOORSTEP_CONTRACT"


@dataclass(frozen=True, slots=True)
class Entry:
    """One request of the suite and the status that answered it.

    ``service``: gateway or inventory. ``parameters``: the declared ones that it carried
    (``query.limit``). ``scheme``: the security scheme of its credential, or nothing.
    """

    part: str
    service: str
    operation: str
    status: int
    parameters: tuple[str, ...] = ()
    scheme: str = ""


class Ledger:
    """A file of entries, which several processes and threads may write to at once."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.Lock()

    def add(self, entry: Entry) -> None:
        """Writes an entry down; a line is one write, so that none is torn."""
        line = json.dumps(asdict(entry), separators=(",", ":")) + "\n"
        with self._lock, self.file.open("a") as file:
            file.write(line)

    @staticmethod
    def start(part: str) -> bytes:
        """What the lines of a part begin with."""
        return f'{{"part":{json.dumps(part)},'.encode()

    def entries(self) -> Iterator[Entry]:
        """All entries so far."""
        if not self.file.exists():
            return
        with self.file.open() as lines:
            for line in lines:
                members = json.loads(line)
                yield Entry(**{**members, "parameters": tuple(members["parameters"])})
