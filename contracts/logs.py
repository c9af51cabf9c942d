"""What the services' own logs tell of a run: what was accepted, and what went wrong inside."""

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


def never_accepted(log: Path, operation_ids: frozenset[str]) -> list[str]:
    """The operations that no request was accepted by (2xx): fuzzing them proved nothing."""
    accepted = {
        line.get("operation_id") for line in lines(log) if 200 <= line.get("status", 0) < 300
    }
    return sorted(operation_ids - accepted)


def errors(log: Path) -> list[str]:
    """Messages of level error: each is a fault of ours, whatever the client was told."""
    return [
        line["message"] + "\n" + line.get("exception", "")
        for line in lines(log)
        if line.get("level") in ("error", "critical")
    ]
