"""The access log: a line of JSON a request, written so that it costs little.

The ``logging`` module took a third of the time of a small request: a record, a dictionary, a lock
and a system call for each line. These lines have one shape, so they are put together directly and
written several at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import IO, Any

DELAY = 0.05  # seconds that a line may wait for others
# Who asks these asks every second, and wants to be told only of what is wrong.
PROBES = frozenset(("/health/live", "/health/ready"))
# ASCII: other line ends than ours (U+2028, U+0085) would make two lines of one to some readers.
_quote = json.encoder.encode_basestring_ascii


class AccessLog:
    """Writes the requests of one event loop to a stream."""

    def __init__(self, service: str, stream: IO[str], *, probes: bool = False) -> None:
        """``probes``: health checks that succeed are logged too."""
        self._head = f'"level":"info","service":{_quote(service)},"logger":"access"'
        self._stream = stream
        self._left_out = frozenset() if probes else PROBES
        self._lines: list[str] = []
        self._second = 0
        self._date = ""

    def wants(self, path: str, status: int) -> bool:
        """Whether such a request is to be logged."""
        return status != 200 or path not in self._left_out

    def write(self, members: dict[str, Any]) -> None:
        """Adds a line; it is on the stream after ``DELAY`` at the latest."""
        if not self._lines:
            asyncio.get_running_loop().call_later(DELAY, self.flush)
        fields = [f'"{name}":{_json(value)}' for name, value in members.items()]
        self._lines.append(f'{{"time":"{self._now()}",{self._head},{",".join(fields)}}}\n')

    def flush(self) -> None:
        """Writes what waits."""
        lines, self._lines = self._lines, []
        self._stream.write("".join(lines))
        self._stream.flush()

    def _now(self) -> str:
        now = time.time()
        second = int(now)
        if second != self._second:
            self._second = second
            self._date = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._date}.{int((now - second) * 1000):03d}Z"


def access_log(service: str) -> AccessLog | None:
    """A log on standard output, or None when ``LOG_LEVEL`` leaves the requests out."""
    logger = logging.getLogger()
    if not logger.isEnabledFor(logging.INFO):
        return None
    return AccessLog(service, sys.stdout, probes=logger.isEnabledFor(logging.DEBUG))


def _json(value: Any) -> str:
    if value is None:
        return "null"
    return _quote(value) if isinstance(value, str) else repr(value)
