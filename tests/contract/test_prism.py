"""Prism, between clients and the gateway, finds no answer that is not as the contract has it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
import yaml

from contracts.services import ROOT, Services
from openapi import CONTRACT
from tests.contract import node, postman, prism

# The service tests that ask the shared gateway over plain HTTP. The others start services of their
# own, talk to sockets, or want what Prism does not pass on: HEAD (it answers 500 itself), uploads
# in chunks or of many megabytes, compressed answers, and answers that come bit by bit.
MODULES = ("api_keys", "authorisation", "change_scopes", "tenancy")
_HOLDS_BACK = "Prism passes an answer on when it has come to its end: a stream is silent until then"
LEFT_OUT = {
    "test_change_scopes.py::test_a_stream_leaves_out_what_was_missed_and_what_comes": _HOLDS_BACK,
}
# What Prism finds fault with, and there is none.
KEY_WITHOUT_SCOPES = (  # as the tests make one, by a way that no client has
    "get /v1/api-keys: response.body.items.#.scopes"
    " Response body property items.#.scopes must NOT have fewer than 1 items"
)
STREAM = (  # OpenAPI 3.0 has the schema of one event: Prism takes it for that of the whole stream
    "get /v1/changes/stream: response.body Response body must be object"
)


def service_tests(logs: Path) -> subprocess.CompletedProcess[str]:
    """Runs the service tests with a Prism that leaves its log in that folder."""
    modules = [f"tests/service/test_{name}.py" for name in MODULES]
    left_out = [part for name in LEFT_OUT for part in ("--deselect", f"tests/service/{name}")]
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "tests.contract.prism", *modules, *left_out],
        cwd=ROOT,
        env={**os.environ, prism.DOCUMENT: str(CONTRACT), prism.LOGS: str(logs)},
        capture_output=True,
        text=True,
    )


def test_no_answer_of_the_service_tests_is_at_odds_with_the_contract(tmp_path: Path) -> None:
    node.command("prism")  # it is there, or the test ends here

    result = service_tests(tmp_path)

    assert result.returncode == 0, result.stdout
    assert f" {len(LEFT_OUT)} deselected" in result.stdout
    # There are more keys than there are on a page: that one is seen, or not.
    assert prism.violations(tmp_path) <= {KEY_WITHOUT_SCOPES}
    assert prism.passed_on(tmp_path) > 100, prism.passed_on(tmp_path)


@pytest.fixture
def through_prism(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Services]:
    """Makes services behind a Prism that holds them to a document."""
    monkeypatch.setenv(prism.LOGS, str(tmp_path))

    def services(document: Path) -> Services:
        monkeypatch.setenv(prism.DOCUMENT, str(document))
        return prism.ThroughPrism(tmp_path / "data")

    return services


def test_no_answer_to_postman_is_at_odds_with_the_contract(
    through_prism: Callable[[Path], Services], tmp_path: Path
) -> None:
    collection = postman.convert(CONTRACT, tmp_path)

    with through_prism(CONTRACT) as services:
        postman.prepare(collection, CONTRACT, postman.plant(services))
        report = postman.run(collection, services, services.admin_key, tmp_path)

    assert report.failures == []
    assert prism.violations(tmp_path) == {STREAM}


def test_prism_notices_an_answer_that_is_not_as_the_contract_has_it(
    through_prism: Callable[[Path], Services], tmp_path: Path
) -> None:
    content = yaml.safe_load(CONTRACT.read_text())
    content["components"]["schemas"]["DeviceTypeEntry"]["properties"]["title"] = {"type": "integer"}
    del content["paths"]["/v1/devices/{identifier}"]["get"]["responses"]["404"]
    document = tmp_path / "openapi.yaml"
    document.write_text(yaml.safe_dump(content, sort_keys=False))

    with through_prism(document) as services:
        headers = {"X-API-Key": services.admin_key}
        for path in ("/v1/device-types/light", "/v1/devices/missing"):
            requests.get(services.gateway_url + path, headers=headers, timeout=30)

    assert prism.violations(tmp_path) == {
        "get /v1/device-types/light: response.body.title"
        " Response body property title must be integer",
        "get /v1/devices/missing: response"
        " Unable to match the returned status code with those defined in the document:"
        " 200,304,400,401,403,429,500,502,503,504",
    }
