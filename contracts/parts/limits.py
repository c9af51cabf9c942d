"""Limits: who tries too many bad credentials is refused by every operation, as declared."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

from contracts.door import Credential, Door, api_key, basic
from contracts.findings import CouldNotRun, Result
from contracts.samples import Samples
from contracts.suite import Needs, Part, Stage
from contracts.wire import json_request

NAME = "limits"
TOO_MANY = 429
_AT_ONCE = 8
# Of the form of a key, so that it is looked up; it is nobody's.
_KEY = "dsk_0123456789abcdef_" + "A" * 43
_UNKNOWN = api_key("unknown", _KEY, "UNKNOWN_KEY")


def judge(stage: Stage, result: Result) -> None:
    """Uses up the failures that one address has, and then asks every operation that declares it."""
    # Elsewhere the suite is let off this limit, or it would be refused itself.
    with stage.fresh(UNLIMITED_NETWORKS="", GATEWAY_WORKERS="1") as deployment:
        door = stage.gateway(NAME, deployment).with_credential(_UNKNOWN)
        result.cases += _use_up(door)
        samples = Samples(stage.contract, "limits")
        for operation in stage.contract.operations.values():
            if TOO_MANY not in stage.contract.declared_statuses(operation):
                continue
            result.cases += 1
            request = samples.of(operation).request()
            door = door.with_credential(_bad_credential(stage.contract.schemes(operation)))
            answer = door.ask(request)
            if answer.status != TOO_MANY:
                result.find(
                    f"an address that tried too many bad credentials is answered {answer.status}",
                    operation.operation_id, "429 is what the contract declares.",
                    door.curl(request),
                )  # fmt: skip
            elif fault := door.fault(request, answer):
                result.find(f"a 429 is not as the contract declares it: {fault}",
                            operation.operation_id, answer.text, door.curl(request))  # fmt: skip


def _bad_credential(schemes: Collection[str]) -> Credential:
    return basic("unknown", _KEY) if schemes == {"ClientCredentials"} else _UNKNOWN


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


PART = Part(NAME, "Too many bad credentials", judge, needs=Needs.FRESH, lane="examples")
