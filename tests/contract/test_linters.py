"""The contract passes the linters that its users run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from openapi_spec_validator import validate

from contracts.services import ROOT
from openapi import CONTRACT

NODE = ROOT / "contracts" / "node"


def lint(*command: str) -> subprocess.CompletedProcess[str]:
    tool = NODE / "node_modules" / ".bin" / command[0]
    if not tool.exists():
        assert not os.environ.get("CI"), f"CI has to have {command[0]}: npm ci in {NODE}"
        pytest.skip(f"{command[0]} is not installed: run `npm ci` in contracts/node")
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    return subprocess.run(
        [str(tool), *command[1:]],
        cwd=NODE,
        env={**os.environ, **quiet},
        capture_output=True,
        text=True,
    )


def test_openapi_spec_validator_has_nothing_to_say() -> None:
    validate(yaml.safe_load(CONTRACT.read_text()))


def test_spectral_has_nothing_to_say() -> None:
    result = lint(
        "spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", str(CONTRACT)
    )

    assert result.returncode == 0, result.stdout
    assert "No results" in result.stdout


def test_redocly_has_nothing_to_say() -> None:
    result = lint("redocly", "lint", "--extends", "recommended", str(CONTRACT))

    assert result.returncode == 0, result.stdout + result.stderr
    assert "is valid" in result.stdout + result.stderr
    assert "warning" not in (result.stdout + result.stderr).lower().replace(
        "deprecation warning", ""
    )


def test_the_linters_would_notice(tmp_path: Path) -> None:
    broken = tmp_path / "openapi.yaml"
    broken.write_text(CONTRACT.read_text().replace("summary: List devices", "sumary: List"))

    assert lint("redocly", "lint", "--extends", "recommended", str(broken)).returncode != 0
