"""Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a request's effect happens once."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass

from inventory.domain.errors import KeyReused
from inventory.domain.resource import timestamp
from inventory.domain.store import Reply, Transaction
from inventory.replies import Answer

KEPT = datetime.timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Once:
    """A request with a key. ``fingerprint`` tells it from every other request.

    ``principal``: the caller's ``account``: what was answered is one customer's.
    """

    principal: str
    key: str
    fingerprint: str

    def answer(self, transaction: Transaction, now: str, operation: Callable[[], Answer]) -> Answer:
        """What was answered before; or else what the operation answers, which is kept with it.

        Both are in one transaction, and writers take turns: a second request with the same key
        waits for the first.
        """
        kept = transaction.reply(self.principal, self.key)
        if kept is not None and kept.at > oldest(now):
            if kept.fingerprint != self.fingerprint:
                raise KeyReused
            return Answer.parse(kept.content)
        answer = operation()
        reply = Reply(self.principal, self.key, self.fingerprint, now, answer.to_text())
        transaction.keep_reply(reply)
        return answer


def oldest(now: str) -> str:
    """Since when replies are kept."""
    return timestamp(datetime.datetime.fromisoformat(now) - KEPT)
