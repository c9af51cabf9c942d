"""The mock keeps the contract, and what consumers rely on as far as the contract says it."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE, Popen
from typing import Any

import jwt
import pytest
import requests
import yaml

from contracts.contract import Contract
from contracts.door import NOBODY, Credential, Door, api_key, basic, bearer
from contracts.examples.requests import cases
from contracts.exchanges.playing import play
from contracts.exchanges.reading import Exchange, read_all
from contracts.fuzzing.engine import Effort, fuzz
from contracts.fuzzing.targets import CONFIG, Target
from contracts.ledger import Ledger
from contracts.mock.app import create_app
from contracts.mock.serving import running
from contracts.recorder import Recorder
from contracts.services import ROOT
from contracts.stopping import Stop
from contracts.wire import Answer, Request, json_request
from openapi import CONTRACT
from openapi.document import METHODS

LIBRARY = ROOT / "tests" / "fixtures" / "mock" / "library.yaml"
SECRET = "x" * 32  # of tokens that nobody checks
KEY = "dsk_0123456789abcdef_" + "x" * 43


class Conforming(Door):
    """Fails with the first answer that is not as the contract declares."""

    def ask(self, request: Request) -> Answer:
        answer = super().ask(request)
        fault = self.fault(request, answer)
        assert not fault, f"{fault}\n{self.curl(request)}\n{answer.status} {answer.text}"
        return answer


class Mock:
    """The mock, asked as the exchanges say who asks."""

    def __init__(self, url: str, contract: Contract, folder: Path) -> None:
        self.url = url
        self._contract = contract
        self._ledger = Ledger(folder / "ledger.jsonl")

    def door(self, who: Any = None) -> Door:
        recorder = Recorder(self._contract, self._ledger, part="mock", service="inventory")
        return Conforming(
            self._contract, recorder, service="inventory", base=self.url,
            credential=self._credential(who),
        )  # fmt: skip

    def _credential(self, who: Any) -> Credential:
        if who is None:
            return api_key("anybody", KEY)
        if who == "nobody":
            return NOBODY
        if who == "client":
            return basic("client", KEY)
        if "key" in who:
            return api_key("a key", who["key"])
        if "client" in who:
            return basic("client", who["client"])
        if who == "expired":
            return bearer("expired", a_token(exp=time.time() - 60))
        if who == "forged":
            return bearer("forged", a_token())
        return bearer("a token", who.get("token") or a_token(scope=" ".join(who["scopes"])))


def a_token(**claims: Any) -> str:
    return jwt.encode({"sub": "test", **claims}, SECRET, algorithm="HS256")


@contextmanager
def a_mock(file: Path, folder: Path, **options: Any) -> Iterator[Mock]:
    with running(create_app(file, **options)) as url:
        yield Mock(url, Contract(file), folder)


@pytest.fixture(scope="module")
def mock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mock]:
    with a_mock(CONTRACT, tmp_path_factory.mktemp("mock")) as mock:
        yield mock


def test_a_resource_is_created_got_changed_deleted_and_gone(mock: Mock) -> None:
    door = mock.door()
    made = door.ask(json_request("POST", "/v1/devices", {"name": "Lamp", "device_type": "light"}))
    where, tag = made.header("location") or "", made.header("etag") or ""

    assert made.status == 201
    assert door.ask(Request("GET", where)).json() == made.json()
    assert door.ask(Request("GET", where, (("If-None-Match", tag),))).status == 304
    changed = door.ask(json_request("PATCH", where, {"name": "Spot"}, ("If-Match", tag)))
    assert (changed.json()["name"], changed.json()["revision"]) == ("Spot", 2)
    assert door.ask(json_request("PATCH", where, {"name": "Bulb"}, ("If-Match", tag))).status == 412
    assert door.ask(Request("DELETE", where)).status == 204
    assert door.ask(Request("GET", where)).status == 404


EXCHANGES = [exchange for consumer in read_all() for exchange in consumer.exchanges]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda each: each.place)
def test_the_mock_keeps_what_consumers_rely_on(mock: Mock, exchange: Exchange) -> None:
    broken = play(exchange, mock, patience=0)  # it does nothing by itself

    if exchange.mock_cannot:
        assert broken, f"the mock keeps it by now: {exchange.place}"
    else:
        assert broken is None, broken.how


def test_every_example_of_every_answer_can_be_asked_for(mock: Mock) -> None:
    door, asked = mock.door(), 0
    basic_door = mock.door("client")
    contract = door.contract
    for operation in contract.document.operations:
        case = next(cases(contract, operation)).without("Prefer")
        to = basic_door if operation.operation_id == "issue_token" else door
        for status, part in operation.spec["responses"].items():
            for name in named_examples(contract, part) or [""]:
                prefer = f"code={status}" + (f", example={name}" if name else "")
                answer = to.ask(case.request.with_headers(("Prefer", prefer), ("Accept", "*/*")))
                assert answer.status == int(status), (operation.operation_id, prefer, answer.text)
                asked += 1

    assert asked > 500


def named_examples(contract: Contract, part: Any) -> list[str]:
    content = contract.resolve(part).get("content", {})
    return [name for media_type in content.values() for name in media_type.get("examples", {})]


def test_a_job_is_answered_to_who_prefers_one(mock: Mock) -> None:
    csv = (("Content-Type", "text/csv"),)
    asked = Request("POST", "/v1/imports/devices", csv, b"name,device_type\r\nLamp,light\r\n")

    assert mock.door().ask(asked).status == 200
    assert mock.door().ask(asked.with_headers(("Prefer", "respond-async"))).status == 202


def test_a_preferred_answer_that_is_not_declared_is_told(mock: Mock) -> None:
    asked = Request("GET", "/v1/devices/a")

    for prefer in ("code=418", "code=404, example=none"):
        answer = mock.door().ask(asked.with_headers(("Prefer", prefer)))
        assert answer.status == 400
        assert answer.json()["errors"][0]["name"] == "Prefer"
        assert "404" in answer.json()["detail"]


def test_the_mock_takes_the_keys_alone_that_it_is_given(tmp_path: Path) -> None:
    asked = Request("GET", "/v1/devices")

    with a_mock(CONTRACT, tmp_path, keys=[KEY]) as mock:
        assert mock.door().ask(asked).status == 200
        assert mock.door({"token": "another"}).ask(asked).status == 401


def test_what_is_not_valid_is_refused_as_the_services_do(mock: Mock) -> None:
    door = mock.door()
    text = (("Content-Type", "text/plain"),)
    large = json_request("POST", "/v1/devices", {"name": "x" * 2_000_000, "device_type": "light"})

    statuses = [
        door.ask(json_request("POST", "/v1/devices", {"name": ""})).status,
        door.ask(Request("GET", "/v1/devices?colour=red")).status,
        door.ask(Request("GET", "/v1/devices?cursor=AAAA")).status,
        door.ask(Request("POST", "/v1/devices", text, b"x")).status,
        door.ask(large).status,
        door.ask(Request("PUT", "/v1/devices")).status,
        door.ask(Request("GET", "/v1/colours")).status,
        mock.door("nobody").ask(Request("GET", "/v1/devices")).status,
        mock.door({"scopes": ["devices:read"]}).ask(Request("DELETE", "/v1/devices/a")).status,
    ]

    assert statuses == [400, 400, 400, 415, 413, 405, 404, 401, 403]


# One kind of resource stands for all, as the mock makes them alike; all paths take minutes.
def test_a_fuzzer_finds_nothing_at_a_kind_of_resource(tmp_path: Path) -> None:
    content = yaml.safe_load(CONTRACT.read_text())
    kept = ("/v1/customers", "/v1/customers/{identifier}")
    content["paths"] = {path: content["paths"][path] for path in kept}
    methods = [(item, m) for item in content["paths"].values() for m in METHODS if m in item]
    for item, method in methods:
        for response in item[method]["responses"].values():
            response.pop("links", None)  # to operations that are not there
    file = tmp_path / "openapi.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    with a_mock(CONTRACT, tmp_path, keys=[KEY]) as mock:
        target = Target(
            service="mock", url=mock.url, shown=mock.url, document=file, config=CONFIG,
            environ={"DOORSTEP_API_KEY": KEY, "DOORSTEP_GATEWAY_URL": mock.url,
                     "DOORSTEP_CLIENT_ID": "a", "DOORSTEP_CLIENT_SECRET": "b"},
            credential="X-API-Key: $DOORSTEP_API_KEY",
            operation_ids={item[m]["operationId"]: item[m]["operationId"] for item, m in methods},
        )  # fmt: skip
        fuzzed = fuzz(target, Effort(seed=1, max_examples=5), {}, tmp_path / "fuzzing", Stop())

    assert fuzzed.findings == []
    assert fuzzed.cases > 100


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Mock]:
    seeds = {"/shelves/a/books": [{"id": 7, "title": "Seven", "author": "Ann"}]}
    with a_mock(LIBRARY, tmp_path, seeds=seeds) as mock:
        yield mock


def test_another_teams_contract_is_mocked_in_its_own_words(library: Mock) -> None:
    door = library.door({"token": "any"})
    books = "/shelves/a/books"

    # An id that is read-only is not the client's to give.
    made = door.ask(json_request("POST", books, {"id": 5, "title": "Emma", "author": "Jane"}))
    assert (made.status, made.header("x-shelf-mark")) == (200, "QA")
    assert made.json() | {"added": ""} == {
        "id": 1, "title": "Emma", "author": "Jane", "copies": 1, "added": "",
    }  # fmt: skip
    assert door.ask(Request("GET", f"{books}/1")).json() == made.json()
    assert door.ask(json_request("PUT", f"{books}/9", {"title": "Nine"})).status == 204
    assert door.ask(Request("DELETE", f"{books}/1")).status == 204
    gone = door.ask(Request("GET", f"{books}/1"))
    assert (gone.status, sorted(gone.json())) == (404, ["code", "text"])
    assert door.ask(json_request("POST", books, {"title": ""})).status == 400
    assert door.ask(Request("GET", "/shelves/b/books")).json()["results"] == []


def test_another_teams_lists_have_filters_and_pages(library: Mock) -> None:
    door = library.door({"token": "any"})
    books = "/shelves/a/books"
    for number in range(8, 11):
        door.ask(json_request("PUT", f"{books}/{number}", {"title": "T", "author": "Jane"}))

    first = door.ask(Request("GET", f"{books}?author=Jane")).json()
    rest = door.ask(Request("GET", f"{books}?author=Jane&cursor={first['next_cursor']}")).json()

    assert ([book["id"] for book in first["results"]], first["total"]) == ([8, 9], 3)
    assert ([book["id"] for book in rest["results"]], rest["next_cursor"]) == ([10], None)


def test_what_has_no_example_is_made_by_its_schema(library: Mock) -> None:
    hours = library.door("nobody").ask(Request("GET", "/opening-hours")).json()
    png = (("Content-Type", "image/png"),)
    cover = library.door({"token": "any"}).ask(
        Request("PUT", "/shelves/a/books/7/cover", png, b"x")
    )

    assert (hours["from"], hours["days"]) == (6, ["mon", "mon"])
    assert cover.status == 204


@contextmanager
def the_command(*arguments: str) -> Iterator[Popen[str]]:
    script = (
        "import argparse, sys; from contracts.mock import command; "
        "parser = argparse.ArgumentParser(); command.add_arguments(parser); "
        "sys.exit(command.run(parser.parse_args()))"
    )
    command = [sys.executable, "-c", script, *arguments]
    with Popen(command, cwd=ROOT, stdout=PIPE, stderr=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def test_the_command_serves_seeds_on_a_port_that_it_tells_and_ends_when_told(
    tmp_path: Path,
) -> None:
    seeds = tmp_path / "seeds.json"
    seeds.write_text('{"/v1/customers": [{"identifier": "ann", "name": "Ann"}]}')

    with the_command("--seed-file", str(seeds)) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        answer = requests.get(
            line.split()[-1] + "/v1/customers/ann", headers={"X-API-Key": "any"}, timeout=10
        )
        process.send_signal(signal.SIGINT)
        process.wait(30)

    assert answer.json()["name"] == "Ann"
    assert process.returncode == 0


def test_the_command_says_why_it_cannot_start(tmp_path: Path) -> None:
    file = tmp_path / "seeds.json"
    file.write_text('{"/v1/colours": []}')

    with the_command("--seed-file", str(file)) as process:
        _, said = process.communicate(timeout=60)

    assert process.returncode == 2
    assert said.startswith(f"the mock cannot start: {file}: /v1/colours: is no collection")
