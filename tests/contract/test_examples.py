"""The services take what the contract gives as examples; and the part would notice if not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.contract import Contract
from contracts.examples.requests import Case, cases
from contracts.findings import Finding, Result
from contracts.ledger import Ledger
from contracts.parts.examples import PART, Lines, Sender, judge
from contracts.suite import Options, Stage
from contracts.wire import Request
from openapi import CONTRACT

# Their services are started once.


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("examples")
    with Stage(Contract(), Ledger(folder / "ledger.jsonl"), Options(), folder) as stage:
        yield stage


def test_every_example_is_taken_and_holds(stage: Stage) -> None:
    result = Result(PART.name, PART.title)

    judge(stage, result)

    assert result.findings == []
    assert result.cases > 900


def test_what_the_examples_put_there_is_gone_afterwards(stage: Stage) -> None:
    door = stage.gateway(PART.name)
    keys = Request("GET", "/v1/api-keys")
    before = [door.ask(case.request).body for case in listings(stage)]
    keys_before = door.ask(keys).json()["items"]
    result = Result(PART.name, PART.title)
    sender = Sender(door, stage.deployment, Lines(stage.contract), result)

    for name in ("create_device_type", "delete_customer", "import_devices", "rotate_api_key"):
        for case in cases(stage.contract, stage.contract.operations[name]):
            sender.send(case)

    after = [door.ask(case.request).body for case in listings(stage)]
    assert result.findings == []
    assert len(door.ask(keys).json()["items"]) == len(keys_before)
    assert after[:-1] == before[:-1]
    assert after[-1].count(b'"identifier"') == before[-1].count(b'"identifier"')  # device types


def listings(stage: Stage) -> list[Case]:
    names = ("list_customers", "list_homes", "list_areas", "list_devices", "list_device_types")
    return [next(cases(stage.contract, stage.contract.operations[name])) for name in names]


def test_an_example_that_the_service_refuses_is_a_finding(stage: Stage, tmp_path: Path) -> None:
    (finding,) = findings_of_a_home_of_nobody(stage, tmp_path, "create_home")

    assert "There is no customer ada-kin" in finding.detail
    assert "components/examples/NewHomeMinimal (openapi.yaml:" in finding.detail
    assert finding.operation == "create_home"
    assert "$DOORSTEP_API_KEY" in finding.curl


def test_what_examples_name_and_cannot_be_made_is_told_once(stage: Stage, tmp_path: Path) -> None:
    (finding,) = findings_of_a_home_of_nobody(stage, tmp_path, "create_area", "delete_area")

    assert finding.title.startswith("What the contract's examples name cannot be made")
    assert "There is no customer ada-kin" in finding.detail


def findings_of_a_home_of_nobody(stage: Stage, folder: Path, *operations: str) -> list[Finding]:
    """What there is to say of operations when the example of a home has a customer less."""
    # By its schema it is right: only what is stored can say that it is not.
    text = CONTRACT.read_text().replace(
        "value: { customer_id: ada-king, name: Birch Lane 4 }",
        "value: { customer_id: ada-kin, name: Birch Lane 4 }",
    )
    file = folder / "openapi.yaml"
    file.write_text(text)
    contract = Contract(file)
    with Stage(contract, stage.ledger, Options(given=stage.deployment), folder) as other:
        result = Result(PART.name, PART.title)
        sender = Sender(other.gateway(PART.name), stage.deployment, Lines(contract), result)
        for case in (c for name in operations for c in cases(contract, contract.operations[name])):
            sender.send(case)
    return result.findings
