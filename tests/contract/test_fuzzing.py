"""Fuzzing would notice what is wrong."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import logs
from contracts.contract import Contract
from contracts.deployment import fresh
from contracts.findings import CouldNotRun, Finding, Result
from contracts.fuzzing import targets
from contracts.fuzzing.engine import Effort
from contracts.fuzzing.engine import fuzz as fuzz_it
from contracts.ledger import Entry, Ledger
from contracts.parity import cassette
from contracts.parity.cassette import Cassette
from contracts.parts import fuzz
from contracts.stopping import Stop
from contracts.suite import Options, Stage
from openapi import CONTRACT
from openapi.document import METHODS

PATH = "/v1/devices/{identifier}"


def of_one_path(folder: Path, **entry_type: Any) -> Contract:
    """The contract with the operations of one device alone, which take seconds to ask.

    ``entry_type``: what the document says besides of the schema of that name.
    """
    content = yaml.safe_load(CONTRACT.read_text())
    content["components"]["schemas"]["EntryType"].update(entry_type)
    content["paths"] = {PATH: content["paths"][PATH]}
    operations = [content["paths"][PATH][m] for m in METHODS if m in content["paths"][PATH]]
    for response in (each for op in operations for each in op["responses"].values()):
        response.pop("links", None)  # to operations that are not there
    file = folder / "openapi.yaml"
    file.write_text(yaml.safe_dump(content))
    return Contract(file)


def fuzzed(
    contract: Contract,
    folder: Path,
    spoil: Callable[[targets.Target], targets.Target] = lambda t: t,
) -> list[Finding]:
    """What fuzzing finds; ``spoil``: changes the target."""

    def target_of(*args: Any) -> targets.Target:
        return spoil(targets.gateway(*args))

    result = Result("fuzz-gateway", "")
    options = Options(max_examples=2)
    with Stage(contract, Ledger(folder / "ledger.jsonl"), options, folder) as stage:
        fuzz.judge(target_of, stage, result)
    return result.findings


def test_a_wrong_key_is_noticed(tmp_path: Path) -> None:
    def spoil(target: targets.Target) -> targets.Target:
        wrong = {name: "wrong" for name in target.environ if name != "DOORSTEP_GATEWAY_URL"}
        return dataclasses.replace(target, environ=wrong | dict(target.environ) | wrong)

    findings = fuzzed(of_one_path(tmp_path), tmp_path, spoil)

    assert any(
        finding.operation == "get_device" and "ever accepted" in finding.title
        for finding in findings
    )


def test_a_service_that_does_not_say_what_the_contract_says_is_noticed(tmp_path: Path) -> None:
    contract = of_one_path(tmp_path, enum=["device", "service", "other"])

    rejected = [f for f in fuzzed(contract, tmp_path) if f.title == "Schema-valid request rejected"]

    assert {finding.operation for finding in rejected} >= {"patch_device"}
    assert '-H "X-API-Key: $DOORSTEP_API_KEY"' in rejected[0].curl
    assert "/entry_type: 'other' is none of: device, service" in rejected[0].detail


def sent(contract: Contract, folder: Path, seed: int) -> list[tuple[str, str, bytes | None]]:
    """What is asked of fresh services; a case has an id of its own, which is in no part of it."""
    folder.mkdir()
    tape = Cassette(folder / "cassette.jsonl")
    with fresh() as deployment:
        target = targets.gateway(deployment, contract, folder)
        effort = Effort(seed, 5, phases="fuzzing")  # the other phases make the same by any seed
        fuzz_it(target, effort, {cassette.VARIABLE: str(tape.file)}, folder, Stop())
    asked = [exchange.request for exchange in tape.exchanges()]
    return [(request.method, request.target, request.body) for request in asked]


def test_a_seed_gives_the_same_cases_on_a_fresh_server(tmp_path: Path) -> None:
    contract = of_one_path(tmp_path)

    first, again = sent(contract, tmp_path / "1", 7), sent(contract, tmp_path / "2", 7)

    assert len(first) > 10
    assert again == first
    assert sent(contract, tmp_path / "3", 8) != first


def test_no_verdict_is_no_pass(tmp_path: Path) -> None:
    def spoil(target: targets.Target) -> targets.Target:
        return dataclasses.replace(target, document=tmp_path / "missing.yaml")

    with pytest.raises(CouldNotRun, match="file does not exist"):
        fuzzed(of_one_path(tmp_path), tmp_path, spoil)


def test_an_error_in_a_log_is_a_finding(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text('{"level": "error", "message": "unexpected error"}\nno json\n')

    assert logs.errors(log) == ["unexpected error\n"]


def test_an_operation_that_only_refused_was_never_accepted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(Entry("fuzz", "gateway", "a", 404))
    ledger.add(Entry("fuzz", "gateway", "b", 204))
    ledger.add(Entry("other", "gateway", "a", 200))

    assert fuzz.never_accepted(ledger, "fuzz", "ab") == ["a"]
