"""``python -m contracts``: would a client notice? Fresh services, or running ones, are judged.

Exit codes: 0 all well, 1 findings, 2 it could not run.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from contracts import judging


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command, and returns its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    return judging.main(given)


if __name__ == "__main__":
    sys.exit(main())
