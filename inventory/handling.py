"""What all handlers do: tell who asks, read for them, and do their work in one transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import flask
from flask import Response
from starlette.types import Scope

from inventory.cursors import Cursors
from inventory.device_bodies import DeviceBodies
from inventory.domain.caller import Caller
from inventory.domain.store import Store, Transaction
from inventory.idempotency import Once
from inventory.incoming import fingerprint
from inventory.reading import Reading
from inventory.replies import Answer
from inventory.work import Sources, Work
from openapi.request import principal
from telemetry.middleware import request_id_of

Handler = Callable[..., Response]
Operation = Callable[[Work], Answer]


@dataclass(frozen=True, slots=True)
class Handling:
    """What handlers are made of."""

    store: Store
    sources: Sources
    cursors: Cursors
    bodies: DeviceBodies

    def reading(self) -> Reading:
        """What the caller may see."""
        return Reading(self.store, caller(), self.sources.now)

    def write(self, operation: Operation, key: str | None = None) -> Response:
        """What the operation answers, when what it did is committed.

        ``key``: the request's Idempotency-Key.
        """
        return self.transact(lambda work, _transaction: operation(work), key)

    def transact(
        self,
        operation: Callable[[Work, Transaction], Answer],
        key: str | None,
        of: Callable[[], str] | None = None,
    ) -> Response:
        """Like ``write``, for an operation that needs the transaction itself.

        ``of``: what tells this request from another with the same key; by default, its content.
        """
        who, once = caller(), self.once(key, of)

        def work(transaction: Transaction) -> Answer:
            doing = Work(transaction, who, self.sources)
            if once is None:
                return operation(doing, transaction)
            return once.answer(transaction, doing.now, lambda: operation(doing, transaction))

        return self.store.write(work).response()

    def once(self, key: str | None, of: Callable[[], str] | None = None) -> Once | None:
        """What has the request with this key done once, None without one."""
        if key is None:
            return None
        taken = of() if of else fingerprint(scope())
        return Once(caller().account, key, taken)


def caller() -> Caller:
    """Who sent the request that is being served."""
    asked = scope()
    claims = principal(asked)
    return Caller(
        claims.get("sub", ""),
        claims.get("tenant"),
        request_id_of(asked) or "",
        claims.get("scopes", frozenset()),
    )


def scope() -> Scope:
    """The ASGI scope of the request that is being served."""
    found: Scope = flask.request.environ["asgi.scope"]
    return found
