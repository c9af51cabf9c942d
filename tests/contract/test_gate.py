"""Both services keep the contract; and the gate would notice if they did not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from contracts import gate, logs, targets
from contracts.fuzz import CouldNotRun
from contracts.services import Services


# Some five thousand requests each: minutes, and more of them on a busy machine. That is the gate of
# every change; `python -m contracts --max-examples 100` is that of a release.
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", sorted(targets.TARGETS))
def test_a_service_keeps_the_contract(name: str) -> None:
    verdict = gate.run(name, seed=1, max_examples=15)

    assert verdict.findings == []
    assert verdict.cases > 500


def test_the_gate_fails_with_a_wrong_key(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        right = targets.gateway(services, tmp_path)
        keys = ("DOORSTEP_API_KEY", "DOORSTEP_CLIENT_ID", "DOORSTEP_CLIENT_SECRET")
        wrong = dict.fromkeys(keys, "wrong")
        target = dataclasses.replace(right, environ={**right.environ, **wrong})

        verdict = gate.judge(services, target, seed=1, max_examples=2)

    assert any("Warnings fail the run" in finding for finding in verdict.findings)
    assert "get_device: no request was ever accepted (2xx)" in verdict.findings


def test_the_gate_fails_when_the_service_does_not_say_what_the_contract_says(
    tmp_path: Path,
) -> None:
    with Services(tmp_path / "data") as services:
        right = targets.gateway(services, tmp_path)
        changed = tmp_path / "openapi.yaml"
        text = right.document.read_text()
        changed.write_text(
            text.replace("enum: [device, service]", "enum: [device, service, other]")
        )
        target = dataclasses.replace(right, document=changed)

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
