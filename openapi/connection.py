"""The connection that a request came by, for answers that go on: told when it has to end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from starlette.types import Scope

KEY = "doorstep.connection"


class Connection(Protocol):
    """What the server's protocol offers to an answer that has no end of its own."""

    def call_when_ending(self, act: Callable[[], None]) -> None:
        """Has ``act`` called once when the server begins to shut down; at once if it has begun."""
        ...

    def leave_date(self, extensions: Mapping[str, Any]) -> bool:
        """Has the answer keep the ``Date`` that it has; False when the server will add its own.

        ``extensions``: those of the request's scope.
        """
        ...

    def abort(self) -> None:
        """Drops the connection with all that waits to be sent: its client does not read."""
        ...


def connection_of(scope: Scope) -> Connection | None:
    """The request's connection; None where the server is not ours, as in tests."""
    found: Any = scope.get("extensions", {}).get(KEY)
    return found  # type: ignore[no-any-return]  # a scope's values have no types


def leave_date(scope: Scope) -> bool:
    """Has the answer keep its ``Date``, which is not now; False where that cannot be."""
    connection = connection_of(scope)
    return connection is None or connection.leave_date(scope["extensions"])
