"""What a request for changes is held to, and waits for, before it takes one of Flask's threads."""

from __future__ import annotations

import asyncio

from starlette.types import Scope

from inventory.cursors import Cursors
from inventory.domain.store import ChangeQuery, Store
from inventory.feed_positions import read_position, write_position
from openapi.changed_kinds import ChangedKinds
from openapi.connection import connection_of
from openapi.request import operation_id, principal, validated

OPERATION = "list_changes"
LOOK_AGAIN = 0.2  # seconds between looks


class FeedMiddleware:
    """Holds a request for changes to the kinds that its sender sees; then it waits for some."""

    def __init__(self, store: Store, cursors: Cursors, kinds: ChangedKinds) -> None:
        self._store = store
        self._cursors = cursors
        self._kinds = kinds

    async def __call__(self, scope: Scope) -> None:
        """Returns when there are changes for the request, or when it does not wait any longer."""
        if operation_id(scope) != OPERATION:
            return
        parameters = validated(scope).parameters
        parameters["kind"] = self._kinds.seen(principal(scope)["scopes"], parameters["kind"] or ())
        if not parameters["wait"]:
            return
        tenant = principal(scope).get("tenant")
        loop = asyncio.get_running_loop()
        after = await loop.run_in_executor(
            None, read_position, self._cursors, self._store, parameters["after"]
        )
        # What is now is so when the request comes: it is not moved on by what is waited for.
        parameters["after"] = write_position(self._cursors, after)
        query = ChangeQuery(limit=1, after=after, tenant=tenant, kinds=parameters["kind"])
        end = loop.time() + parameters["wait"]
        ending = asyncio.Event()
        connection = connection_of(scope)
        if connection is not None:
            connection.call_when_ending(ending.set)
        while loop.time() < end and not ending.is_set():
            if await loop.run_in_executor(None, self._store.changes, query):
                return
            await asyncio.sleep(LOOK_AGAIN)
