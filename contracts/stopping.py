"""Ends a run that is not wanted any more: what is under way hears of it before its next request."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_BETWEEN_LOOKS = 0.2  # seconds
_PATIENCE = 10.0  # seconds for a command to end


class Stopped(RuntimeError):
    """The run was interrupted."""


class Stop:
    """Is set once, and looked at from every thread."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def set(self) -> None:
        """Ends what is under way."""
        self._set.set()

    def check(self) -> None:
        """``Stopped`` when it is over."""
        if self._set.is_set():
            raise Stopped("the run was interrupted")

    def wait_for(
        self, command: subprocess.Popen[bytes], meanwhile: Callable[[], None] = lambda: None
    ) -> int:
        """The exit code of a command; when it is over, the command is ended and ``Stopped``.

        ``meanwhile`` is called several times a second.
        """
        while True:
            try:
                return command.wait(_BETWEEN_LOOKS)
            except subprocess.TimeoutExpired:
                if self._set.is_set():
                    command.terminate()
                    command.wait(_PATIENCE)
                self.check()
                meanwhile()


@contextmanager
def ended_like_ctrl_c() -> Iterator[None]:
    """Has SIGTERM, by which CI cancels, end a run as Ctrl-C does: nothing is left running."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
