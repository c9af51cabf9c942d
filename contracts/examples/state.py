"""What the examples refer to: put there before a request of theirs, and taken away after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

from contracts.contract import Contract
from contracts.door import Door
from contracts.examples.requests import KEY, Case, cases
from contracts.findings import CouldNotRun
from contracts.services import wait_for
from contracts.wire import Answer, Request, json_request

# What only the middle of a body names.
_ALSO: Mapping[str, Mapping[str, Any]] = {
    "/v1/devices/hall-light-2": {"name": "Hall light again", "device_type": "light"},
    "/v1/devices/hall-light-9": {"name": "Another hall light", "device_type": "light"},
}
# What is brought back has to be gone.
_OF_THE_DELETED = frozenset(("restore_device",))
# Whose identifiers are not the client's choice: the operation whose examples make one.
_MADE_BY: Mapping[str, str] = {
    "/v1/api-keys/{identifier}": "create_api_key",
    "/v1/jobs/{identifier}": "import_devices",
}
_FEED = "/v1/changes"
_UNDER_WAY = frozenset(("waiting", "running"))  # a job's states


@dataclass(frozen=True, slots=True)
class Thing:
    """A resource that examples name. ``body``: what puts it under its path."""

    path: str
    body: Mapping[str, Any]

    @property
    def identifier(self) -> str:
        """Its last segment."""
        return unquote(self.path.rpartition("/")[2])

    @property
    def collection(self) -> str:
        """The path of those of its kind."""
        return self.path.rpartition("/")[0]


def things(contract: Contract) -> list[Thing]:
    """What can be put where a path's example says, and what stands in ``_ALSO``.

    In an order in which each comes after those that it refers to.
    """
    found = [Thing(path, body) for path, body in _ALSO.items()]
    for operation in contract.document.operations:
        if operation.method == "put":
            case = list(cases(contract, operation))[-1]
            if case.body is not None:
                found.append(Thing(case.own_path, case.body.value))
    return _in_order(found)


def _in_order(found: list[Thing]) -> list[Thing]:
    ordered: list[Thing] = []
    names = {thing.identifier for thing in found}
    while found:
        known = {thing.identifier for thing in ordered}
        ready = [t for t in found if (names & set(texts(t.body))) <= known | {t.identifier}]
        if not ready:
            raise CouldNotRun(f"these examples refer to each other in a circle: {found}")
        ordered += ready
        found = [thing for thing in found if thing not in ready]
    return ordered


def texts(value: Any) -> Iterator[str]:
    """Every text in a body."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part)


class NotThere(Exception):
    """What an example names cannot be put there. ``curl``: the request that was refused."""

    def __init__(self, curl: str, answer: Answer) -> None:
        super().__init__(f"It was answered {answer.status}: {answer.text[:500]}")
        self.curl = curl


class State:
    """Brings a service into the state that a request of the examples is for, and back."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._things = things(door.contract)
        self._kept = [Thing(t.path, body) for t in self._things if (body := self._fields(t.path))]
        self._since = ""
        self._jobs: list[str] = []
        self._made: list[str] = []

    def prepare(self, case: Case) -> Case:
        """The same request, with what it names there; ``NotThere`` when that cannot be."""
        self._since = self._ask("GET", f"{_FEED}?after=now").json()["next"]
        for path in self._created(case):
            self._door.ask(Request("DELETE", path))
        needed = self._needed(case)
        for thing in needed:
            self._ask("PUT", thing.path, thing.body)
        if case.operation.operation_id in _OF_THE_DELETED:
            self._ask("DELETE", needed[-1].path)
        return self._with_made(case)

    def clean(self) -> None:
        """Takes away what has come since ``prepare``, and puts back what was there before."""
        for job in self._jobs:
            wait_for(partial(self._is_over, job), f"the job {job} to end")
        self._jobs.clear()
        gone_first = self._made + [event["source"] for event in reversed(self._events())]
        self._made.clear()
        for _ in range(2):  # what could not go because of another one goes now
            for path in dict.fromkeys(gone_first):
                self._door.ask(Request("DELETE", path))
        for thing in self._kept:
            self._ask("PUT", thing.path, thing.body)

    def follow(self, answer: Answer) -> None:
        """Has ``clean`` see to what the answer says is there now, or goes on."""
        where = answer.header("location")
        if where and answer.status == 202:
            self._jobs.append(where)
        elif where:
            self.owe(where)

    def owe(self, path: str) -> None:
        """Has ``clean`` delete what is there, of which the feed says nothing."""
        self._made.append(path)

    def _is_over(self, job: str) -> bool:
        return self._ask("GET", job).json()["status"] not in _UNDER_WAY

    def _events(self) -> list[Mapping[str, Any]]:
        target = f"{_FEED}?limit=1000&after={quote(self._since)}"
        found: list[Mapping[str, Any]] = self._ask("GET", target).json()["items"]
        return found

    def _created(self, case: Case) -> list[str]:
        """The paths that a request to a collection would have found taken."""
        body = case.body.value if case.body else None
        if case.operation.method != "post" or not isinstance(body, Mapping):
            return []
        named = body.get("identifier")
        return [] if named is None else [f"{case.operation.path}/{named}"]

    def _needed(self, case: Case) -> list[Thing]:
        """What the request names, and what that refers to, in the order of ``things``."""
        names = {unquote(step) for step in case.own_path.split("/")}
        names |= {str(each.value) for each in case.parameters}
        names |= set(texts(case.body.value if case.body else None))
        created = self._created(case)
        needed: list[Thing] = []
        for thing in reversed(self._things):
            if thing.identifier in names and thing.path not in created:
                needed.insert(0, thing)
                names |= set(texts(thing.body))
        return needed

    def _with_made(self, case: Case) -> Case:
        template = next((p for p in _MADE_BY if case.operation.path.startswith(p)), None)
        if template is None:
            return case
        maker = next(cases(self._door.contract, self._door.contract.operations[_MADE_BY[template]]))
        request = maker.without(KEY).request  # its first answer would be given again
        answer = self._accepted(request, self._door.ask(request))
        self.follow(answer)
        return replace(case, path={"identifier": str(answer.json()["identifier"])})

    def _fields(self, path: str) -> Mapping[str, Any] | None:
        """What a client may write of the resource, if it is there."""
        answer = self._door.ask(Request("GET", path))
        operation = self._door.contract.find("PUT", path)
        if answer.status != 200 or operation is None:
            return None
        body = self._door.contract.request_bodies(operation)["application/json"]
        known = self._door.contract.resolve(body["schema"])["properties"]
        return {name: value for name, value in answer.json().items() if name in known}

    def _ask(self, method: str, target: str, body: Any = None) -> Answer:
        request = json_request(method, target, body)
        return self._accepted(request, self._door.ask(request))

    def _accepted(self, request: Request, answer: Answer) -> Answer:
        if answer.status >= 300:
            raise NotThere(self._door.curl(request), answer)
        return answer
