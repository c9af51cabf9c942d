"""``python -m contracts``: would a client notice? Judges fresh services, or running ones.

``python -m contracts diff | release | mock | mutate`` do what their ``--help`` says.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Mapping, Sequence

from contracts import judging

# The module of each command, and the names of its functions; imported when it is wanted.
_COMMANDS: Mapping[str, tuple[str, str, str]] = {
    "diff": ("contracts.changes.command", "add_arguments", "run"),
    "release": ("contracts.changes.command", "add_release_arguments", "run_release"),
    "mock": ("contracts.mock.command", "add_arguments", "run"),
    "mutate": ("contracts.mutation.command", "add_arguments", "run"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit code; without one the suite is run."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] not in _COMMANDS:
        return judging.main(given)
    name, add_arguments, run = _COMMANDS[given[0]]
    module = importlib.import_module(name)
    parser = argparse.ArgumentParser(prog=f"contracts {given[0]}", description=module.__doc__)
    getattr(module, add_arguments)(parser)
    return int(getattr(module, run)(parser.parse_args(given[1:])))


if __name__ == "__main__":
    sys.exit(main())
