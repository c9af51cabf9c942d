"""Streams of bytes in blocks of one size, however they came."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Iterator

BLOCK = 64 * 1024  # bytes


def regular(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes of ``chunks`` in blocks of ``BLOCK``, without a byte order mark before them.

    What reads them can join a block to what it holds without care: a client that sends single bytes
    would make that take quadratic time.
    """
    blocks = _blocks(chunks)
    for first in blocks:
        yield first.removeprefix(codecs.BOM_UTF8)
        break
    yield from blocks


def gather(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces joined to chunks of ``BLOCK`` bytes and less than one piece more."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= BLOCK:
            yield b"".join(held)
            held.clear()
            size = 0
    if held:
        yield b"".join(held)


def _blocks(chunks: Iterable[bytes]) -> Iterator[bytes]:
    held = bytearray()
    for chunk in chunks:
        for start in range(0, len(chunk), BLOCK):
            held += chunk[start : start + BLOCK]
            if len(held) >= BLOCK:
                yield bytes(held[:BLOCK])
                del held[:BLOCK]
    if held:
        yield bytes(held)
