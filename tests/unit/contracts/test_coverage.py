"""What counts as reached, and what may be left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts import coverage
from contracts.contract import Contract
from contracts.coverage import Item, declared, excused, reached
from contracts.findings import CouldNotRun, Result
from contracts.ledger import Entry, Ledger
from contracts.parts.coverage import judge
from contracts.suite import Options, Stage

CONTRACT = Contract()
LIST = "list_devices"


def entry(status: int, *parameters: str, scheme: str = "ApiKey", service: str = "gateway") -> Entry:
    return Entry("part", service, LIST, status, parameters, scheme)


def test_what_was_accepted_reaches_its_parameters_and_scheme() -> None:
    found = reached([entry(200, "query.limit")])

    assert found == {
        Item(LIST, "status", "200"),
        Item(LIST, "parameter", "query.limit"),
        Item(LIST, "scheme", "ApiKey"),
    }


def test_what_was_refused_reaches_its_status_alone() -> None:
    assert reached([entry(400, "query.limit")]) == {Item(LIST, "status", "400")}


def test_what_the_inventory_was_asked_directly_is_not_what_clients_do() -> None:
    assert reached([entry(200, service="inventory")]) == set()


def test_everything_that_the_contract_declares_is_wanted() -> None:
    wanted = set(declared(CONTRACT))

    assert {
        Item(LIST, "status", "414"),
        Item(LIST, "parameter", "query.label"),
        Item("get_device", "parameter", "path.identifier"),
        Item("issue_token", "scheme", "ClientCredentials"),
    } <= wanted


def an_excuse(folder: Path, status: str) -> Path:
    file = folder / "unreached.yaml"
    file.write_text(f"status: {status}\nparameter: []\nscheme: []\n")
    return file


def test_a_star_stands_for_all_that_declare_it(tmp_path: Path) -> None:
    file = an_excuse(tmp_path, "[{operations: ['*'], names: [414], reason: nothing so long}]")

    found = excused(CONTRACT, file)

    assert Item(LIST, "status", "414") in found
    assert Item("create_device", "status", "414") not in found


@pytest.mark.parametrize(
    "status", ["[{operations: [a], names: [414]}]", "{}", "[{operations: [], reason: long enough}]"]
)
def test_a_list_that_is_not_of_its_form_is_told_by_its_place(tmp_path: Path, status: str) -> None:
    with pytest.raises(CouldNotRun, match=r"unreached\.yaml: /status"):
        excused(CONTRACT, an_excuse(tmp_path, status))


def test_what_was_not_reached_and_what_is_stale_are_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = "[{operations: [list_devices, gone], names: [200], reason: for this test}]"
    file = an_excuse(tmp_path, listed)
    monkeypatch.setattr(coverage, "UNREACHED", file)
    monkeypatch.setattr(coverage.excused, "__defaults__", (file,))
    ledger = Ledger(tmp_path / "ledger.jsonl")
    ledger.add(entry(200, "query.limit"))
    result = Result("coverage", "Coverage")

    with Stage(CONTRACT, ledger, Options(), tmp_path) as stage:
        judge(stage, result)

    said = {(finding.operation, finding.title) for finding in result.findings}
    assert (LIST, "the status 414 was never answered") in said
    assert (
        LIST,
        "the parameter query.limit never stood in a request that was accepted",
    ) not in said
    assert (LIST, "unreached.yaml lists the status 200, which was reached") in said
    assert (
        "gone",
        "unreached.yaml lists the status 200, which the contract does not declare",
    ) in said
