"""The contract passes the linters that its users run."""

from __future__ import annotations

from pathlib import Path

import yaml
from openapi_spec_validator import validate

from openapi import CONTRACT
from tests.contract import node


def test_openapi_spec_validator_has_nothing_to_say() -> None:
    validate(yaml.safe_load(CONTRACT.read_text()))


def test_spectral_has_nothing_to_say() -> None:
    result = node.run(
        "spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", CONTRACT
    )

    assert result.returncode == 0, result.stdout
    assert "No results" in result.stdout


def test_redocly_has_nothing_to_say() -> None:
    result = node.run("redocly", "lint", "--extends", "recommended", CONTRACT)

    assert result.returncode == 0, result.stdout + result.stderr
    assert "is valid" in result.stdout + result.stderr
    assert "warning" not in (result.stdout + result.stderr).lower().replace(
        "deprecation warning", ""
    )


def test_the_linters_would_notice(tmp_path: Path) -> None:
    broken = tmp_path / "openapi.yaml"
    broken.write_text(CONTRACT.read_text().replace("summary: List devices", "sumary: List"))

    assert node.run("redocly", "lint", "--extends", "recommended", broken).returncode != 0
