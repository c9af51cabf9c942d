"""What the services' own logs tell of a run: what went wrong inside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def lines(log: Path) -> Iterator[dict[str, Any]]:
    """The log's JSON lines."""
    for line in log.read_text().split("\n"):
        if line.startswith("{"):
            yield json.loads(line)


def errors(log: Path) -> list[str]:
    """Messages of level error: each is a fault of ours, whatever the client was told."""
    return [
        line["message"] + "\n" + line.get("exception", "")
        for line in lines(log)
        if line.get("level") in ("error", "critical")
    ]
