"""Counts what happens in windows of time, in memory.

A window begins with the first thing that is counted in it. Where the windows are kept is a storage
of the library ``limits``, whose atomic increment is all that is needed of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from limits.aio.storage import Storage

REMEMBERED = 100_000  # windows; an attacker with many addresses gets no more memory than that

Clock = Callable[[], float]  # seconds of the wall clock, as the library has them


@dataclass(frozen=True, slots=True)
class Count:
    """How much was counted in a window, and the seconds until that window ends."""

    number: int
    left: float


class Counters(Protocol):
    """Counts under keys."""

    async def add(self, key: str, window: int) -> Count:
        """Counts one more; a window of that many seconds begins when there is none."""
        ...

    async def look(self, key: str) -> Count:
        """What was counted in the window that there is; a number of 0 when there is none."""
        ...

    async def close(self) -> None:
        """Lets go of what it holds."""
        ...


class LocalCounters:
    """Counts for one process. Nothing of it ever waits."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._storage = MemoryStorage(clock)

    async def add(self, key: str, window: int) -> Count:
        """See ``Counters``."""
        return Count(await self._storage.incr(key, window), self._storage.left(key))

    async def look(self, key: str) -> Count:
        """See ``Counters``."""
        return Count(await self._storage.get(key), self._storage.left(key))

    async def close(self) -> None:
        """There is nothing to let go of."""


class MemoryStorage(Storage):
    """Windows in memory.

    The library's own looks through all of its keys after an increment, and keeps however many there
    are; this one drops the oldest windows when there would be more than ``REMEMBERED``.
    """

    STORAGE_SCHEME = None  # nobody asks for it by a URI

    def __init__(self, clock: Clock = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._windows: dict[str, tuple[int, float]] = {}  # number and end; the oldest stand first

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        """None: memory does not fail."""
        return ()

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Counts, and begins a window of ``expiry`` seconds when there is none."""
        number, end = self._window(key)
        if number == 0:
            self._windows.pop(key, None)  # a window that begins is the youngest
            self._make_room()
            end = self._clock() + expiry
        self._windows[key] = (number + amount, end)
        return number + amount

    async def get(self, key: str) -> int:
        """What was counted in the window."""
        return self._window(key)[0]

    async def get_expiry(self, key: str) -> float:
        """When the window ends; now when there is none."""
        return self._window(key)[1]

    async def check(self) -> bool:
        """Memory answers."""
        return True

    async def reset(self) -> int:
        """Forgets all windows; how many there were."""
        number = len(self._windows)
        self._windows.clear()
        return number

    async def clear(self, key: str) -> None:
        """Forgets one window."""
        self._windows.pop(key, None)

    def left(self, key: str) -> float:
        """The seconds until the window ends; 0 when there is none."""
        return self._window(key)[1] - self._clock()

    def _window(self, key: str) -> tuple[int, float]:
        now = self._clock()
        number, end = self._windows.get(key, (0, now))
        return (number, end) if end > now else (0, now)

    def _make_room(self) -> None:
        if len(self._windows) < REMEMBERED:
            return
        now = self._clock()
        self._windows = {key: w for key, w in self._windows.items() if w[1] > now}
        # A tenth at once, so that not every window that begins has to look for room.
        too_many = max(0, len(self._windows) - REMEMBERED * 9 // 10)
        for key in list(self._windows)[:too_many]:
            del self._windows[key]
