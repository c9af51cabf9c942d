"""Who may do what, as the part judges it; and that it would notice."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from contracts.authorisation.tenancy import Tenancy
from contracts.contract import Contract
from contracts.deployment import of_services
from contracts.findings import Result
from contracts.ledger import Ledger
from contracts.parts.authorisation import PART
from contracts.services import ROOT, Services
from contracts.suite import NO_INVENTORY, Options, Stage
from openapi import CONTRACT

KINDS = ("customers", "homes", "areas", "device-types", "devices", "api-keys")


def judge(services: Services, folder: Path, contract: Path = CONTRACT) -> Result:
    """What the part comes to."""
    result = Result(PART.name, PART.title)
    options = Options(given=of_services(services))
    with Stage(Contract(contract), Ledger(folder / "ledger.jsonl"), options, folder) as stage:
        PART.judge(stage, result)
    return result


@contextmanager
def services_with(folder: Path, change: Callable[[Path], None]) -> Iterator[Services]:
    """Services from a copy of the code that was changed."""
    root = folder / "copy"
    for name in ("gateway", "inventory", "openapi", "telemetry"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    change(root)
    services = Services(folder / "data")
    services.root = root
    with services:
        yield services


def listed(services: Services, kind: str) -> str:
    url, headers = f"{services.gateway_url}/v1/{kind}?limit=1000", {"X-API-Key": services.admin_key}
    return requests.get(url, headers=headers, timeout=30).text


def replace(root: Path, file: str, old: str, new: str) -> None:
    text = (root / file).read_text()
    assert text.count(old) == 1, f"{file} has no longer one {old!r}"
    (root / file).write_text(text.replace(old, new))


@pytest.mark.timeout(300)
def test_of_given_services_the_gateway_alone_is_judged_and_nothing_is_left(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        whole = of_services(services)
        given = type(whole)(whole.gateway_url, whole.key)
        result = Result(PART.name, PART.title)
        ledger = Ledger(tmp_path / "ledger.jsonl")
        with Stage(Contract(), ledger, Options(given=given), tmp_path) as stage:
            PART.judge(stage, result)
        left = {kind: listed(services, kind) for kind in KINDS}

    assert result.findings == []
    assert result.tables[-1].rows == ((NO_INVENTORY,),)
    assert {entry.service for entry in ledger.entries()} == {"gateway"}
    assert [kind for kind, text in left.items() if "auth" in text] == []
    assert left["api-keys"].count('"identifier"') == 1  # the admin's own


@pytest.mark.timeout(300)
def test_another_scope_in_the_contract_is_noticed(tmp_path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    delete = content["paths"]["/v1/devices/{identifier}"]["delete"]
    delete["security"] = [{"ApiKey": []}, {"OAuth2": ["customers:write"]}]
    other = tmp_path / "openapi.yaml"
    other.write_text(yaml.safe_dump(content))

    with Services(tmp_path / "data") as services:
        findings = judge(services, tmp_path, other).findings

    assert {finding.operation for finding in findings} <= {"delete_device", ""}
    titles = [finding.title for finding in findings]
    assert (
        "a key with all scopes but the operation's was let in (204); the contract wants"
        " customers:write, so 403 is right" in titles
    )
    assert (
        "a key with the operation's scopes alone was refused (403), though the contract wants"
        " customers:write and no more" in titles
    )
    assert any(title.endswith("though every request for it was refused") for title in titles)
    assert all("dsk_" not in f.curl.replace("dsk_0123456789abcdef", "") for f in findings)


@pytest.mark.timeout(300)
def test_an_inventory_that_shows_others_things_is_noticed(tmp_path: Path) -> None:
    def change(root: Path) -> None:
        told = "after=after, tenant=self._caller.tenant"
        replace(root, "inventory/reading.py", told, "after=after, tenant=None")

    with services_with(tmp_path, change) as services:
        findings = judge(services, tmp_path).findings

    assert any(
        f.operation == "list_changes" and "was shown what is not its customer's" in f.title
        for f in findings
    ), findings


def test_the_file_of_tenancy_names_operations_of_the_contract() -> None:
    assert Tenancy().operations.keys() <= Contract().operations.keys()
