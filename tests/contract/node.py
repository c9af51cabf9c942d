"""Runs the npm packages that users of the contract have (``contracts/node``)."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from contracts.services import ROOT

NODE = ROOT / "contracts" / "node"
_QUIET = {
    "REDOCLY_TELEMETRY": "off",
    "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true",
    "SCARF_ANALYTICS": "false",
}
ENVIRON = {**os.environ, **_QUIET}


def installed(path: str) -> Path:
    """What the packages have under this path; where it is not there, the test ends here.

    It is skipped on a user's machine, and fails where ``CI`` is set.
    """
    there = NODE / "node_modules" / path
    if not there.exists():
        assert not os.environ.get("CI"), f"CI has to have {path}: npm ci in {NODE}"
        pytest.skip(f"{path} is not installed: run `npm ci` in contracts/node")
    return there


def command(name: str) -> str:
    """The path of a package's command, which is ``installed``."""
    return str(installed(f".bin/{name}"))


def run(name: str, *arguments: str | Path, folder: Path = NODE) -> subprocess.CompletedProcess[str]:
    """Runs a package's command in the folder until it ends; what it said is text."""
    return _ended([command(name), *map(str, arguments)], folder)


def run_script(
    script: str | Path, *arguments: str | Path, folder: Path = NODE
) -> subprocess.CompletedProcess[str]:
    """Runs a script of the folder with Node until it ends; what it said is text."""
    return _ended(["node", str(script), *map(str, arguments)], folder)


def _ended(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=folder, env=ENVIRON, capture_output=True, text=True)
