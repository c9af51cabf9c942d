"""Both services keep the contract; and the gate would notice if they did not."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import gate, logs, targets
from contracts.findings import CouldNotRun
from contracts.services import Services
from contracts.targets import Target
from openapi.document import METHODS

PATH = "/v1/devices/{identifier}"


# Some five thousand requests each: minutes, and more of them on a busy machine. That is the gate of
# every change; `python -m contracts --max-examples 100` is that of a release.
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_a_service_keeps_the_contract(name: str) -> None:
    verdict = gate.run(name, seed=1, max_examples=15)

    assert verdict.findings == []
    assert verdict.cases > 500


def of_one_path(target: Target, folder: Path, **entry_type: Any) -> Target:
    """The target with the operations of one device alone, which take seconds to ask.

    ``entry_type``: what the document says besides of the schema of that name.
    """
    content = yaml.safe_load(target.document.read_text())
    content["components"]["schemas"]["EntryType"].update(entry_type)
    content["paths"] = {PATH: content["paths"][PATH]}
    operations = [content["paths"][PATH][m] for m in METHODS if m in content["paths"][PATH]]
    for response in (each for op in operations for each in op["responses"].values()):
        response.pop("links", None)  # to operations that are not there
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(content))
    ids = frozenset(op["operationId"] for op in operations)
    return dataclasses.replace(target, document=file, operation_ids=ids)


def test_the_gate_fails_with_a_wrong_key(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        target = of_one_path(targets.gateway(services, tmp_path), tmp_path)
        wrong = dict.fromkeys(target.environ.keys() - {"DOORSTEP_GATEWAY_URL"}, "wrong")
        target = dataclasses.replace(target, environ={**target.environ, **wrong})

        verdict = gate.judge(services, target, seed=1, max_examples=2)

    assert "get_device: no request was ever accepted (2xx)" in verdict.findings


def test_the_gate_fails_when_the_service_does_not_say_what_the_contract_says(
    tmp_path: Path,
) -> None:
    with Services(tmp_path / "data") as services:
        right = targets.gateway(services, tmp_path)
        target = of_one_path(right, tmp_path, enum=["device", "service", "other"])

        verdict = gate.judge(services, target, seed=1, max_examples=2)

    assert any("Schema-valid request rejected" in finding for finding in verdict.findings)


def test_no_verdict_is_no_pass(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        right = targets.gateway(services, tmp_path)
        target = dataclasses.replace(right, document=tmp_path / "missing.yaml")

        with pytest.raises(CouldNotRun, match="file does not exist"):
            gate.judge(services, target, seed=1, max_examples=1)


def test_an_error_in_a_log_is_a_finding(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text('{"level": "error", "message": "unexpected error"}\nno json\n')

    assert logs.errors(log) == ["unexpected error\n"]


def test_an_operation_that_only_refused_was_never_accepted(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text(
        '{"level": "info", "operation_id": "a", "status": 404}\n'
        '{"level": "info", "operation_id": "b", "status": 204}\n'
    )

    assert logs.never_accepted(log, frozenset("ab")) == ["a"]
