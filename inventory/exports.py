"""Exports: all devices that the filters ask for, as a stream of bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from flask import Response

from inventory.domain.kinds import DEVICES
from inventory.domain.store import Query
from inventory.domain.tabular import write_rows
from inventory.problems import NOT_ACCEPTABLE
from inventory.reading import Page, Reading
from openapi.problems import Problem

PAGE = 500  # devices that are read at once

JSON = "application/json"
# The first is what is given to whoever takes anything.
ENDINGS = {JSON: "json", "text/csv": "csv", "application/x-ndjson": "ndjson"}

Range = tuple[str, float]  # a media range of Accept, and how much it is liked


def export(reading: Reading, query: Query, media_type: str) -> Response:
    """The devices by identifier. One that stands still meanwhile comes exactly once."""
    # The first page is read before anything is answered: a store that fails is still a 503.
    first = reading.page(DEVICES, replace(query, limit=PAGE))
    rows = write_rows(media_type, _documents(reading, query, first))
    charset = "; charset=utf-8" if media_type == "text/csv" else ""
    disposition = f'attachment; filename="devices.{ENDINGS[media_type]}"'
    return Response(
        rows, 200, {"Content-Disposition": disposition}, content_type=media_type + charset
    )


def _documents(reading: Reading, query: Query, page: Page) -> Iterator[str]:
    while True:
        yield from (stored.body for stored in page.items)
        if not page.last:
            return
        page = reading.page(DEVICES, replace(query, limit=PAGE, after=page.last))


def negotiate(accept: Iterable[Range]) -> str:
    """The media type that ``Accept`` likes best (RFC 9110 §12.5.1), or 406."""
    ranges = [(name.partition(";")[0].strip().lower(), quality) for name, quality in accept]
    if not ranges:
        return JSON
    liked = {media_type: _quality(media_type, ranges) for media_type in ENDINGS}
    best = max(liked, key=lambda media_type: liked[media_type])
    if liked[best] <= 0:
        offered = ", ".join(ENDINGS)
        raise Problem(NOT_ACCEPTABLE, f"This operation answers one of {offered}.")
    return best


def _quality(media_type: str, ranges: Sequence[Range]) -> float:
    """What the most specific range says that includes the type."""
    for name in (media_type, media_type.partition("/")[0] + "/*", "*/*"):
        said = [quality for given, quality in ranges if given == name]
        if said:
            return max(said)
    return 0.0
