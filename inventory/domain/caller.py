"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request. ``tenant``: the one customer it is bound to; None: to none."""

    principal: str
    tenant: str | None
    request_id: str
