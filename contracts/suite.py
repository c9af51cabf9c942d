"""The parts of the suite, and what runs them: beside each other where they can be."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

import requests

from contracts.contract import Contract
from contracts.deployment import Deployment, fresh
from contracts.door import Credential, Door
from contracts.findings import CouldNotRun, CutShort, Result
from contracts.ledger import Ledger
from contracts.recorder import Recorder
from contracts.services import NotReady
from contracts.stopping import Stop, Stopped
from contracts.stores import NoServer
from contracts.wire import NoAnswer
from openapi.selection import scopes_of

NO_INVENTORY = "it asks the inventory directly: give --inventory-url and --signing-key"


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    ``max_examples``: generated cases an operation and phase. ``seconds``: how long each fuzzing
    may take, and goes on for; None: as its examples take. ``fail_fast``: no part is started once
    one has found something. ``whole``: all parts are run. ``settings``: environment variables for
    services that are started. ``given``: services that run already, instead of fresh ones.
    """

    seed: int = 1
    max_examples: int = 8
    seconds: int | None = None
    fail_fast: bool = False
    whole: bool = True
    store: str = "sqlite"
    settings: Mapping[str, str] = field(default_factory=dict)
    given: Deployment | None = None
    stop: Stop = field(default_factory=Stop)


class Needs:
    """What a part has to have to judge anything."""

    NOTHING = "nothing"
    GATEWAY = "gateway"
    INVENTORY = "inventory"  # asked directly, with the gateway's key
    FRESH = "fresh"  # services that it starts itself
    ALL = "all"  # a whole run of fresh services


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the suite. ``name``: on the command line; parts of one ``lane`` take turns.

    ``judge`` adds what it finds to the result.
    """

    name: str
    title: str
    judge: Callable[[Stage, Result], None]
    needs: str = Needs.GATEWAY
    lane: str = "shared"


class Stage:
    """What a part works with. The services are started when the first part asks for them."""

    def __init__(
        self,
        contract: Contract,
        ledger: Ledger,
        options: Options,
        folder: Path,
        progress: Progress | None = None,
    ) -> None:
        self.contract = contract
        self.ledger = ledger
        self.options = options
        self.folder = folder
        self._progress = progress
        self._stack = ExitStack()
        self._deployment = options.given

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def deployment(self) -> Deployment:
        """The services that the parts of this lane share."""
        if self._deployment is None:
            self._deployment = self._stack.enter_context(self.fresh())
        return self._deployment

    def fresh(self, **settings: str) -> AbstractContextManager[Deployment]:
        """Services of its own for a part; ``settings``: further environment variables."""
        return fresh({**self.options.settings, **settings}, self.options.store)

    def gateway(self, part: str, deployment: Deployment | None = None) -> Door:
        """The gateway, asked with the admin's key."""
        to = deployment or self.deployment
        return self._door(part, "gateway", (to.gateway_url, to.gateway_shown), to.admin)

    def inventory(self, part: str, deployment: Deployment | None = None) -> Door:
        """The inventory, asked as the gateway asks for the admin's key."""
        to = deployment or self.deployment
        identity = to.identity(sorted(scopes_of(self.contract.document)))
        return self._door(part, "inventory", (to.inventory_url, to.inventory_shown), identity)

    def _door(self, part: str, service: str, base: tuple[str, str], credential: Credential) -> Door:
        recorder = Recorder(self.contract, self.ledger, part=part, service=service)
        return Door(
            self.contract, recorder, service=service, base=base[0], shown=base[1],
            credential=credential, asked=partial(self._asked, part),
        )  # fmt: skip

    def advance(self, part: str, cases: int = 1) -> None:
        """Tells whoever watches that the part judged so many more."""
        if self._progress and cases:
            self._progress.advanced(part, cases)

    def _asked(self, part: str) -> None:
        self.options.stop.check()
        self.advance(part)


class Progress(Protocol):
    """Is told how far the run is, from several threads at once."""

    def started(self, part: str) -> None:
        """A part begins."""

    def advanced(self, part: str, cases: int = 1) -> None:
        """It judged so many more cases."""

    def ended(self, result: Result) -> None:
        """A part is over."""


def run(
    parts: Sequence[Part], contract: Contract, options: Options, folder: Path, progress: Progress
) -> list[Result]:
    """Runs the parts, those of different lanes beside each other, and returns them in order.

    ``folder``: where they leave what they write. ``CutShort`` when one came to no verdict, or the
    run was interrupted.
    """
    results = {part.name: Result(part.name, part.title) for part in parts}
    ended = set()
    ledger = Ledger(folder / "ledger.jsonl")

    def run_lane(lane: Sequence[Part]) -> None:
        with Stage(contract, ledger, options, folder, progress) as stage:
            for part in lane:
                result = results[part.name]
                if options.fail_fast and any(other.findings for other in results.values()):
                    result.skipped = "another part has found something already"
                    progress.ended(result)
                else:
                    _run_part(part, stage, result, progress)
                ended.add(part.name)

    try:
        for lanes in _rounds(parts):
            _run_lanes(run_lane, lanes, options.stop)
    except (CouldNotRun, KeyboardInterrupt) as exc:
        for name in results.keys() - ended:
            results[name].skipped = results[name].skipped or "the run ended before it did"
        raise CutShort(str(exc) or "the run was interrupted", list(results.values())) from exc
    return list(results.values())


def _run_lanes(
    run_lane: Callable[[Sequence[Part]], None], lanes: Sequence[Sequence[Part]], stop: Stop
) -> None:
    with ThreadPoolExecutor(len(lanes)) as pool:
        running = [pool.submit(run_lane, lane) for lane in lanes]
        try:
            wait(running)  # what one lane finds is worth knowing though another could not be judged
        except KeyboardInterrupt:
            stop.set()
            raise
    for lane in running:
        lane.result()


LAST = "last"  # the lane of parts that read what all others did


def _rounds(parts: Sequence[Part]) -> Iterator[list[list[Part]]]:
    lanes: dict[str, list[Part]] = {}
    for part in parts:
        lanes.setdefault(part.lane, []).append(part)
    last = lanes.pop(LAST, None)
    if lanes:
        yield list(lanes.values())
    if last:
        yield [last]


def _run_part(part: Part, stage: Stage, result: Result, progress: Progress) -> None:
    progress.started(part.name)
    with _timed(result):
        result.skipped = _missing(part, stage.options)
        if not result.skipped:
            try:
                part.judge(stage, result)
            except (NotReady, NoServer, NoAnswer, Stopped, requests.RequestException) as exc:
                result.skipped = f"it could not be judged: {exc}"
                raise CouldNotRun(f"{part.name} could not be judged: {exc}") from exc
            _check_not_vacuous(result)
    progress.ended(result)


def _check_not_vacuous(result: Result) -> None:
    if not (result.cases or result.findings or result.skipped):
        result.skipped = "there was nothing to judge"
        raise CouldNotRun(f"{result.part} had nothing to judge, which is no pass")


def _missing(part: Part, options: Options) -> str:
    """Why the part cannot be judged; empty when it can."""
    if part.needs == Needs.ALL and not options.whole:
        return "it judges what all parts did together"
    given = options.given
    if given is None or part.needs in (Needs.NOTHING, Needs.GATEWAY):
        return ""
    if part.needs in (Needs.FRESH, Needs.ALL):
        return "it starts services of its own, and these run already"
    return "" if given.has_inventory else NO_INVENTORY


@contextmanager
def _timed(result: Result) -> Iterator[None]:
    started = time.monotonic()
    try:
        yield
    finally:
        result.seconds = time.monotonic() - started
