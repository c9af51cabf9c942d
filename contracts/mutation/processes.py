"""Runs a command that starts others, and leaves none of them behind."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

PATIENCE = 10.0  # seconds for processes to end by themselves


class Stopped(Exception):
    """It was ended before it was done."""


class Processes:
    """The commands that are under way, of several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: list[subprocess.Popen[bytes]] = []
        self._is_stopped = False

    def run(
        self, command: Sequence[str], *, folder: Path, environ: Mapping[str, str], seconds: float
    ) -> tuple[int | None, str]:
        """The exit code and what was said; None after so many seconds, ``Stopped`` by ``stop``."""
        with (folder / "output.txt").open("w+", errors="replace") as output:
            process = self._start(command, folder, environ, output.fileno())
            code: int | None
            try:
                code = process.wait(seconds)
            except subprocess.TimeoutExpired:
                code = None
                _end(process)
            finally:
                with self._lock:
                    self._running.remove(process)
            if self._is_stopped:
                raise Stopped
            output.seek(0)
            return code, output.read()

    def stop(self) -> None:
        """Ends what runs, with all that it has started; nothing is started any more."""
        with self._lock:
            self._is_stopped = True
            running = list(self._running)
        for process in running:
            _end(process)

    def _start(
        self, command: Sequence[str], folder: Path, environ: Mapping[str, str], output: int
    ) -> subprocess.Popen[bytes]:
        with self._lock:
            if self._is_stopped:
                raise Stopped
            process = subprocess.Popen(
                command, cwd=folder, env=dict(environ), stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for this process, which ends it then
            )  # fmt: skip
            self._running.append(process)
            return process


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends a process and all below it, also those with sessions of their own."""
    try:
        first = psutil.Process(process.pid)
        family = [first, *first.children(recursive=True)]
    except psutil.NoSuchProcess:
        return
    for each in family:
        _signal(each, kill=False)
    _, alive = psutil.wait_procs(family, PATIENCE)
    for each in alive:
        _signal(each, kill=True)
    process.wait()


def _signal(process: psutil.Process, *, kill: bool) -> None:
    with suppress(psutil.NoSuchProcess):
        if kill:
            process.kill()
        else:
            process.terminate()
