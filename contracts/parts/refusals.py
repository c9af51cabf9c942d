"""Refused though well asked: too often, while a store or an issuer is busy, or of the first key."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from contracts.authorisation.credentials import UNKNOWN_KEY
from contracts.authorisation.keyring import client_of
from contracts.door import Credential, Door, api_key, basic, bearer
from contracts.findings import CouldNotRun, Result
from contracts.samples.making import Samples
from contracts.samples.place import kind_of
from contracts.samples.seeded import SeededSamples
from contracts.services import free_port
from contracts.suite import Needs, Part, Stage
from contracts.wire import Answer, Request, json_request
from openapi.document import Operation
from openapi.policy import RateLimit
from openapi.selection import scopes_of

NAME = "refusals"
CONFLICT, TOO_MANY, UNAVAILABLE = 409, 429, 503
_AT_ONCE = 8
_REACHED = 100  # requests that are sent in moments, whatever the machine
_STATE = '"{}";r=[0-9]+;t=[0-9]+'
_ISSUER = "https://login.example.org/"


def judge(stage: Stage, result: Result) -> None:
    """Asks every operation that declares it, when it is not to be served."""
    nowhere = f"http://127.0.0.1:{free_port()}/keys"
    issuers = [{"iss": _ISSUER, "audience": "doorstep", "jwks_url": nowhere}]
    # One process, as each counts for itself.
    settings = {"GATEWAY_WORKERS": "1", "OIDC_ISSUERS": json.dumps(issuers)}
    # Elsewhere the suite is let off this limit, or it would be refused itself.
    with stage.fresh(UNLIMITED_NETWORKS="", **settings) as deployment:
        door = stage.gateway(NAME, deployment)
        if stage.options.store == "sqlite" and deployment.services is not None:
            with _held(deployment.services.data / "inventory.db"):
                _judge_store(door, result)
        _judge_issuer(door, result)
        for operation in _that_declare(door, TOO_MANY):
            for limit in operation.policy.rate_limits:
                if limit.limit <= _REACHED:
                    key = deployment.make_key(NAME, scopes_of(door.contract.document))
                    _judge_rate_limit(door, operation, limit, key, result)
        _judge_first_key(door, deployment.key, result)  # where it is changed, it is gone
        _judge_limit(door, result)  # and here no good one is needed


@contextmanager
def _held(database: Path) -> Iterator[None]:
    """Nobody else writes to the SQLite file, as while another process takes its time with it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


def _judge_store(door: Door, result: Result) -> None:
    """The store does not take a write. One alone is asked for: each waits its turn first."""
    operation = door.contract.operations["create_customer"]
    answer = _ask(door, operation, UNAVAILABLE, result, "a client whose write the store refuses")
    if answer.status == UNAVAILABLE and not answer.header("retry-after"):
        result.find("a client whose write the store refuses is not told when to come again",
                    operation.operation_id, "The 503 has no Retry-After.")  # fmt: skip


def _judge_issuer(door: Door, result: Result) -> None:
    """The keys of a token's issuer cannot be had."""
    token = bearer("outside", _outside_token(), "TOKEN_OF_AN_OUTSIDE_ISSUER")
    for operation in _that_declare(door, UNAVAILABLE):
        if "OAuth2" in door.contract.schemes(operation):
            _ask(door.with_credential(token), operation, UNAVAILABLE, result,
                 "a client whose token's issuer cannot be asked for its keys")  # fmt: skip


def _judge_limit(door: Door, result: Result) -> None:
    """One address has used up its failures."""
    unknown = api_key("unknown", UNKNOWN_KEY, "UNKNOWN_KEY")
    result.cases += _use_up(door.with_credential(unknown))
    for operation in _that_declare(door, TOO_MANY):
        bad = _bad_credential(door.contract.schemes(operation), unknown)
        _ask(door.with_credential(bad), operation, TOO_MANY, result,
             "an address that tried too many bad credentials")  # fmt: skip


def _judge_first_key(door: Door, key: str, result: Result) -> None:
    """The first key is asked to change itself.

    Whoever got hold of it must not lock out those who own the machine.
    """
    samples = Samples(door.contract, lambda kind: f"{NAME}-{kind}")
    for operation in _that_declare(door, CONFLICT):
        if kind_of(operation) == "api-keys":
            request = samples.of(operation, {"api-keys": client_of(key)}).request()
            _judge_answer(door, operation, request, CONFLICT, result,
                          "a client that changes the key which the first start made")  # fmt: skip


def _judge_rate_limit(
    door: Door, operation: Operation, limit: RateLimit, key: str, result: Result
) -> None:
    """A client asks more often than it may, and is told so all the way."""
    basic_only = door.contract.schemes(operation) == {"ClientCredentials"}
    door = door.with_credential(basic(NAME, key) if basic_only else api_key(NAME, key))
    request = SeededSamples(door.contract, NAME).of(operation).request()
    name = operation.operation_id
    policy = f'"{limit.name}";q={limit.limit};w={limit.window}'
    for number in range(2 * limit.limit + 1):  # a window may end in between
        answer = door.ask(request)
        result.cases += 1
        told = answer.header("ratelimit-policy"), answer.header("ratelimit")
        if told[0] != policy or not re.fullmatch(_STATE.format(limit.name), told[1] or ""):
            result.find("a client is not told how much of a rate limit is left", name,
                        f"RateLimit-Policy is {told[0]} and RateLimit {told[1]} in answer "
                        f"{number + 1}; {policy} is the limit.", door.curl(request))  # fmt: skip
            return
        if answer.status == TOO_MANY:
            _judge_retry_after(operation, answer, limit, result)
            return
    result.find(f"{limit.limit} requests in {limit.window} s are let through, and more", name,
                f"None of {2 * limit.limit + 1} was answered 429.", door.curl(request))  # fmt: skip


def _judge_retry_after(
    operation: Operation, answer: Answer, limit: RateLimit, result: Result
) -> None:
    given = answer.header("retry-after") or ""
    if not (given.isdecimal() and 1 <= int(given) <= limit.window):
        result.find("a client that asked too often is not told when to come again",
                    operation.operation_id,
                    f"Retry-After is {given or 'missing'}; 1 to {limit.window} seconds would be "
                    "right.")  # fmt: skip


def _that_declare(door: Door, status: int) -> Iterator[Operation]:
    for operation in door.contract.operations.values():
        if status in door.contract.declared_statuses(operation):
            yield operation


def _ask(door: Door, operation: Operation, status: int, result: Result, who: str) -> Answer:
    request = SeededSamples(door.contract, NAME).of(operation).request()
    return _judge_answer(door, operation, request, status, result, who)


def _judge_answer(
    door: Door, operation: Operation, request: Request, status: int, result: Result, who: str
) -> Answer:
    result.cases += 1
    answer = door.ask(request)
    if answer.status != status:
        result.find(f"{who} is answered {answer.status}", operation.operation_id,
                    f"{status} is what the contract declares.", door.curl(request))  # fmt: skip
    elif fault := door.fault(request, answer):
        result.find(f"a {status} is not as the contract declares it: {fault}",
                    operation.operation_id, answer.text, door.curl(request), fault)  # fmt: skip
    return answer


def _bad_credential(schemes: Collection[str], unknown: Credential) -> Credential:
    return basic("unknown", UNKNOWN_KEY) if schemes == {"ClientCredentials"} else unknown


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


PART = Part(NAME, "Refused though well asked", judge, needs=Needs.FRESH, lane="examples")
