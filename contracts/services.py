"""Starts fresh services on free ports, as the ``Procfile`` says, and stops them again."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType

import requests

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 120.0  # seconds for a service to get ready, or to end


class NotReady(RuntimeError):
    """The services did not get ready; the message has what they said."""


class Services:
    """An inventory and a gateway of their own, with a data folder of their own.

    A context manager: ready when entered, ended when left. ``settings`` are environment variables
    that both get; ports are free ones unless they are given there.
    """

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.root = ROOT  # of the code that is run
        given = dict(settings or {})
        self.gateway_port = int(given.setdefault("GATEWAY_PORT", str(free_port())))
        self.admin_port = int(given.setdefault("GATEWAY_ADMIN_PORT", str(free_port())))
        self.inventory_port = int(given.setdefault("INVENTORY_PORT", str(free_port())))
        defaults = {
            "GATEWAY_WORKERS": "1",
            "INVENTORY_WORKERS": "1",
            # Fuzzers send more bad credentials than any limit of them lets through.
            "UNLIMITED_NETWORKS": "127.0.0.0/8",
        }
        self._environ = _clean_environ() | defaults | given | {"DOORSTEP_DATA": str(data)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def gateway_url(self) -> str:
        """The gateway's base URL."""
        return f"http://127.0.0.1:{self.gateway_port}"

    @property
    def admin_url(self) -> str:
        """The base URL of the gateway's operators."""
        return f"http://127.0.0.1:{self.admin_port}"

    @property
    def inventory_url(self) -> str:
        """The inventory's base URL."""
        return f"http://127.0.0.1:{self.inventory_port}"

    @property
    def admin_key(self) -> str:
        """The API key that the first start made."""
        return (self.data / "admin.key").read_text().strip()

    def __enter__(self) -> Services:
        self.data.mkdir(parents=True, exist_ok=True)
        try:
            for name in procfile():
                self.start(name)
            self.wait_until_ready()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def start(self, name: str) -> None:
        """Starts the service of this line of the ``Procfile``; its log is ``<name>.log``."""
        with self.log(name).open("ab") as log:
            self.processes[name] = subprocess.Popen(
                procfile()[name],
                cwd=self.root,
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def log(self, name: str) -> Path:
        """Where the service's output goes."""
        return self.data / f"{name}.log"

    def wait_until_ready(self) -> None:
        """Returns when the gateway says that requests can be served, or raises ``NotReady``."""
        url = self.gateway_url + "/health/ready"
        wait_for(lambda: self._is_ready(url), "the gateway to be ready", self._said)

    def kill(self, name: str) -> None:
        """Ends every process of the service at once, as a power cut would."""
        self._signal(name, signal.SIGKILL)
        self.processes.pop(name).wait(PATIENCE)

    def stop(self) -> None:
        """Ends all services as ``make up`` does: SIGTERM, then time to drain."""
        for name in self.processes:
            self._signal(name, signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self._signal(name, signal.SIGKILL)
                process.wait(PATIENCE)
        self.processes.clear()

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self.processes[name]
        if process.poll() is None:
            os.killpg(process.pid, number)

    def _is_ready(self, url: str) -> bool:
        for name, process in self.processes.items():
            if process.poll() is not None:
                raise NotReady(f"{name} ended with {process.returncode}:\n{self._said()}")
        try:
            return requests.get(url, timeout=5).status_code == 200
        except requests.RequestException:
            return False

    def _said(self) -> str:
        logs = [self.log(name) for name in self.processes]
        return "\n".join(f"{log}:\n{log.read_text()[-4000:]}" for log in logs)


def procfile() -> dict[str, list[str]]:
    """The services' names and commands, by the interpreter that runs this."""
    lines = (ROOT / "Procfile").read_text().splitlines()
    commands = dict(line.split(": ", 1) for line in lines if line and not line.startswith("#"))
    return {name: _with_interpreter(shlex.split(line)) for name, line in commands.items()}


def _with_interpreter(command: list[str]) -> list[str]:
    if command[0] == "python":
        return [sys.executable, *command[1:]]
    return [sys.executable, "-m", *command]


def _clean_environ() -> dict[str, str]:
    ours = ("GATEWAY_", "INVENTORY_", "DOORSTEP_", "OIDC_", "DATABASE_URL", "REDIS_URL",
            "LOG_LEVEL", "RETENTION_DAYS", "CORS_", "ALLOWED_HOSTS", "HSTS_MAX_AGE",
            "COMPRESSION", "UNLIMITED_NETWORKS", "TRUSTED_PROXIES", "DNS_SERVERS",
            "OTEL_", "MAX_CONNECTIONS", "CACHE_BYTES")  # fmt: skip
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def free_port() -> int:
    """A TCP port of the loopback interface that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(
    condition: Callable[[], bool], what: str, said: Callable[[], str] = lambda: ""
) -> None:
    """Returns when ``condition()`` is true; ``NotReady`` after ``PATIENCE`` seconds."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise NotReady(f"waited for {what}\n{said()}")
        time.sleep(0.05)  # between looks at the condition
