"""``python -m contracts mock``: serves a mock of the contract until it is interrupted.

Exit codes: 0 it was ended, 2 it could not start.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import sys
from pathlib import Path

from contracts.mock.seeding import SeedFault, read_seeds
from contracts.mock.serving import listen, server_of, url_of
from openapi import CONTRACT
from openapi.document import DocumentFault


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = __doc__
    parser.add_argument("--host", default="127.0.0.1", help="the address that it listens on")
    parser.add_argument("--port", type=_port, default=0, help="0: a free one, which is printed")
    parser.add_argument("--contract", type=Path, default=CONTRACT, help="an OpenAPI 3.0 document")
    parser.add_argument(
        "--key", action="append", default=[], help="a key or token that is good; any, without it"
    )
    parser.add_argument(
        "--seed-file", type=Path, help='what is there at first: {"/v1/devices": [{…}]}'
    )


def _port(text: str) -> int:
    number = int(text) if text.isdecimal() else -1
    if not 0 <= number <= 65535:
        raise argparse.ArgumentTypeError("has to be 0 to 65535")
    return number


def run(options: argparse.Namespace) -> int:
    """Serves until it is interrupted; says first where."""
    # Not before it is needed: Connexion takes a while.
    from contracts.mock.app import create_app

    # Connexion has a word on each operation that takes several media types.
    logging.getLogger("connexion.operations").setLevel(logging.ERROR)
    try:
        seeds = read_seeds(options.seed_file) if options.seed_file else None
        app = create_app(options.contract, seeds, str(options.seed_file), options.key)
        listening = listen(options.host, options.port)
    except (DocumentFault, SeedFault) as exc:
        return _failed(str(exc))
    except OSError as exc:
        return _failed(f"{options.host} port {options.port} cannot be listened on: {exc}")
    with listening:
        _say(f"The mock of {options.contract.name} serves {url_of(listening)}")
        with contextlib.suppress(KeyboardInterrupt):  # which uvicorn raises again at its end
            server_of(app).run(sockets=[listening])
    return 0


def _failed(why: str) -> int:
    sys.stderr.write(f"the mock cannot start: {why}\n")
    return 2


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
