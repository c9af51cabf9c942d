"""Puts Prism between tests and the gateway: it holds every answer to the contract.

A plugin of pytest (``-p tests.contract.prism``): with it, ``contracts.services`` has tests start
services whose gateway is asked through a Prism of their own.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import requests

import contracts.services
from contracts.services import PATIENCE, Services, free_port, wait_for
from tests.contract import node

DOCUMENT = "TEST_PRISM_DOCUMENT"  # what the answers are held to
LOGS = "TEST_PRISM_LOGS"  # the folder that the logs go to
_REQUEST = re.compile(r"\[HTTP SERVER\] (\w+ \S+) .*Request received")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests() -> None:
    """Before anything is imported that tests start services by."""
    contracts.services.Services = ThroughPrism  # type: ignore[misc]


class ThroughPrism(Services):
    """Services whose gateway is asked through a Prism of their own."""

    _prism: subprocess.Popen[bytes] | None = None

    def __init__(self, data: Path, settings: Mapping[str, str] | None = None) -> None:
        super().__init__(data, settings)
        self._prism_port = free_port()

    @property
    def gateway_url(self) -> str:
        """Prism's base URL, when the services are ready."""
        return super().gateway_url if self._prism is None else self._prism_url

    @property
    def _prism_url(self) -> str:
        return f"http://127.0.0.1:{self._prism_port}"

    def __enter__(self) -> ThroughPrism:
        prism = node.command("prism")
        super().__enter__()
        try:
            self._start_prism(prism)
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Ends Prism, and then the services."""
        if self._prism is not None:
            os.killpg(self._prism.pid, signal.SIGTERM)
            self._prism.wait(PATIENCE)
            self._prism = None
        super().stop()

    def _start_prism(self, prism: str) -> None:
        log = Path(os.environ[LOGS], f"{os.getpid()}-{self._prism_port}.log")
        arguments = ["proxy", os.environ[DOCUMENT], super().gateway_url, "--cors", "false"]
        with log.open("wb") as file:
            self._prism = subprocess.Popen(
                [prism, *arguments, "--port", str(self._prism_port)],
                env=node.ENVIRON,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        wait_for(self._answers, "Prism", log.read_text)

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self._prism_url}/health/live", timeout=5).status_code == 200
        except requests.RequestException:
            return False


def violations(folder: Path) -> set[str]:
    """What the logs in the folder say of answers, each after its request; ``#``: of a list.

    Of requests Prism has much to say: tests send bad ones on purpose.
    """
    found, request = set(), ""
    for line in _lines(folder):
        if match := _REQUEST.search(line):
            request = match[1]
        if match := re.search(r"Violation: (response.*)", line):
            found.add(f"{request}: {re.sub(r'[.][0-9]+', '.#', match[1])}")
    return found


def passed_on(folder: Path) -> int:
    """How many requests the logs in the folder tell of."""
    return sum(bool(_REQUEST.search(line)) for line in _lines(folder))


def _lines(folder: Path) -> list[str]:
    logs = [each.read_text() for each in folder.glob("*.log")]
    return [_COLOUR.sub("", line) for log in logs for line in log.splitlines()]
