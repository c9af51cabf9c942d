"""The metrics of several worker processes as one: a folder of files that all of them map.

For gunicorn's configuration. Nothing here imports ``prometheus_client`` before the folder is named:
the library decides when it is imported whether its values are shared.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own


def share(folder: Path) -> None:
    """Names the folder to the workers that are started from here on."""
    os.environ[VARIABLE] = str(folder)


def shared_folder() -> Path | None:
    """The folder that was named, or None in a process that counts for itself."""
    return Path(os.environ[VARIABLE]) if os.environ.get(VARIABLE) else None


def clear(folder: Path) -> None:
    """Makes the folder (0700), or empties it: what an earlier start counted is not counted on."""
    try:
        for each in (*reversed(folder.parents), folder):
            each.mkdir(mode=0o700, exist_ok=True)
        for file in folder.glob("*.db"):
            file.unlink()
    except OSError as exc:
        sys.exit(f"{folder} cannot be used for metrics: {exc.strerror}")


def forget(pid: int) -> None:
    """Drops what only a living worker has, its requests in flight; what it counted stays."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(pid)  # type: ignore[no-untyped-call]
