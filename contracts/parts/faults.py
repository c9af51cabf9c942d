"""Whatever the service behind the gateway does: its client is told what the contract declares."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from contracts.deployment import Deployment
from contracts.door import Door
from contracts.faults.matrix import Matrix
from contracts.faults.patience import copy_with_patience
from contracts.faults.upstream import GatewayAlone, Upstream
from contracts.findings import Result
from contracts.services import ROOT, free_port
from contracts.suite import Needs, Part, Stage

NAME = "faults"
PATIENCE = 3  # seconds for an answer, instead of those of the contract


def judge(stage: Stage, result: Result) -> None:
    """Each fault for each operation that needs the service, and the service that is not there."""
    judge_of(ROOT, stage, result)


def judge_of(source: Path, stage: Stage, result: Result) -> None:
    """The same of another checkout."""
    folder = stage.folder / NAME
    root = copy_with_patience(source, folder / "code", PATIENCE)
    with closing(Upstream()) as upstream:
        matrix = Matrix(stage.contract, upstream, result)
        with _gateway(stage, root, folder / "faulty", upstream.port) as gateway:
            matrix.judge_faults(_door(stage, gateway))
            matrix.judge_oddities(_door(stage, gateway))
    with _gateway(stage, root, folder / "down", free_port()) as gateway:
        matrix.judge_down(_door(stage, gateway))
    result.tables += matrix.tables()


def _gateway(stage: Stage, root: Path, data: Path, port: int) -> GatewayAlone:
    """``port``: where it looks for the inventory."""
    url = f"http://127.0.0.1:{port}"
    gateway = GatewayAlone(data, {**stage.options.settings, "INVENTORY_URL": url})
    gateway.root = root
    return gateway


def _door(stage: Stage, gateway: GatewayAlone) -> Door:
    return stage.gateway(NAME, Deployment(gateway.gateway_url, gateway.admin_key))


PART = Part(NAME, "What a client is told when the inventory fails", judge, Needs.FRESH, "examples")
