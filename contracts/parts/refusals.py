"""Refused for now: too many bad credentials, and an issuer of tokens that cannot be asked."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from contracts.door import Credential, Door, api_key, basic, bearer
from contracts.findings import CouldNotRun, Result
from contracts.samples import Samples
from contracts.services import free_port
from contracts.suite import Needs, Part, Stage
from contracts.wire import json_request
from openapi.document import Operation

NAME = "refusals"
TOO_MANY, UNAVAILABLE = 429, 503
_AT_ONCE = 8
# Of the form of a key, so that it is looked up; it is nobody's.
_KEY = "dsk_0123456789abcdef_" + "A" * 43
_ISSUER = "https://login.example.org/"


def judge(stage: Stage, result: Result) -> None:
    """Asks every operation that declares it, when it cannot be served for the moment."""
    nowhere = f"http://127.0.0.1:{free_port()}/keys"
    issuers = [{"iss": _ISSUER, "audience": "doorstep", "jwks_url": nowhere}]
    # One process, as each counts for itself.
    settings = {"GATEWAY_WORKERS": "1", "OIDC_ISSUERS": json.dumps(issuers)}
    # Elsewhere the suite is let off this limit, or it would be refused itself.
    with stage.fresh(UNLIMITED_NETWORKS="", **settings) as deployment:
        door = stage.gateway(NAME, deployment)
        _judge_issuer(door, result)
        _judge_limit(door, result)


def _judge_issuer(door: Door, result: Result) -> None:
    """The keys of a token's issuer cannot be had."""
    token = bearer("outside", _outside_token(), "TOKEN_OF_AN_OUTSIDE_ISSUER")
    for operation in _that_declare(door, UNAVAILABLE):
        if "OAuth2" in door.contract.schemes(operation):
            _ask(door.with_credential(token), operation, UNAVAILABLE, result,
                 "a client whose token's issuer cannot be asked for its keys")  # fmt: skip


def _judge_limit(door: Door, result: Result) -> None:
    """One address has used up its failures."""
    unknown = api_key("unknown", _KEY, "UNKNOWN_KEY")
    result.cases += _use_up(door.with_credential(unknown))
    for operation in _that_declare(door, TOO_MANY):
        bad = _bad_credential(door.contract.schemes(operation), unknown)
        _ask(door.with_credential(bad), operation, TOO_MANY, result,
             "an address that tried too many bad credentials")  # fmt: skip


def _that_declare(door: Door, status: int) -> Iterator[Operation]:
    for operation in door.contract.operations.values():
        if status in door.contract.declared_statuses(operation):
            yield operation


def _ask(door: Door, operation: Operation, status: int, result: Result, who: str) -> None:
    result.cases += 1
    request = Samples(door.contract, NAME).of(operation).request()
    answer = door.ask(request)
    if answer.status != status:
        result.find(f"{who} is answered {answer.status}", operation.operation_id,
                    f"{status} is what the contract declares.", door.curl(request))  # fmt: skip
    elif fault := door.fault(request, answer):
        result.find(f"a {status} is not as the contract declares it: {fault}",
                    operation.operation_id, answer.text, door.curl(request))  # fmt: skip


def _bad_credential(schemes: Collection[str], unknown: Credential) -> Credential:
    return basic("unknown", _KEY) if schemes == {"ClientCredentials"} else unknown


def _outside_token() -> str:
    claims = {"iss": _ISSUER, "aud": "doorstep", "sub": "a", "exp": int(time.time()) + 3600}
    return jwt.encode(claims, generate_private_key(65537, 2048), "RS256", headers={"kid": "any"})


def _use_up(door: Door) -> int:
    """Sends as many bad credentials as the contract has for an address; how many."""
    policies = (op.policy.failed_logins for op in door.contract.operations.values())
    limit = next((policy.limit for policy in policies if policy), None)
    if limit is None:
        raise CouldNotRun("the contract has no x-gateway.failed-logins")
    bad = json_request("GET", "/v1/devices")
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        list(pool.map(lambda _: door.ask(bad), range(limit + 1)))
    return limit + 1


PART = Part(NAME, "Refused for now", judge, needs=Needs.FRESH, lane="examples")
