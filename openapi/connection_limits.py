"""How many connections a process keeps, in all and of one client."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial

from openapi.problems import SERVICE_UNAVAILABLE, TOO_MANY_CONNECTIONS, Problem

_LATER = {"Retry-After": "1", "Connection": "close"}


class ConnectionLimits:
    """Counts the connections of one process; a limit of 0 is none."""

    def __init__(
        self,
        total: int,
        of_one: int,
        client_of: Callable[[str], str | None],
        open_port: int | None = None,
    ) -> None:
        """``client_of``: whom an address counts as; None: it may have as many as there is room for.

        ``open_port``: that one of the service's own ports whose connections are not counted.
        """
        self._total = total
        self._of_one = of_one
        self._client_of = client_of
        self._open_port = open_port
        self._count = 0
        self._counts: Counter[str] = Counter()

    def enter(self, address: str, port: int | None) -> Callable[[], None]:
        """Counts a connection in from this address to this port, or raises ``Problem``.

        What is returned counts it out again.
        """
        if port == self._open_port:
            return _nothing
        client = self._client_of(address)
        self._check(client)
        self._add(client, 1)
        return partial(self._add, client, -1)

    def _check(self, client: str | None) -> None:
        if self._total and self._count >= self._total:
            raise Problem(SERVICE_UNAVAILABLE, "All connections are taken.", headers=_LATER)
        if self._of_one and client is not None and self._counts[client] >= self._of_one:
            detail = f"An address may have {self._of_one} connections to a process."
            raise Problem(TOO_MANY_CONNECTIONS, detail, headers=_LATER)

    def _add(self, client: str | None, number: int) -> None:
        self._count += number
        if client is not None:
            self._counts[client] += number
            if not self._counts[client]:
                del self._counts[client]


def _nothing() -> None:
    pass
