"""Content codings: which of them a client takes (RFC 9110 §12.5.3), and how they are written."""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

import zstandard

_GZIP_LEVEL = 4
_GZIP_FORMAT = 31  # window bits: the largest window, with gzip's header and trailer
# A window of 256 KiB: 1 MB of memory an answer, where the default of this level takes several.
_ZSTD = zstandard.ZstdCompressionParameters.from_level(3, source_size=256 * 1024)

_WEIGHT = re.compile(r"q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.IGNORECASE)
_REMEMBERED = 256  # bytes of Accept-Encoding; browsers and clients send some thirty


class Encoder(Protocol):
    """Writes one answer in a coding."""

    def write(self, data: bytes) -> bytes:
        """All of the data, so that a client can decode it before more is written."""
        ...

    def finish(self, data: bytes) -> bytes:
        """The rest."""
        ...


class Gzip:
    """RFC 1952, without a time, so that equal answers are equal bytes."""

    def __init__(self) -> None:
        self._deflate = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_FORMAT)

    def write(self, data: bytes) -> bytes:
        """The data, and the end of a block."""
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def finish(self, data: bytes) -> bytes:
        """The data, and the end of the stream."""
        return self._deflate.compress(data) + self._deflate.flush()


class Zstd:
    """RFC 8878, with a window far below the 8 MiB that RFC 9659 allows."""

    def __init__(self) -> None:
        self._frame = zstandard.ZstdCompressor(compression_params=_ZSTD).compressobj()

    def write(self, data: bytes) -> bytes:
        """The data, and the end of a block."""
        return self._frame.compress(data) + self._frame.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)

    def finish(self, data: bytes) -> bytes:
        """The data, and the end of the frame."""
        return self._frame.compress(data) + self._frame.flush()


# The first is chosen where a client does not care.
ENCODERS: dict[str, Callable[[], Encoder]] = {"zstd": Zstd, "gzip": Gzip}


def choose(accept: str) -> str | None:
    """The coding for an ``Accept-Encoding``; None when the client prefers none at all."""
    return _choose(accept) if len(accept) > _REMEMBERED else _choose_as_before(accept)


def _choose(accept: str) -> str | None:
    weights = _weights(accept)
    others = weights.get("*", 0.0)
    coding = max(ENCODERS, key=lambda name: weights.get(name, others))
    weight = weights.get(coding, others)
    return coding if weight > 0 and weight >= weights.get("identity", 0.0) else None


_choose_as_before = lru_cache(maxsize=256)(_choose)


def _weights(accept: str) -> dict[str, float]:
    weights = {}
    for part in accept.lower().split(","):
        name, _, parameter = (text.strip() for text in part.partition(";"))
        weight = _WEIGHT.fullmatch(parameter)
        # A weight that is none is no wish that could be heeded.
        weights[_alias(name)] = float(weight[1]) if weight else 0.0 if parameter else 1.0
    return weights


def _alias(name: str) -> str:
    return "gzip" if name == "x-gzip" else name  # RFC 9110 §8.4.1.3
