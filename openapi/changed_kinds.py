"""Which kinds of resources a principal is told the changes of: those whose list it may read."""

from __future__ import annotations

from collections.abc import Collection

from openapi.document import Document
from openapi.problems import INSUFFICIENT_SCOPE, Problem
from openapi.selection import scopes_needed


class ChangedKinds:
    """The kinds of the contract's ``ChangedKind``, and the scopes that each of them needs."""

    def __init__(self, document: Document) -> None:
        kinds = document.content["components"]["schemas"]["ChangedKind"]["enum"]
        operations = {op.operation_id: op for op in document.operations}
        self._needed = {kind: scopes_needed(operations[f"list_{kind}"]) for kind in kinds}

    def seen(self, scopes: Collection[str], asked: Collection[str]) -> tuple[str, ...]:
        """Those asked for, without any those that the scopes are enough for; () is every kind.

        ``Problem`` when one was asked for by name that needs another scope.
        """
        hidden = {kind: rest for kind, need in self._needed.items() if (rest := need - {*scopes})}
        missing = frozenset[str]().union(*(hidden.get(kind, ()) for kind in asked))
        if missing:
            raise _insufficient(missing)
        if asked or not hidden:
            return tuple(dict.fromkeys(asked))
        return tuple(kind for kind in self._needed if kind not in hidden)


def _insufficient(missing: Collection[str]) -> Problem:
    scopes = " ".join(sorted(missing))
    detail = f"Changes of these kinds need the scope {scopes}."
    challenge = f'Bearer realm="doorstep", error="insufficient_scope", scope="{scopes}"'
    return Problem(
        INSUFFICIENT_SCOPE,
        detail,
        errors=[{"in": "query", "name": "kind", "detail": detail}],
        headers={"WWW-Authenticate": challenge},
    )
