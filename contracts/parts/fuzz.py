"""Fuzzing: Schemathesis against both services, and against two customers at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import partial

from contracts import logs
from contracts.changes.judgement import FAULTS
from contracts.changes.releases import latest_release
from contracts.deployment import Deployment
from contracts.findings import CouldNotRun, Result, Table
from contracts.fuzzing.engine import Effort, fuzz
from contracts.fuzzing.growth import Growth
from contracts.fuzzing.targets import Target, TargetOf, gateway, inventory, released, tenants
from contracts.ledger import (
    CONTRACT_VARIABLE,
    PART_VARIABLE,
    SERVICE_VARIABLE,
    VARIABLE,
    Ledger,
)
from contracts.seeds.planting import plant_seeds
from contracts.suite import Needs, Part, Stage

_KINDS = {2: "accepted", 3: "accepted", 4: "refused", 5: "failed"}


def judge(target_of: TargetOf, stage: Stage, result: Result, *, guarded: bool = True) -> None:
    """Fuzzes fresh services, or the given ones, and reads what their logs say.

    ``guarded``: every operation has to be accepted at least once.
    """
    if stage.options.given:
        _judge(target_of, stage, result, stage.options.given, guarded)
        return
    # The same seed gives the same cases on a fresh server alone.
    with stage.fresh() as deployment:
        _judge(target_of, stage, result, deployment, guarded)
        if deployment.services:
            deployment.services.stop()  # what waits to be logged is written when a service ends
            for service in ("gateway", "inventory"):
                for error in logs.errors(deployment.services.log(service)):
                    result.find(f"the {service} logged an error of its own", detail=error)


def replay(stage: Stage, result: Result) -> None:
    """Fuzzes the gateway by the contract that was last released, if it is another than now."""
    try:
        file = latest_release()
    except FAULTS as exc:
        raise CouldNotRun(f"there is no release to replay: {exc}") from exc
    if file.read_bytes() == stage.contract.file.read_bytes():
        result.skipped = "nothing changed since the last release: fuzz-gateway replays it"
        return
    judge(released, stage, result)


def _judge(
    target_of: TargetOf, stage: Stage, result: Result, deployment: Deployment, guarded: bool
) -> None:
    plant_seeds(deployment)
    folder = stage.folder / result.part
    folder.mkdir(parents=True, exist_ok=True)
    target = target_of(deployment, stage.contract, folder)
    effort = Effort(stage.options.seed, stage.options.max_examples, stage.options.seconds)
    notes = {
        VARIABLE: str(stage.ledger.file),
        PART_VARIABLE: result.part,
        SERVICE_VARIABLE: target.service,
        CONTRACT_VARIABLE: str(stage.contract.file),
    }
    growth = Growth(stage.ledger.file, Ledger.start(result.part))
    fuzzed = fuzz(
        target, effort, notes, folder, stage.options.stop,
        meanwhile=lambda: stage.advance(result.part, growth.lines()),
    )  # fmt: skip
    result.cases += fuzzed.cases
    result.findings += fuzzed.findings
    result.tables.append(_table(target, stage.ledger, result))
    if guarded:
        for operation in never_accepted(stage.ledger, result.part, target.operation_ids.values()):
            result.find(
                "no request was ever accepted (2xx), so nothing of what it answers was judged",
                operation,
            )


def never_accepted(ledger: Ledger, part: str, operation_ids: Collection[str]) -> list[str]:
    """The operations that no request was accepted by (2xx): fuzzing them proved nothing."""
    accepted = {e.operation for e in ledger.entries() if e.part == part and e.status // 100 == 2}
    return sorted(set(operation_ids) - accepted)


def _table(target: Target, ledger: Ledger, result: Result) -> Table:
    counts = Counter(
        (entry.operation, _KINDS[entry.status // 100])
        for entry in ledger.entries()
        if entry.part == result.part
    )
    kinds = list(dict.fromkeys(_KINDS.values()))
    rows = [
        (operation, *(str(counts[operation, kind]) for kind in kinds))
        for operation in target.operation_ids.values()
    ]
    return Table("Requests by what answered them", ("operation", *kinds), rows)


PARTS = (
    Part("fuzz-gateway", "Fuzzing: the gateway", partial(judge, gateway), lane="gateway"),
    Part(
        "fuzz-inventory", "Fuzzing: the inventory", partial(judge, inventory),
        needs=Needs.INVENTORY, lane="inventory",
    ),
    Part(
        "fuzz-tenants", "Fuzzing: two customers", partial(judge, tenants, guarded=False),
        lane="inventory",
    ),
    Part("fuzz-released", "Fuzzing: the released contract", replay, lane="inventory"),
)  # fmt: skip
