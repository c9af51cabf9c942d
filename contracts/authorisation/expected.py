"""What a request has to be answered."""

from __future__ import annotations

from dataclasses import dataclass

LET_IN = "let in"  # whatever the operation answers, but neither 401 nor 403


@dataclass(frozen=True, slots=True)
class Expected:
    """What a request has to be answered.

    ``statuses``: numbers, ``2xx``, or ``LET_IN``. ``rows``: what each row says, where rows are
    judged.
    """

    statuses: tuple[int | str, ...]
    rows: tuple[int | str, ...] | None = None

    def takes(self, status: int) -> bool:
        """Whether the status is right."""
        if LET_IN in self.statuses:
            return status < 500 and status not in (401, 403, 429)
        return status in self.statuses or f"{status // 100}xx" in self.statuses

    def __str__(self) -> str:
        words = " or ".join(map(str, self.statuses))
        if self.rows is None:
            return words
        return f"{words} with the rows {', '.join(map(str, self.rows)) or '(none)'}"
