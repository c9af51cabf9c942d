"""Which coding a client gets."""

from __future__ import annotations

import zlib

import pytest
import zstandard

from gateway.codings import Encoder, Gzip, Zstd, choose


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip", "gzip"),
        ("x-gzip", "gzip"),
        ("GZIP", "gzip"),
        ("gzip, deflate, br, zstd", "zstd"),
        ("gzip;q=1, zstd;q=0.9", "gzip"),
        ("gzip; q=0.5 , zstd;q=0.4", "gzip"),
        ("zstd;q=0, gzip;q=0.001", "gzip"),
        ("*", "zstd"),
        ("*;q=0.1, zstd;q=0", "gzip"),
        ("identity;q=0, gzip", "gzip"),
        ("identity;q=0.5, gzip;q=0.5", "gzip"),
        ("identity, gzip;q=0.5", None),
        ("*;q=0", None),
        ("gzip;q=0", None),
        ("gzip;q=2", None),
        ("gzip;q=", None),
        ("gzip;level=9", None),
        ("identity", None),
        ("br, deflate", None),
        ("", None),
        (", ,;q=1", None),
        ("a" * 300 + ", gzip", "gzip"),
    ],
)
def test_the_coding_is_the_one_that_the_client_likes_best(accept: str, coding: str | None) -> None:
    assert choose(accept) == coding


def decode(encoder: Encoder, coded: bytes) -> bytes:
    if isinstance(encoder, Gzip):
        return zlib.decompressobj(31).decompress(coded)
    return zstandard.ZstdDecompressor().decompressobj().decompress(coded)


@pytest.mark.parametrize("kind", [Gzip, Zstd])
def test_every_part_can_be_read_before_the_next_is_written(kind: type[Encoder]) -> None:
    encoder = kind()

    first = encoder.write(b"first ")
    assert decode(encoder, first) == b"first "
    second = encoder.write(b"second ")
    assert decode(encoder, first + second) == b"first second "
    assert decode(encoder, first + second + encoder.finish(b"third")) == b"first second third"


@pytest.mark.parametrize("kind", [Gzip, Zstd])
def test_equal_answers_are_equal_bytes(kind: type[Encoder]) -> None:
    assert kind().finish(b"a" * 5000) == kind().finish(b"a" * 5000)


def test_the_zstd_window_is_what_every_client_takes() -> None:
    parameters = zstandard.get_frame_parameters(Zstd().write(b"a" * 5000))

    assert parameters.window_size <= 8 * 1024 * 1024
