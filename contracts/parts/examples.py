"""Every example of the contract holds where it stands, and the service takes those of requests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.door import Credential, Door, api_key, basic
from contracts.examples.places import find_examples, shown, unused
from contracts.examples.requests import KEY, Case, cases
from contracts.examples.rules import Rules, read_problems
from contracts.examples.state import NotThere, State
from contracts.findings import Result
from contracts.services import ROOT
from contracts.suite import Needs, Part, Stage
from contracts.wire import Answer, NoAnswer
from openapi.selection import scopes_of
from openapi.source import Place, Source

PROBLEMS = ROOT / "docs" / "problems.md"
TRIES = 5  # of what may be over before it is asked for, such as a job that is to be cancelled


def judge(stage: Stage, result: Result) -> None:
    """Holds the examples to the contract, then sends those of requests to the gateway."""
    lines = Lines(stage.contract)
    hold(stage.contract, lines, result)
    door = stage.gateway(PART.name)
    sender = Sender(door, stage.deployment, lines, result)
    for operation in stage.contract.document.operations:
        for case in cases(stage.contract, operation):
            sender.send(case)


class Lines:
    """Where in the contract's file the examples stand."""

    def __init__(self, contract: Contract) -> None:
        self._source = Source(contract.file)

    def told(self, places: Iterable[Place]) -> str:
        """A line for each place: its name, the file and the line."""
        file = self._source.file.name
        there = dict.fromkeys(places)
        return "\n".join(f"{shown(at)} ({file}:{self._source.line(at)})" for at in there)


def hold(contract: Contract, lines: Lines, result: Result) -> None:
    """Adds a finding for each example that is not what it has to be where it stands."""
    content = contract.document.content
    for place in unused(content):
        title = f"Nothing in the contract refers to the example {shown(place)}"
        result.find(title, detail=lines.told([place]))
    rules = Rules(content, read_problems(PROBLEMS))
    told = set()
    for example in find_examples(content):
        result.cases += 1
        for fault in rules.faults(example):
            if (example.at, fault) not in told:
                told.add((example.at, fault))
                title = f"The example {shown(example.at)} is wrong"
                result.find(title, detail=f"{fault}\n{lines.told([example.at])}")


class Sender:
    """Sends the requests that examples make, each into the state that it is for."""

    def __init__(self, door: Door, deployment: Deployment, lines: Lines, result: Result) -> None:
        self._door = door
        self._deployment = deployment
        self._lines = lines
        self._result = result
        self._state = State(door)

    def send(self, case: Case) -> None:
        """Adds a finding when the request is not taken as a whole."""
        self._result.cases += 1
        try:
            self._send(case)
        except NotThere as exc:
            self._find_not_there(exc)
            self._state.clean()

    def _send(self, case: Case) -> None:
        door = self._door.with_credential(self._credential(case))
        for tries_left in range(TRIES - 1, -1, -1):
            prepared = self._state.prepare(case)
            try:
                answer = door.ask(prepared.request)
            except NoAnswer as exc:
                self._find(prepared, door, f"Nothing was answered: {exc}.")
                return
            self._state.follow(answer)
            self._state.clean()
            refusals = list(_refusals(answer)) or _fault(door, prepared, answer)
            if not (refusals and tries_left and _came_too_late(prepared, answer)):
                break
        if refusals:
            self._find(prepared, door, "\n".join(refusals))

    def _find_not_there(self, refused: NotThere) -> None:
        """Once for each request, which may be needed before many others."""
        title = "What the contract's examples name cannot be made by its own examples"
        if all(finding.curl != refused.curl for finding in self._result.findings):
            self._result.find(title, detail=str(refused), curl=refused.curl)

    def _find(self, case: Case, door: Door, why: str) -> None:
        what = "example" if len(set(case.places)) == 1 else "examples"
        self._result.find(
            f"A client that sends the contract's {what} is not served as the contract says",
            case.operation.operation_id,
            f"{why}\nThe request was made of:\n{self._lines.told(case.places)}",
            door.curl(case.request),
            cause=why,
        )

    def _credential(self, case: Case) -> Credential:
        """A principal's keys of requests are its own, and that of the examples is always one."""
        schemes = self._door.contract.schemes(case.operation)
        kinds = self._door.contract.document.content["components"]["securitySchemes"]
        if any(kinds[name].get("scheme") == "basic" for name in schemes):
            return basic("client", self._deployment.key)
        if case.sends(KEY):
            scopes = scopes_of(self._door.contract.document)
            key = self._deployment.make_key("examples", scopes)
            self._state.owe(f"/v1/api-keys/{key.split('_')[1]}")
            return api_key("examples", key)
        return self._deployment.admin


def _refusals(answer: Answer) -> Iterator[str]:
    """How the request was not taken, or not all of what it asks for."""
    if not 200 <= answer.status < 300:
        yield f"It was answered {answer.status}: {answer.text[:500]}"
        return
    body = _json(answer)
    counts = body.get("counts")
    if isinstance(counts, Mapping) and counts.get("rejected"):
        yield f"{counts['rejected']} of its rows was rejected: {answer.text[:500]}"
    results = body.get("results")
    for each in results if isinstance(results, list) else ():
        if isinstance(each, Mapping) and each.get("status", 0) >= 400:
            yield f"An item of it was answered {each['status']}: {answer.text[:500]}"


def _json(answer: Answer) -> Mapping[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        return {}
    return body if isinstance(body, Mapping) else {}


def _fault(door: Door, case: Case, answer: Answer) -> list[str]:
    fault = door.fault(case.request, answer)
    return [f"The answer is not as the contract declares: {fault}."] if fault else []


def _came_too_late(case: Case, answer: Answer) -> bool:
    """Whether what the request was for had ended by itself."""
    return bool(case.path) and answer.status == 409


# Not beside others: what the examples name is theirs.
PART = Part("examples", "Examples of the contract", judge, needs=Needs.FRESH, lane="examples")
