"""Copies of the tree, to plant a fault in."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path

from contracts.findings import CouldNotRun


def tracked(root: Path) -> list[str]:
    """The files that are in version control, as far as they are there; ``CouldNotRun``."""
    command = ["git", "-C", str(root), "ls-files", "-z"]
    try:
        listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    except (OSError, subprocess.CalledProcessError) as exc:
        raise CouldNotRun(f"{root} has to be a Git checkout: {exc}") from exc
    return [name for name in listed.split("\0") if name and (root / name).is_file()]


def copy_tree(root: Path, target: Path) -> None:
    """Copies the tracked files as they stand, committed or not."""
    for name in tracked(root):
        file = target / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, file)


def digest_of(root: Path) -> str:
    """Tells this tree from every other."""
    digest = hashlib.sha256()
    for name in tracked(root):
        content = hashlib.sha256((root / name).read_bytes()).digest()
        digest.update(name.encode() + b"\0" + content)
    return digest.hexdigest()[:16]
