"""The Python client that users generate of the contract does the README's tour."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

from contracts.services import ROOT, Services
from openapi import CONTRACT

TOUR = ROOT / "tests/contract/clients/tour.py"
# The generator knows JSON, forms and files alone; it leaves these two out, and says so.
LEFT_OUT = [
    ("POST /v1/imports/devices", "Unsupported content type text/csv"),
    ("POST /v1/imports/devices", "Unsupported content type application/x-ndjson"),
]


def generate(folder: Path, *source: str) -> str:
    """Generates the client into the folder; what the generator said."""
    options = ("--meta", "none", "--output-path", "doorstep_client")
    result = python(folder, "-m", "openapi_python_client", "generate", *source, *options)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout + result.stderr


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs the interpreter in the folder, whose packages it finds; its ``ruff`` is on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {**os.environ, "PATH": path, "PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environ, capture_output=True, text=True
    )


def test_the_client_has_types_for_all_of_the_tour(tmp_path: Path) -> None:
    said = generate(tmp_path, "--path", str(CONTRACT))

    assert re.findall(r"^(?:WARNING|ERROR) \w+ (.*) within .*\n\n(.*)$", said, re.M) == LEFT_OUT
    assert len(re.findall(r"\b(?:WARNING|ERROR)\b", said)) == len(LEFT_OUT)

    checked = python(tmp_path, "-m", "mypy", "--strict", "--config-file", os.devnull, str(TOUR))
    assert checked.returncode == 0, checked.stdout


def test_the_client_does_the_tour(tmp_path: Path) -> None:
    file = str(ROOT / "docs/home-assistant-example.json")
    tour = ("-W", "error", str(TOUR))

    with Services(tmp_path / "data") as services:
        url = services.gateway_url
        generate(tmp_path, "--url", f"{url}/openapi.json")
        taken = python(tmp_path, *tour, url, services.admin_key, file)
        with_a_wrong_key = python(tmp_path, *tour, url, services.admin_key + "x", file)

    assert taken.returncode == 0, taken.stderr
    assert with_a_wrong_key.returncode != 0
    assert "urn:doorstep:problem:unauthorized" in with_a_wrong_key.stderr
