"""The Python client that users generate of the contract does the README's tour."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.services import ROOT, Services

TOUR = ROOT / "tests/contract/clients/tour.py"
# The generator knows JSON, forms and files alone; it leaves these two out, and says so.
LEFT_OUT = [
    ("POST /v1/imports/devices", "Unsupported content type text/csv"),
    ("POST /v1/imports/devices", "Unsupported content type application/x-ndjson"),
]
# Of one process: the tests share services.
pytestmark = pytest.mark.xdist_group("python_client")


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    with Services(tmp_path_factory.mktemp("python")) as services:
        yield services


@pytest.fixture(scope="module")
def client(services: Services, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder that the client is in, and what its generator said."""
    folder = tmp_path_factory.mktemp("client")
    url = f"{services.gateway_url}/openapi.json"
    arguments = ["generate", "--url", url, "--meta", "none", "--output-path", "doorstep_client"]
    result = python(folder, "-m", "openapi_python_client", *arguments)
    assert result.returncode == 0, result.stdout + result.stderr
    return folder, result.stdout + result.stderr


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the interpreter in the folder, whose packages it finds; its ``ruff`` is on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True
    )


def test_the_generator_leaves_nothing_else_out(client: tuple[Path, str]) -> None:
    _, said = client

    assert re.findall(r"^(?:WARNING|ERROR) \w+ (.*) within .*\n\n(.*)$", said, re.M) == LEFT_OUT
    assert len(re.findall(r"\b(?:WARNING|ERROR)\b", said)) == len(LEFT_OUT)


def test_the_tour_is_as_the_clients_types_say(client: tuple[Path, str]) -> None:
    folder, _ = client

    result = python(folder, "-m", "mypy", "--strict", "--config-file", os.devnull, str(TOUR))

    assert result.returncode == 0, result.stdout


def test_the_client_does_the_tour(services: Services, client: tuple[Path, str]) -> None:
    folder, _ = client
    file = str(ROOT / "docs/home-assistant-example.json")

    result = python(
        folder, "-W", "error", str(TOUR), services.gateway_url, services.admin_key, file
    )

    assert result.returncode == 0, result.stderr


def test_a_wrong_key_ends_the_tour(services: Services, client: tuple[Path, str]) -> None:
    folder, _ = client

    result = python(folder, str(TOUR), services.gateway_url, services.admin_key + "x", "-")

    assert result.returncode != 0
    assert "urn:doorstep:problem:unauthorized" in result.stderr
