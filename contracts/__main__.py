"""``python -m contracts``: fresh services against the contract.

Exit codes: 0 all well, 1 findings, 2 it could not run.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence

from contracts.findings import CouldNotRun
from contracts.gate import Verdict, run
from contracts.services import NotReady
from contracts.targets import TARGETS


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the gate for each target and seed, and prints a table."""
    options = _parser().parse_args(arguments)
    verdicts = []
    for target in options.only or TARGETS:
        for seed in options.seed or [1]:
            try:
                verdict = _run(target, seed, options)
            except (NotReady, CouldNotRun) as exc:
                _say(f"{target} could not be judged: {exc}")
                return 2
            _say(_row(verdict))
            verdicts.append(verdict)
    findings = [finding for verdict in verdicts for finding in verdict.findings]
    for finding in findings:
        _say(f"\n{finding}")
    return 1 if findings else 0


def _run(target: str, seed: int, options: argparse.Namespace) -> Verdict:
    with tempfile.TemporaryDirectory(prefix="doorstep-shelf-") as shelf:
        settings = _settings(options, shelf)
        return run(target, seed=seed, max_examples=options.max_examples, settings=settings)


def _settings(options: argparse.Namespace, shelf: str) -> dict[str, str]:
    """What the services are started with. A shelf is one process's alone."""
    of_the_inventory = 1 if options.store == "shelve" else options.inventory_workers
    settings = {
        "GATEWAY_WORKERS": str(options.gateway_workers),
        "INVENTORY_WORKERS": str(of_the_inventory),
    }
    return settings | ({"DATABASE_URL": f"shelve:{shelf}"} if options.store == "shelve" else {})


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="contracts", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(TARGETS), help="this service alone")
    parser.add_argument("--seed", action="append", type=int, help="1; may be given several times")
    parser.add_argument("--max-examples", type=_positive, default=20, help="an operation and phase")
    parser.add_argument("--store", choices=["sqlite", "shelve"], default="sqlite")
    for service in ("gateway", "inventory"):
        parser.add_argument(
            f"--{service}-workers", type=_positive, default=1, help=f"processes of the {service}"
        )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("has to be 1 or more")
    return number


def _row(verdict: Verdict) -> str:
    outcome = f"{len(verdict.findings)} finding(s)" if verdict.findings else "all well"
    return (
        f"{verdict.target:<10} seed {verdict.seed:<6} {verdict.cases:>6} cases"
        f" {verdict.seconds:>7.1f} s  {outcome}"
    )


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
