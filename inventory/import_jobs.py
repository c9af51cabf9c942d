"""Goes on with an import, portion by portion, each of them whole or not at all.

Round 0 reads the file. Rows whose link does not fit yet are kept as parts of the next round, which
begins when all the others were applied; when a round finds place for none of its rows, the next is
the last one, and rejects them.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice

from inventory.device_bodies import DeviceBodies
from inventory.device_imports import (
    MAX_TOLD,
    Checked,
    Importing,
    Outcome,
    portions,
    readable,
)
from inventory.domain.errors import UnusableFile
from inventory.domain.resource import Document
from inventory.domain.store import Transaction
from inventory.domain.tabular import Parsed, Row, read_rows
from inventory.jobs import FAILED, MAX_ROUNDS, SUCCEEDED, Held, parts_of

RENEW = 10.0  # seconds without a portion
# Seconds between portions. A writer of another process that waits for SQLite's lock looks for it
# every 0.1 s at the most, and would not find it free.
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class Position:
    """Where a job is. ``row``: rows of this round that are done; ``left``: for the next one."""

    round: int = 0
    row: int = 0
    left: int = 0
    last: bool = False


def go_on(held: Held, bodies: DeviceBodies, stopping: Callable[[], bool]) -> None:
    """Goes on with the import to its end, or until a portion after ``stopping()``."""
    importing = Importing(held.caller, held.sources, bodies, held.document["parts"]["mode"])
    job = _ImportJob(held, importing, stopping)
    try:
        while not held.is_over and not stopping():
            job.do_round()
    except _Leave:
        pass
    except UnusableFile as exc:
        held.end(FAILED, errors=[{"row": 1, "reason": str(exc)}])


class _Leave(Exception):
    """The job is over, or its process is to end."""


class _ImportJob:
    def __init__(self, held: Held, importing: Importing, stopping: Callable[[], bool]) -> None:
        self._held = held
        self._importing = importing
        self._stopping = stopping
        self._renewed = time.monotonic()

    @property
    def _position(self) -> Position:
        return Position(**self._held.document["position"])

    def do_round(self) -> None:
        """The rest of the round that the job is in."""
        for portion in portions(self._rest()):
            self._do(portion)
            self._renewed = time.monotonic()
            if self._held.is_over or self._stopping():
                return
            time.sleep(PAUSE)
        self._held.write(self._end_round)

    def _do(self, rows: list[Checked]) -> None:
        def act(transaction: Transaction, document: Document) -> Document:
            position = Position(**document["position"])
            outcome = self._importing.apply(rows, transaction, last=position.last)
            parts = document["parts"]
            if outcome.waiting:
                parts = _keep_waiting(transaction, document, position, outcome.waiting)
            further = replace(
                position,
                row=position.row + len(rows),
                left=position.left + len(outcome.waiting),
            )
            return _told(document, outcome) | {"position": asdict(further), "parts": parts}

        self._held.write(act)

    def _end_round(self, transaction: Transaction, document: Document) -> Document:
        position = Position(**document["position"])
        transaction.drop_parts(parts_of(document["identifier"], position.round))
        counts = document["counts"]
        if position.round == 0:
            counts |= {"total": position.row}
        if not position.left:
            now = self._held.sources.now()
            return {"counts": counts, "status": SUCCEEDED, "finished_at": now, "lease_until": None}
        stuck = position.round > 0 and position.left == position.row
        following = Position(
            round=position.round + 1, last=stuck or position.round + 1 >= MAX_ROUNDS
        )
        return {"counts": counts, "position": asdict(following)}

    def _rest(self) -> Iterator[Checked]:
        """The rows of this round that are still to do."""
        position = self._position
        rows = self._file() if position.round == 0 else self._left(position.round)
        for row in islice(rows, position.row, None):
            yield self._importing.check(row)

    def _file(self) -> Iterator[Row]:
        return readable(read_rows(self._held.document["media_type"], self._parts(0)))

    def _left(self, round_: int) -> Iterator[Row]:
        for part in self._parts(round_):
            for line in part.decode().splitlines():
                number, fields = json.loads(line)
                yield Parsed(number, fields)

    def _parts(self, round_: int) -> Iterator[bytes]:
        document = self._held.document
        for number in range(document["parts"]["counts"][round_]):
            self._look()
            part = self._held.store.part(parts_of(document["identifier"], round_), number)
            if part is None:
                return  # the job is not ours any more, which its next write finds out
            yield part

    def _look(self) -> None:
        """Holds the job while rows are looked for: one may be as long as the file."""
        if not self._stopping() and time.monotonic() - self._renewed > RENEW:
            self._held.renew()
            self._renewed = time.monotonic()
        if self._held.is_over or self._stopping():
            raise _Leave


def _keep_waiting(
    transaction: Transaction, document: Document, position: Position, rows: list[Parsed]
) -> Document:
    """Keeps the rows for the next round; what the job has as its ``parts`` then."""
    following = position.round + 1
    counts: list[int] = [*document["parts"]["counts"], 0][: following + 1]
    content = "\n".join(json.dumps([row.number, row.fields]) for row in rows)
    name = parts_of(document["identifier"], following)
    transaction.add_part(name, counts[following], content.encode())
    counts[following] += 1
    return {**document["parts"], "counts": counts}


def _told(document: Document, outcome: Outcome) -> Document:
    counts: Counter[str] = Counter(document["counts"])
    counts.update(outcome.counts)
    counts["done"] += outcome.counts.total()
    told = [rejected.told() for rejected in outcome.rejected]
    errors = sorted([*document["errors"], *told], key=lambda error: error["row"])
    return {"counts": dict(counts), "errors": errors[:MAX_TOLD]}
