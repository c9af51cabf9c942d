"""One service, asked with one credential; all is written down, and held to the contract."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass

from contracts.contract import Contract
from contracts.recorder import Recorder
from contracts.wire import Answer, Header, Request, curl, send
from openapi.components import compile_component
from openapi.schemas import Validator, compile_schema

# "Any request may be answered" these (``info.description`` of the contract).
ANYWHERE = frozenset((400, 404, 405, 408, 414, 421, 431))
_PROBLEM = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request says who it is by. ``shown``: the same for a person, without the secret."""

    name: str
    header: Header | None = None
    shown: str = ""


NOBODY = Credential("nobody")


def api_key(name: str, key: str, variable: str = "DOORSTEP_API_KEY") -> Credential:
    """An API key; ``variable``: where a person has it."""
    return Credential(name, ("X-API-Key", key), f"X-API-Key: ${variable}")


def bearer(name: str, token: str, variable: str = "DOORSTEP_TOKEN") -> Credential:
    """A bearer token; ``variable``: where a person has it."""
    return Credential(
        name, ("Authorization", f"Bearer {token}"), f"Authorization: Bearer ${variable}"
    )


def basic(name: str, key: str) -> Credential:
    """The two parts of an API key, as the token endpoint takes them (RFC 7617)."""
    _, client, secret = key.split("_", 2)
    given = base64.b64encode(f"{client}:{secret}".encode()).decode()
    parts = "$DOORSTEP_CLIENT_ID:$DOORSTEP_CLIENT_SECRET"
    shown = f"Authorization: Basic $(printf %s {parts} | base64 -w0)"
    return Credential(name, ("Authorization", f"Basic {given}"), shown)


class Door:
    """Asks a service. ``service``: gateway or inventory; ``asked``: is called for each request.

    ``shown``: its base for a person, if that is another.
    """

    def __init__(
        self, contract: Contract, recorder: Recorder, *, service: str, base: str,
        shown: str = "", credential: Credential = NOBODY, asked: Callable[[], None] | None = None,
    ) -> None:  # fmt: skip
        self.contract = contract
        self.base = base
        self._shown = shown or base
        self.service = service
        self.credential = credential
        self._recorder = recorder
        self._asked = asked
        self._problem = _validator(contract)

    def with_credential(self, credential: Credential) -> Door:
        """The same service for somebody else."""
        other = copy(self)
        other.credential = credential
        return other

    def ask(self, request: Request) -> Answer:
        """The service's answer; ``NoAnswer`` when there is none."""
        answer = send(self.base, request, self.credential.header)
        headers = _headers(request, self.credential)
        self._recorder.note(request.method, request.target, headers, answer.status)
        if self._asked:
            self._asked()
        return answer

    def fault(self, request: Request, answer: Answer) -> str:
        """How the answer is not what the contract declares, in words; empty when it is."""
        operation = self.contract.find(request.method, request.target)
        if operation is None or (
            answer.status in ANYWHERE and not self.contract.declares(operation, answer.status)
        ):
            bare = answer.status < 400 or request.method == "HEAD"
            return "" if bare else self._fault_of_a_problem(answer)
        responses = self.contract.responses(operation, self.service)
        lines = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers]
        fault, check = responses.check_head(request.method, answer.status, lines)
        return str(fault or (check(answer.body) if check else None) or "")

    def curl(self, request: Request) -> str:
        """A line for a shell that sends the request again."""
        return curl(self._shown, request, self.credential.shown)

    def _fault_of_a_problem(self, answer: Answer) -> str:
        if (answer.header("content-type") or "").partition(";")[0] != _PROBLEM:
            return "the error is no problem detail (application/problem+json)"
        try:
            body = answer.json()
        except ValueError:
            return "the problem detail is no JSON"
        if not self._problem.is_valid(body):
            return "the problem detail is not of its schema"
        return "" if body["status"] == answer.status else "the problem detail has another status"


def _headers(request: Request, credential: Credential) -> Mapping[str, str]:
    given = (*request.headers, *([credential.header] if credential.header else ()))
    return {
        name: value if isinstance(value, str) else value.decode("latin-1") for name, value in given
    }


def _validator(contract: Contract) -> Validator:
    """Of a problem detail, as far as the contract says what one is."""
    if "Problem" in contract.document.content.get("components", {}).get("schemas", {}):
        return compile_component(contract.document.content, "Problem")
    return compile_schema({"type": "object", "required": ["status"]})
