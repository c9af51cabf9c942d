"""Wire probes: for every operation, the malformed requests that no generator sends."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from contracts.door import Door, basic
from contracts.findings import Result, Table
from contracts.probes.compile import compile_probes, methods_of
from contracts.probes.probe import Probe
from contracts.samples.seeded import SeededSamples
from contracts.seeds.planting import plant_references
from contracts.suite import Part, Stage
from contracts.wire import Answer, NoAnswer
from openapi.document import Operation

_UNDECLARED = "but not as the contract declares it"
NAME = "probes"
_ALIKE = ("content-type", "etag", "cache-control")  # of GET and HEAD


def judge(stage: Stage, result: Result) -> None:
    """Sends every probe to the gateway, and to the inventory where it can be asked."""
    plant_references(stage.deployment)
    samples = SeededSamples(stage.contract, f"probe{stage.options.seed}")
    rows = []
    for operation in stage.contract.operations.values():
        cases, findings = result.cases, len(result.findings)
        for door in _doors(stage, operation):
            _judge_operation(door, samples, operation, result)
        rows.append((operation.operation_id, result.cases - cases, len(result.findings) - findings))
        if stage.options.fail_fast and result.findings:
            break  # each that is not answered takes a while
    columns = ("operation", "probes", "findings")
    result.tables.append(Table("Probes", columns, [tuple(map(str, row)) for row in rows]))


def _doors(stage: Stage, operation: Operation) -> Iterator[Door]:
    gateway = stage.gateway(NAME)
    if stage.contract.schemes(operation) == {"ClientCredentials"}:
        gateway = gateway.with_credential(basic("admin", stage.deployment.key))
    yield gateway
    if operation.policy.upstream and stage.deployment.has_inventory:
        yield stage.inventory(NAME)


def _judge_operation(
    door: Door, samples: SeededSamples, operation: Operation, result: Result
) -> None:
    media_types = list(door.contract.request_bodies(operation)) or [""]
    for media_type in media_types:
        new = partial(samples.of, operation, media_type)
        request = new().request()
        plain = door.ask(request)
        first = media_type == media_types[0]
        served = {s for s in door.contract.declared_statuses(operation) if s < 500}
        asis = Probe("nothing odd", request, served, "it is valid")
        for probe in (
            asis,
            *compile_probes(door.contract, operation, samples, media_type, first=first),
        ):
            result.cases += 1
            if what := _fault(door, operation, probe, plain):
                _find(result, door, operation, probe, what)


def _fault(door: Door, operation: Operation, probe: Probe, plain: Answer) -> str:
    """How the answer is not what it has to be; empty when it is."""
    try:
        if probe.before and door.ask(probe.before).status >= 400:
            return ""  # of what is not there; the coverage tells whether none was accepted
        answer = door.ask(probe.request)
    except NoAnswer as exc:
        return f"was not answered at all ({exc})"
    if not (answer.status in probe.statuses if probe.statuses else _alike(plain, answer)):
        return f"was answered {answer.status}"
    if fault := door.fault(probe.request, answer) if probe.request.method != "OPTIONS" else "":
        return f"was answered {answer.status}, {_UNDECLARED}: {fault}"
    if probe.request.method == "HEAD" and answer.status < 400:
        return _head_fault(plain, answer)
    if answer.status == 405 or probe.request.method == "OPTIONS":
        return _allow_fault(door, operation, answer)
    return ""


def _alike(plain: Answer, answer: Answer) -> bool:
    """Any success is as good as another: an import in chunks, of unknown size, becomes a job."""
    return plain.status == answer.status or plain.status // 100 == answer.status // 100 == 2


def _head_fault(plain: Answer, answer: Answer) -> str:
    if answer.body:
        return "was answered with a body"
    different = [name for name in _ALIKE if plain.header(name) != answer.header(name)]
    return f"was answered with another {different[0]} than GET" if different else ""


def _allow_fault(door: Door, operation: Operation, answer: Answer) -> str:
    methods = methods_of(door.contract, operation.path)
    right = methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())
    given = answer.header("allow")
    if given is not None and {name.strip() for name in given.split(",")} == right:
        return ""
    return f"was answered with Allow: {given}, where the path has {', '.join(sorted(right))}"


def _find(result: Result, door: Door, operation: Operation, probe: Probe, what: str) -> None:
    right = " or ".join(str(status) for status in sorted(probe.statuses))
    result.find(
        f"at the {door.service}, a request with {probe.name} {what}",
        operation.operation_id,
        f"Right would be {right or 'what answers the plain request'}"
        + (f": {probe.why}." if probe.why else "."),
        door.curl(probe.request),
        cause=what if _UNDECLARED in what else "",  # whatever the probe was
    )


PART = Part(NAME, "Wire probes", judge)
