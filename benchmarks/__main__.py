"""``python -m benchmarks``: this project and two peers side by side.

Exit codes: 0 measured, 1 some answers were faults, 2 it could not run.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.contenders import Contender, contenders
from benchmarks.measure import PATHS, Measurement, measure, seed
from benchmarks.report import faults, table

Results = dict[str, dict[str, list[Measurement]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Starts everything, measures in interleaved rounds, and prints the table."""
    options = _parser().parse_args(arguments)
    if shutil.which("wrk") is None:
        sys.stderr.write("wrk is not installed: apt-get install wrk, or brew install wrk\n")
        return 2
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        chosen = _chosen(contenders(Path(folder)), options.only)
        try:
            # All stay up: who is not asked costs nothing, and everyone meets the same moments.
            for contender in chosen:
                contender.start()
                seed(contender)
            results = _measure(chosen, _chosen_scenarios(options.only), options)
        finally:
            for contender in chosen:
                contender.stop()
    return _report(results, options)


def _measure(chosen: list[Contender], scenarios: list[str], options: argparse.Namespace) -> Results:
    results: Results = {s: {c.name: [] for c in chosen} for s in scenarios}
    for number in range(1, options.rounds + 1):
        for scenario in scenarios:
            for contender in chosen:
                run = measure(contender, scenario, options.seconds, options.connections)
                results[scenario][contender.name].append(run)
                sys.stderr.write(f"round {number} {scenario} {contender.name} {run.rate:.0f}/s\n")
    return results


def _report(results: Results, options: argparse.Namespace) -> int:
    sys.stdout.write(table(results) + "\n")
    if options.json:
        plain = {
            s: {c: [dataclasses.asdict(r) for r in runs] for c, runs in each.items()}
            for s, each in results.items()
        }
        options.json.write_text(json.dumps(plain, indent=2))
    found = faults(results)
    sys.stdout.write("".join(f"FAULT {line}\n" for line in found))
    return 1 if found else 0


def _chosen(everyone: dict[str, Contender], only: list[str]) -> list[Contender]:
    return [c for name, c in everyone.items() if name in only] or list(everyone.values())


def _chosen_scenarios(only: list[str]) -> list[str]:
    return [name for name in PATHS if name in only] or list(PATHS)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--only", nargs="*", default=[], help="contenders and scenarios")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    return parser


if __name__ == "__main__":
    sys.exit(main())
