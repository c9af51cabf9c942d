"""The command that tells what changed between two contracts.

Exit codes: 0 all well, 1 findings, 2 it could not run.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from contracts.changes.acceptance import read_acceptances
from contracts.changes.judgement import FAULTS, judged
from contracts.changes.releases import latest_release
from contracts.changes.releases import release as keep
from contracts.changes.report import FORMATS
from openapi import CONTRACT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``run`` takes: two documents, and the form of what it tells."""
    parser.add_argument(
        "old", nargs="?", type=Path, help="the document that clients use; the last release"
    )
    parser.add_argument("new", nargs="?", type=Path, default=CONTRACT, help="the tree's contract")
    parser.add_argument("--format", choices=[*FORMATS], default="text")


def run(options: argparse.Namespace) -> int:
    """Tells what changed. What was accepted counts for changes since the last release alone."""
    try:
        acceptances = read_acceptances() if options.old is None else []
        judgement = judged(options.old or latest_release(), options.new, acceptances)
    except FAULTS as exc:
        sys.stderr.write(f"The contracts could not be compared: {exc}\n")
        return 2
    sys.stdout.write(FORMATS[options.format](judgement))
    return 1 if judgement.findings else 0


def add_release_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``run_release`` takes: the contract."""
    parser.add_argument("contract", nargs="?", type=Path, default=CONTRACT)


def run_release(options: argparse.Namespace) -> int:
    """Keeps the contract as the release of its ``info.version``."""
    try:
        file = keep(options.contract)
    except FAULTS as exc:
        sys.stderr.write(f"The contract could not be released: {exc}\n")
        return 2
    sys.stdout.write(f"{file}\n")
    return 0
