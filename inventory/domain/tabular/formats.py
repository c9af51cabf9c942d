"""The formats of a table of devices, by their media types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from inventory.domain.tabular import csv_reader, csv_writer, json_list, ndjson
from inventory.domain.tabular.blocks import gather, regular
from inventory.domain.tabular.row import Row

_READERS: Mapping[str, Callable[[Iterable[bytes]], Iterator[Row]]] = {
    "text/csv": csv_reader.read,
    "application/x-ndjson": ndjson.read,
    "application/json": json_list.read,
}
_WRITERS: Mapping[str, Callable[[Iterable[str]], Iterator[bytes]]] = {
    "text/csv": csv_writer.write,
    "application/x-ndjson": ndjson.write,
    "application/json": json_list.write,
}
MEDIA_TYPES = tuple(_READERS)


def read_rows(media_type: str, chunks: Iterable[bytes]) -> Iterator[Row]:
    """The rows of a file that arrives in ``chunks``; where these are cut does not matter.

    ``media_type`` is one of ``MEDIA_TYPES``. Whatever the bytes are, nothing but ``FormatFault`` is
    raised, and that only for the first row; and only one row's worth of them is kept.
    """
    return _READERS[media_type](regular(chunks))


def write_rows(media_type: str, documents: Iterable[str]) -> Iterator[bytes]:
    """A file of these devices, given as canonical JSON texts, in chunks of about 64 KiB."""
    return gather(_WRITERS[media_type](documents))
