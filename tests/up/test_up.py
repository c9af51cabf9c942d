"""What a newcomer does: start everything, take the README's tour, press Ctrl-C."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from contracts.services import ROOT, free_port, wait_for

PATIENCE = 5.0  # seconds that everything may take to stop


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    own = {
        "DOORSTEP_DATA": str(tmp_path / "data"),
        "GATEWAY_PORT": str(free_port()),
        "GATEWAY_ADMIN_PORT": str(free_port()),
        "INVENTORY_PORT": str(free_port()),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    return {**os.environ, **own}


@pytest.fixture
def up(environ: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The same command as in the Makefile, in a process group of its own as a terminal gives it."""
    command = re.search(r"exec (honcho .*)", (ROOT / "Makefile").read_text())
    assert command is not None
    with (tmp_path / "up.log").open("wb") as log:
        process = subprocess.Popen(
            command[1].split(), cwd=ROOT, env=environ, stdout=log, stderr=log, process_group=0
        )
    try:
        ready = f"http://127.0.0.1:{environ['GATEWAY_PORT']}/health/ready"
        wait_for(lambda: answers(ready), "everything to be ready", (tmp_path / "up.log").read_text)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code == 200
    except requests.RequestException:
        return False


def tour() -> str:
    text = (ROOT / "README.md").read_text()
    block = re.search(r"<!-- tour.*?```sh\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block[1]


def test_the_readmes_tour_works_line_by_line(
    up: subprocess.Popen[bytes], environ: dict[str, str], tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")

    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", tour()],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )

    assert result.returncode == 0, result.stderr
    ready = f"ready: http://127.0.0.1:{environ['GATEWAY_PORT']}/ui/"
    wait_for(lambda: ready in (tmp_path / "up.log").read_text(), "the line that says where")
    for expected in ('"created":4', '"devices":["', '"sw_version":"1.110.0"', '"pointer": "/name"'):
        assert expected in result.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_stops_everything_without_a_trace(
    up: subprocess.Popen[bytes], number: signal.Signals, tmp_path: Path
) -> None:
    family = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
    started = time.monotonic()

    os.killpg(up.pid, number)
    up.wait(30)
    _, alive = psutil.wait_procs(family, timeout=PATIENCE)

    assert alive == []
    assert time.monotonic() - started < PATIENCE
    assert "Traceback" not in (tmp_path / "up.log").read_text()
