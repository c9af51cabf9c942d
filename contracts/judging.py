"""The command that runs the suite and reports what it came to."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.findings import CouldNotRun, Result, Run
from contracts.parts import PARTS
from contracts.stores import STORES
from contracts.suite import Options, Part, run

KEY_VARIABLE = "DOORSTEP_API_KEY"


def main(arguments: Sequence[str]) -> int:
    """Runs the suite; 0 all well, 1 findings, 2 it could not run."""
    options = _parser().parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory(prefix="doorstep-contracts-") as folder:
            found = judge(options, arguments, Path(folder))
    except CouldNotRun as exc:
        _say(str(exc))
        return 2
    return 1 if found.findings else 0


def judge(options: argparse.Namespace, arguments: Sequence[str], folder: Path) -> Run:
    """Runs the parts that were asked for, and writes their reports."""
    contract = Contract()
    started, clock = datetime.now(UTC), time.monotonic()
    results = run(_parts(options.only), contract, _options(options), folder, _Lines())
    found = Run(
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        contract=contract.version,
        subject=options.gateway_url or "fresh services of this checkout",
        seed=options.seed,
        command=shlex.join(["python", "-m", "contracts", *arguments]),
        seconds=time.monotonic() - clock,
        results=results,
    )
    for finding in found.findings:
        _say(f"\n{finding}")
    return found


class _Lines:
    """Progress as plain lines."""

    def started(self, result: Result) -> None:
        """Says nothing: parts run beside each other."""

    def ended(self, result: Result) -> None:
        """One line for the part."""
        count = len(result.findings)
        outcome = result.skipped or (f"{count} finding(s)" if count else "all well")
        _say(f"{result.part:<16} {result.cases:>6} cases {result.seconds:>6.1f} s  {outcome}")


def _parts(only: Sequence[str] | None) -> list[Part]:
    wanted = [part for name in only or () for part in _named(name)]
    return [part for part in PARTS if not only or part in wanted]


def _options(options: argparse.Namespace) -> Options:
    workers = {
        "GATEWAY_WORKERS": str(options.gateway_workers),
        "INVENTORY_WORKERS": str(options.inventory_workers),
    }
    return Options(
        seed=options.seed,
        max_examples=options.max_examples,
        seconds=options.time,
        store=options.store,
        settings=workers,
        given=_given(options),
    )


def _given(options: argparse.Namespace) -> Deployment | None:
    if not options.gateway_url:
        return None
    key = os.environ.get(KEY_VARIABLE)
    if not key:
        raise CouldNotRun(f"set {KEY_VARIABLE} to a key of {options.gateway_url} with every scope")
    return Deployment(options.gateway_url, key, options.inventory_url or "", options.signing_key)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contracts", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    names = [part.name for part in PARTS]
    parser.add_argument(
        "--only", action="append", metavar="PART", type=_part_name,
        help=f"this part alone, may be given several times: {', '.join(names)}",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of what is generated (%(default)s)")
    parser.add_argument(
        "--max-examples", type=_positive, default=15, metavar="N",
        help="generated for an operation and phase (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--time", type=_positive, metavar="SECONDS", help="for each fuzzing, which goes on so long"
    )
    _add_services(parser)
    return parser


def _add_services(parser: argparse.ArgumentParser) -> None:
    fresh = parser.add_argument_group("fresh services")
    fresh.add_argument("--store", choices=STORES, default="sqlite")
    for service in ("gateway", "inventory"):
        fresh.add_argument(
            f"--{service}-workers", type=_positive, default=1, metavar="N", help="processes"
        )
    given = parser.add_argument_group(
        "running services", f"instead of fresh ones, with a key of every scope in {KEY_VARIABLE}"
    )
    given.add_argument("--gateway-url", metavar="URL")
    given.add_argument("--inventory-url", metavar="URL")
    given.add_argument(
        "--signing-key", type=Path, metavar="FILE", help="the gateway's, to ask the inventory by"
    )


def _part_name(text: str) -> str:
    if not _named(text):
        raise argparse.ArgumentTypeError(f"there is no part {text}")
    return text


def _named(name: str) -> list[Part]:
    """The part of this name; ``fuzz`` stands for all whose names begin so."""
    return [part for part in PARTS if part.name == name or part.name.startswith(f"{name}-")]


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
