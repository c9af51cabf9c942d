"""What the mock remembers: resources by their collection, and answers by their key."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from contracts.mock.records import Record
from openapi.problems import Answer


class KeyReused(Exception):
    """The idempotency key was used with another request."""


class Memory:
    """Everything there is. One request at a time works with it (``turn``)."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._collections: dict[str, dict[str, Record]] = {}
        self._answers: dict[tuple[str, str], tuple[str, Answer]] = {}

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else reads or changes anything meanwhile."""
        with self._lock:
            yield

    def collection(self, path: str) -> dict[str, Record]:
        """The resources below a path, by their names; it is changed in place."""
        return self._collections.setdefault(path, {})

    def answered(self, principal: str, key: str, request: str) -> Answer | None:
        """What the request with this key was answered, if it came before; or ``KeyReused``."""
        known, answer = self._answers.get((principal, key), (request, None))
        if known != request:
            raise KeyReused
        return answer

    def keep(self, principal: str, key: str, request: str, answer: Answer) -> None:
        """Has the answer given again."""
        self._answers[principal, key] = (request, answer)
