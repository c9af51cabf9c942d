"""What a client is told when the inventory fails, as the part judges it; and that it would."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.contract import Contract
from contracts.findings import Result
from contracts.ledger import Ledger
from contracts.parts import faults
from contracts.services import ROOT
from contracts.suite import Options, Stage
from openapi import CONTRACT


def judge(folder: Path, source: Path = ROOT, contract: Path = CONTRACT) -> Result:
    """What the part comes to."""
    result = Result(faults.PART.name, faults.PART.title)
    with Stage(Contract(contract), Ledger(folder / "ledger.jsonl"), Options(), folder) as stage:
        faults.judge_of(source, stage, result)
    return result


def planted(folder: Path) -> Path:
    """The gateway as somebody broke it: timeouts are 502, and errors tell what is behind it."""
    for name in ("gateway", "openapi", "telemetry"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    file = folder / "gateway" / "problems.py"
    text = file.read_text()
    broken = text.replace(
        'Problem(BAD_GATEWAY, "The service\'s answer was broken."',
        'Problem(BAD_GATEWAY, f"The inventory: {_!r}"',
    ).replace("lambda _: Problem(GATEWAY_TIMEOUT", "lambda _: Problem(BAD_GATEWAY")
    assert broken.count("_!r") == 1 and broken.count("Problem(GATEWAY_TIMEOUT") == 0
    file.write_text(broken)
    return folder


@pytest.mark.timeout(300)
def test_a_gateway_that_tells_something_else_is_noticed(tmp_path: Path) -> None:
    content: dict[str, Any] = yaml.safe_load(CONTRACT.read_text())
    content["components"]["examples"]["NewCustomer"]["value"] = {"name": ""}
    contract = tmp_path / "openapi.yaml"
    contract.write_text(yaml.safe_dump(content, sort_keys=False))

    result = judge(tmp_path, planted(tmp_path / "planted"), contract)

    found = {(finding.operation, finding.title) for finding in result.findings}
    for operation in ("get_device", "create_home", "import_devices"):
        late = "when the inventory says nothing, the client is told 502; 504 is right"
        assert (operation, late) in found
        early = "when the inventory closes the connection without a word, the client is told what"
        assert any(o == operation and title.startswith(early) for o, title in found)
    unreached = "the gateway did not ask the inventory (400): 'closes' was not tried"
    assert ("create_customer", unreached) in found
    assert "502 (not 504)" in {cell for row in result.tables[0].rows for cell in row}
