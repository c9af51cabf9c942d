"""A request as the mock serves it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from openapi.document import Operation


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that passed validation. ``path``: as it was sent; ``query``: its pairs."""

    operation: Operation
    path: str
    parameters: Mapping[str, Any]
    body: Any
    raw: bytes
    query: str
    accept: str | None
    prefer: Mapping[str, str]
    wants_job: bool
    principal: str
