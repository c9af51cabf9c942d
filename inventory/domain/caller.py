"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """The principal of a request. ``tenant``: the one customer it is bound to; None: to none.

    ``scopes``: all that it may do, where an operation asks for more than its own.
    """

    principal: str
    tenant: str | None
    request_id: str
    scopes: frozenset[str] = frozenset()

    @property
    def account(self) -> str:
        """The principal as long as it is bound to the same customer, whose name has no slash."""
        return f"{self.tenant or ''}/{self.principal}"
