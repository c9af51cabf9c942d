"""The TypeScript client that users make of the contract's types does the README's tour."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.services import ROOT, Services
from openapi import CONTRACT
from tests.contract import node

TOUR = ROOT / "tests/contract/clients/tour.ts"
OPTIONS = ("--strict", "--module", "nodenext", "--target", "es2022", "--types", "node")
# Of one process: the tests share services.
pytestmark = pytest.mark.xdist_group("typescript_client")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("typescript")) as services:
        yield services


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tour and of the contract's types, and of what the tour needs."""
    folder = tmp_path_factory.mktemp("tour")
    result = node.run("openapi-typescript", CONTRACT, "--output", folder / "schema.d.ts")
    assert result.returncode == 0, result.stderr
    (folder / "node_modules").symlink_to(node.NODE / "node_modules")
    (folder / "package.json").write_text('{"type": "module"}')
    return folder


def compiled(folder: Path, tour: str) -> subprocess.CompletedProcess[str]:
    """Checks the types of the tour, and makes of it what Node runs if they hold."""
    (folder / TOUR.name).write_text(tour)
    return node.run("tsc", *OPTIONS, "--noEmitOnError", "--skipLibCheck", TOUR.name, folder=folder)


def take(folder: Path, services: Services, key: str) -> subprocess.CompletedProcess[str]:
    file = ROOT / "docs/home-assistant-example.json"
    return node.run_script("tour.js", services.gateway_url, key, file, folder=folder)


def test_the_client_does_the_tour(services: Services, folder: Path) -> None:
    checked = compiled(folder, TOUR.read_text())
    assert checked.returncode == 0, checked.stdout

    taken = take(folder, services, services.admin_key)
    assert taken.returncode == 0, taken.stderr

    with_a_wrong_key = take(folder, services, services.admin_key + "x")
    assert "urn:doorstep:problem:unauthorized" in with_a_wrong_key.stderr
    assert with_a_wrong_key.returncode != 0


def test_a_field_that_the_contract_does_not_have_is_noticed(folder: Path) -> None:
    checked = compiled(folder, TOUR.read_text().replace("sw_version", "firmware"))

    assert checked.returncode != 0
    assert "'firmware' does not exist" in checked.stdout
