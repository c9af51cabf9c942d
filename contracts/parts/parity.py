"""Parity: through the gateway, clients get what the inventory says, but for what is declared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from contracts.contract import Contract
from contracts.door import Door
from contracts.findings import Result, Table
from contracts.fuzzing.engine import Effort, fuzz
from contracts.fuzzing.growth import Growth
from contracts.fuzzing.targets import forwarded
from contracts.lists import read_list
from contracts.parity import cassette
from contracts.parity.cassette import Cassette, Exchange
from contracts.parity.twins import Twins
from contracts.seeds.planting import plant_seeds
from contracts.suite import Needs, Part, Stage
from contracts.wire import NoAnswer, Request

NAME = "parity"
DIFFERENCES = Path(__file__).parents[1] / "differences.yaml"
_TEXT = {"type": "string", "minLength": 1}
_FORM = {
    "type": "array",
    "items": {
        "type": "object",
        "required": ["reason"],
        "oneOf": [{"required": ["header"]}, {"required": ["field"]}],
        "additionalProperties": False,
        "properties": {
            "header": _TEXT,
            "field": _TEXT,
            "reason": {"type": "string", "minLength": 10},
        },
    },
}
_CREDENTIALS = ("x-api-key", "authorization")
_OF_A_CONNECTION = ("host", "connection", "content-length", "transfer-encoding", "accept-encoding")


def judge(stage: Stage, result: Result) -> None:
    """Has requests generated through one twin's gateway, and asks the other's inventory."""
    reasons = declared_differences()
    twins = Twins(datetime.now(UTC), reasons)
    tape, key = _record(stage, result)
    counts: Counter[str] = Counter()
    with stage.fresh() as deployment:
        plant_seeds(deployment)
        door = stage.inventory(NAME, deployment)
        for exchange in tape.exchanges():
            operation = stage.contract.find(exchange.request.method, exchange.request.target)
            if operation is None or not _is_by(exchange.request, key):
                continue
            counts[operation.operation_id] += 1
            _compare(door, twins, exchange, operation.operation_id, result)
    result.cases = counts.total()
    _tell_of_declared(result, twins, reasons)
    result.tables.append(_table(stage.contract, counts))


def declared_differences(file: Path = DIFFERENCES) -> dict[str, str]:
    """Where answers may differ, as ``header date``, and why."""
    entries = read_list(file, _FORM)
    return {
        f"{kind} {entry[kind]}": entry["reason"]
        for entry in entries
        for kind in ("header", "field")
        if kind in entry
    }


def _record(stage: Stage, result: Result) -> tuple[Cassette, str]:
    """What was asked of the gateway and answered, and the key that it was asked with."""
    folder = stage.folder / NAME
    folder.mkdir()
    tape = Cassette(folder / "cassette.jsonl")
    with stage.fresh() as deployment:
        plant_seeds(deployment)
        target = forwarded(deployment, stage.contract, folder)
        effort = Effort(
            stage.options.seed, max(1, stage.options.max_examples // 5),
            checks="not_a_server_error", phases="examples,coverage,fuzzing",
        )  # fmt: skip
        notes = {cassette.VARIABLE: str(tape.file)}
        growth = Growth(tape.file)
        fuzzed = fuzz(
            target, effort, notes, folder, stage.options.stop,
            meanwhile=lambda: stage.advance(NAME, growth.lines()),
        )  # fmt: skip
        result.findings += fuzzed.findings
        return tape, deployment.key


def _is_by(request: Request, key: str) -> bool:
    """Whether it is of the one credential that has a twin."""
    return [value for name, value in request.headers if name.lower() in _CREDENTIALS] == [
        key.encode()
    ]


def _compare(door: Door, twins: Twins, there: Exchange, operation: str, result: Result) -> None:
    kept = tuple(
        (name, value) for name, value in there.request.headers
        if name.lower() not in (*_CREDENTIALS, *_OF_A_CONNECTION)
    )  # fmt: skip
    asked = there.request
    request = twins.translate(Request(asked.method, asked.target, kept, asked.body))
    try:
        here = door.ask(request)
    except NoAnswer as exc:
        result.find(f"the inventory itself does not answer: {exc}", operation, "",
                    door.curl(request))  # fmt: skip
        return
    for difference in twins.differences(there.answer, here):
        result.find(
            f"the gateway's answer is not the inventory's: {difference.partition(':')[0]} differs",
            operation,
            f"Through the gateway {difference}.\nA difference that is meant stands in "
            f"contracts/{DIFFERENCES.name}.",
            door.curl(request),
        )


def _tell_of_declared(result: Result, twins: Twins, reasons: Mapping[str, str]) -> None:
    for place in reasons.keys() - twins.seen:
        result.find(f"{DIFFERENCES.name} declares {place}, which did not differ",
                    detail="Take it out of the list.")  # fmt: skip
    rows = sorted(reasons.items())
    result.tables.append(Table("Declared differences", ("where", "why"), rows))


def _table(contract: Contract, counts: Mapping[str, int]) -> Table:
    rows = [(op.operation_id, str(counts[op.operation_id])) for op in contract.forwarded]
    return Table("Compared answers", ("operation", "answers"), rows)


PART = Part(NAME, "Parity of gateway and inventory", judge, needs=Needs.FRESH)
