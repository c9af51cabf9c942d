"""The TypeScript client that users make of the contract's types does the README's tour."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from contracts.services import ROOT, Services
from openapi import CONTRACT
from tests.contract import node

TOUR = ROOT / "tests/contract/clients/tour.ts"
OPTIONS = ("--strict", "--module", "nodenext", "--target", "es2022", "--types", "node")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of the tour and of the contract's types, and of what the tour needs."""
    result = node.run("openapi-typescript", CONTRACT, "--output", tmp_path / "schema.d.ts")
    assert result.returncode == 0, result.stderr
    (tmp_path / "node_modules").symlink_to(node.NODE / "node_modules")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    return tmp_path


def compiled(folder: Path, tour: str) -> subprocess.CompletedProcess[str]:
    """Checks the types of the tour, and makes of it what Node runs if they hold."""
    (folder / TOUR.name).write_text(tour)
    return node.run("tsc", *OPTIONS, "--noEmitOnError", "--skipLibCheck", TOUR.name, folder=folder)


def take(folder: Path, services: Services, key: str) -> subprocess.CompletedProcess[str]:
    file = ROOT / "docs/home-assistant-example.json"
    return node.run_script("tour.js", services.gateway_url, key, file, folder=folder)


def test_the_client_does_the_tour(folder: Path) -> None:
    checked = compiled(folder, TOUR.read_text())
    assert checked.returncode == 0, checked.stdout

    with Services(folder / "data") as services:
        taken = take(folder, services, services.admin_key)
        with_a_wrong_key = take(folder, services, services.admin_key + "x")

    assert taken.returncode == 0, taken.stderr
    assert with_a_wrong_key.returncode != 0
    assert "urn:doorstep:problem:unauthorized" in with_a_wrong_key.stderr


def test_a_field_that_the_contract_does_not_have_is_noticed(folder: Path) -> None:
    checked = compiled(folder, TOUR.read_text().replace("sw_version", "firmware"))

    assert checked.returncode != 0
    assert "'firmware' does not exist" in checked.stdout
