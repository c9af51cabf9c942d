"""How far a fuzzing is, which goes on in a process of its own and writes down what it did."""

from __future__ import annotations

from pathlib import Path


class Growth:
    """Counts the lines that a file got. ``start``: what those begin with that count."""

    def __init__(self, file: Path, start: bytes = b"") -> None:
        self._file = file
        self._start = start
        self._read = file.stat().st_size if file.exists() else 0

    def lines(self) -> int:
        """How many more there are than when it was asked last; a line that is not ended is none."""
        if not self._file.exists():
            return 0
        with self._file.open("rb") as file:
            file.seek(self._read)
            text, _, _ = file.read().rpartition(b"\n")
        if not text:
            return 0
        self._read += len(text) + 1
        return sum(line.startswith(self._start) for line in text.split(b"\n"))
