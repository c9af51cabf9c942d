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


def command(name: str) -> str:
    """The path of the package's command; where it is not installed, the test ends here.

    It is skipped on a user's machine, and fails where ``CI`` is set.
    """
    tool = NODE / "node_modules" / ".bin" / name
    if not tool.exists():
        assert not os.environ.get("CI"), f"CI has to have {name}: npm ci in {NODE}"
        pytest.skip(f"{name} is not installed: run `npm ci` in contracts/node")
    return str(tool)


def run(name: str, *arguments: str | Path, folder: Path = NODE) -> subprocess.CompletedProcess[str]:
    """Runs the package's command in ``folder`` until it ends; what it said is text."""
    return subprocess.run(
        [command(name), *map(str, arguments)],
        cwd=folder,
        env=ENVIRON,
        capture_output=True,
        text=True,
    )
