"""All probes of an operation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from contracts.contract import Contract
from contracts.findings import CouldNotRun
from contracts.probes.bodies import body_probes
from contracts.probes.conditions import KEY, condition_probes
from contracts.probes.methods import method_probes
from contracts.probes.probe import Probe
from contracts.probes.targets import header_probes, identifier_probes, path_probes, query_probes
from contracts.samples.seeded import SeededSamples
from openapi.document import Operation


def compile_probes(
    contract: Contract,
    operation: Operation,
    samples: SeededSamples,
    media_type: str,
    *,
    first: bool = True,
) -> Iterator[Probe]:
    """The probes of one operation and one media type of its body.

    ``first``: with what does not depend on the media type.
    """
    new = partial(samples.of, operation, media_type)
    yield from body_probes(new, operation.policy.body_limit)
    if not first:
        return
    declared = [contract.resolved(p) for p in contract.parameters(operation)]
    yield from path_probes(new())
    for parameter in (p for p in declared if p["in"] == "path"):
        yield from identifier_probes(new(), parameter)
    yield from query_probes(new(), declared)
    yield from header_probes(new())
    headers = {p["name"] for p in declared if p["in"] == "header"}
    yield from condition_probes(
        new,
        partial(samples.of, _with_key(contract)),
        contract.declared_statuses(operation),
        headers,
    )
    yield from method_probes(new(), methods_of(contract, operation.path))


def methods_of(contract: Contract, path: str) -> frozenset[str]:
    """The methods that the contract has for a path, in capital letters."""
    return frozenset(op.method.upper() for op in contract.document.operations if op.path == path)


def _with_key(contract: Contract) -> Operation:
    """An operation that makes something, once for each key."""
    for operation in contract.operations.values():
        names = {parameter["name"] for parameter in contract.parameters(operation)}
        if KEY in names and operation.method == "post" and "{" not in operation.path:
            return operation
    raise CouldNotRun(f"no operation takes {KEY}")
