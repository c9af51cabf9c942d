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
from urllib.parse import urlsplit

from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.findings import CouldNotRun, CutShort, Result, Run, Verdict
from contracts.parts import PARTS
from contracts.report.data import write_json
from contracts.report.html import write_html
from contracts.report.junit import write_junit
from contracts.report.terminal import Progress, write_terminal
from contracts.report.words import visible
from contracts.stopping import ended_like_ctrl_c
from contracts.stores import STORES
from contracts.suite import Options, Part, run

KEY_VARIABLE = "DOORSTEP_API_KEY"


REPORT = Path("contracts-report")
NO_VERDICT, INTERRUPTED = 2, 130
_CODES = {Verdict.ALL_WELL: 0, Verdict.FINDINGS: 1, Verdict.SKIPPED: NO_VERDICT}
_HELP = """\
exit codes: 0 all well, 1 findings, 2 it could not run

further commands: python -m contracts diff | release | mock | mutate (each has --help)
"""


def main(arguments: Sequence[str]) -> int:
    """Runs the suite; 0 all well, 1 findings, 2 it could not run, 130 it was interrupted."""
    options = _parser().parse_args(arguments)
    try:
        with ended_like_ctrl_c(), tempfile.TemporaryDirectory(prefix="doorstep-contracts-") as at:
            return _judge(options, arguments, Path(at))
    except CouldNotRun as exc:
        sys.stderr.write(f"{visible(str(exc))}\n")
        return NO_VERDICT


def _judge(options: argparse.Namespace, arguments: Sequence[str], folder: Path) -> int:
    """Runs the parts that were asked for, and reports; ``folder``: for what they leave behind."""
    contract, wanted = Contract(), _options(options)
    _check_writable(options.report)
    started, clock = datetime.now(UTC), time.monotonic()
    told = ""
    code = None
    try:
        with Progress(sys.stdout) as progress:
            results: Sequence[Result] = run(
                _parts(options.only), contract, wanted, folder, progress
            )
    except CutShort as exc:
        results, told = exc.results, str(exc)
        code = INTERRUPTED if isinstance(exc.__cause__, KeyboardInterrupt) else NO_VERDICT
    found = Run(
        started=f"{started:%Y-%m-%dT%H:%M:%SZ}",
        contract=contract.version,
        subject=options.gateway_url or f"fresh services of this checkout ({options.store})",
        seed=options.seed,
        command=shlex.join(["python", "-m", "contracts", *arguments]),
        seconds=time.monotonic() - clock,
        results=results,
    )
    _report(found, options.report)
    if told:
        sys.stderr.write(f"{visible(told)}\n")
    return _CODES[found.verdict] if code is None else code


def _check_writable(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as exc:
        raise CouldNotRun(f"--report {folder}: {exc.strerror}") from exc


def _report(found: Run, folder: Path) -> None:
    write_html(found, folder / "report.html")
    write_junit(found, folder / "junit.xml")
    write_json(found, folder / "report.json")
    write_terminal(found, sys.stdout)
    sys.stdout.write(f"The report is {(folder / 'report.html').resolve()}\n")


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
        fail_fast=options.fail_fast,
        whole=not options.only,
        store=options.store,
        settings=workers,
        given=_given(options),
    )


def _given(options: argparse.Namespace) -> Deployment | None:
    if not options.gateway_url:
        if options.inventory_url or options.signing_key:
            raise CouldNotRun("--inventory-url and --signing-key go with --gateway-url")
        return None
    key = os.environ.get(KEY_VARIABLE, "")
    if key.count("_") < 2:
        raise CouldNotRun(f"set {KEY_VARIABLE} to a key of {options.gateway_url} with every scope")
    if options.signing_key and not options.signing_key.is_file():
        raise CouldNotRun(f"--signing-key: there is no file {options.signing_key}")
    return Deployment(options.gateway_url, key, options.inventory_url or "", options.signing_key)


def _url(text: str) -> str:
    try:
        url = urlsplit(text)
        usable = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment or url.username:
        raise argparse.ArgumentTypeError("has to be like https://doorstep.example.org:8080")
    return text.rstrip("/")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="contracts", description=__doc__, epilog=_HELP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    names = [part.name for part in PARTS]
    parser.add_argument(
        "--only", action="append", metavar="PART", type=_part_name,
        help=f"this part alone, may be given several times: {', '.join(names)}",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, default=1, help="of what is generated (%(default)s)")
    parser.add_argument(
        "--max-examples", type=_positive, default=8, metavar="N",
        help="generated for an operation and phase (%(default)s)",
    )  # fmt: skip
    parser.add_argument(
        "--fail-fast", action="store_true", help="start no further part after a finding"
    )
    parser.add_argument(
        "--time", type=_positive, metavar="SECONDS", help="for each fuzzing, which goes on so long"
    )
    parser.add_argument(
        "--report", type=Path, default=REPORT, metavar="FOLDER",
        help="for report.html, junit.xml and report.json (%(default)s)",
    )  # fmt: skip
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
    given.add_argument("--gateway-url", type=_url, metavar="URL")
    given.add_argument("--inventory-url", type=_url, metavar="URL")
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
