"""The services keep what their consumers rely on; and it would be noticed if they did not."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from contracts.contract import Contract
from contracts.exchanges.reading import Exchange, read_all
from contracts.findings import Result
from contracts.ledger import Ledger
from contracts.parts.exchanges import PART, Gateway, Inventory, judge, judge_one
from contracts.suite import Options, Stage
from contracts.wire import Request

# Their services are started once.


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    folder = tmp_path_factory.mktemp("exchanges")
    with Stage(Contract(), Ledger(folder / "ledger.jsonl"), Options(), folder) as stage:
        yield stage


def counts(stage: Stage) -> list[int]:
    kinds = ("customers", "homes", "areas", "devices", "api-keys")
    door = stage.gateway(PART.name)
    pages = [door.ask(Request("GET", f"/v1/{kind}?limit=1000")).json() for kind in kinds]
    return [len(page["items"]) for page in pages]


def test_the_services_keep_what_their_consumers_rely_on(stage: Stage) -> None:
    before = counts(stage)
    result = Result(PART.name, PART.title)

    judge(stage, result)

    assert result.findings == []
    assert result.cases > 50
    assert counts(stage) == before


def test_clients_exchanges_are_played_where_the_gateway_alone_can_be_asked(
    stage: Stage, tmp_path: Path
) -> None:
    given = replace(stage.deployment, inventory_url="", signing_key=None)
    result = Result(PART.name, PART.title)

    with Stage(stage.contract, stage.ledger, Options(given=given), tmp_path) as alone:
        judge(alone, result)

    assert result.findings == []
    (table,) = result.tables
    assert [row[:2] for row in table.rows] == [("client", "gateway"), ("gateway", "inventory")]
    assert table.rows[0][2] == f"{result.cases} exchanges"
    assert "give --inventory-url" in table.rows[1][2]


def judged(stage: Stage, consumer: str, description: str, **changed: Any) -> Result:
    """What the exchange comes to that begins so, when something else is relied on."""
    (found,) = [
        each
        for known in read_all()
        for each in known.exchanges
        if known.name == consumer and each.description.startswith(description)
    ]
    content = copy.deepcopy(dict(found.content))
    content["answer"] |= changed
    to = stage.deployment
    result = Result(PART.name, PART.title)
    provider = (
        Gateway(stage.gateway(PART.name), to)
        if consumer == "client"
        else Inventory(stage.inventory(PART.name), to, stage.folder)
    )
    judge_one(Exchange(found.consumer, content, found.place), provider, result)
    return result


def test_an_exchange_that_is_not_kept_says_who_would_break_and_why(stage: Stage) -> None:
    result = judged(stage, "gateway", "Asked with the tag that it still has", status=200)

    (finding,) = result.findings
    assert finding.title.startswith("The gateway would break, which relies on this: Asked with")
    assert "The status is 304, not 200" in finding.detail
    assert "Why it matters: The cache asks again" in finding.detail
    assert "gateway/caching/lookup.py" in finding.detail
    assert "If-None-Match" in finding.curl and "$DOORSTEP_IDENTITY" in finding.curl


def test_a_header_that_is_relied_on_and_missing_is_a_finding(stage: Stage) -> None:
    headers = {"X-Doorstep": {"$any": True}}
    result = judged(stage, "client", "A deleted device is gone", headers=headers)

    (finding,) = result.findings
    assert "The header X-Doorstep: nothing is there, and anything would do." in finding.detail


def test_what_cannot_be_put_there_is_a_finding(stage: Stage) -> None:
    content = {
        "description": "It is there",
        "why": "It is needed.",
        "given": [{"request": {"method": "DELETE", "path": "/v1/devices/{new}"}}],
        "request": {"method": "GET", "path": "/v1/devices/{new}"},
        "answer": {"status": 200},
    }
    result = Result(PART.name, PART.title)

    provider = Gateway(stage.gateway(PART.name), stage.deployment)
    judge_one(Exchange("client", content, "x.json:1"), provider, result)

    (finding,) = result.findings
    assert "What has to be there first is answered 404" in finding.detail
