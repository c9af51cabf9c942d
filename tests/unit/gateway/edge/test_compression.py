"""What is compressed and what is not, and what becomes of entity tags."""

from __future__ import annotations

import asyncio
import gzip
import threading
import zlib
from typing import Any

import pytest
import zstandard

from gateway.codings import Gzip
from gateway.compression import SMALLEST, CompressionMiddleware

LONG = b'{"a": "b"}' * 200
JSON = ("content-type", "application/json")
GZIP = [("Accept-Encoding", "gzip")]


def whole(body: bytes = LONG, *more: tuple[str, str]) -> dict[str, Any]:
    return {"headers": [JSON, ("content-length", str(len(body))), *more], "chunks": [body]}


def test_a_long_text_is_compressed(application: Any, exchange: Any) -> None:
    reply = exchange(CompressionMiddleware(application(**whole())), headers=GZIP)

    assert gzip.decompress(reply.body) == LONG
    assert reply.headers == {
        "content-type": "application/json",
        "content-encoding": "gzip",
        "content-length": str(len(reply.body)),
        "vary": "Accept-Encoding",
    }


def test_zstd_is_the_first_choice(application: Any, exchange: Any) -> None:
    app = CompressionMiddleware(application(**whole()))

    reply = exchange(app, headers=[("Accept-Encoding", "gzip"), ("Accept-Encoding", "zstd")])

    assert reply.headers["content-encoding"] == "zstd"
    assert zstandard.ZstdDecompressor().decompressobj().decompress(reply.body) == LONG


def test_a_client_that_takes_none_gets_it_as_it_is_and_caches_are_told(
    application: Any, exchange: Any
) -> None:
    app = CompressionMiddleware(application(**whole(LONG, ("vary", "Accept"))))

    reply = exchange(app)

    assert (reply.body, reply.headers["vary"]) == (LONG, "Accept, Accept-Encoding")
    assert "content-encoding" not in reply.headers


def test_a_stream_is_compressed_part_by_part(application: Any, exchange: Any) -> None:
    chunks = [b"a line\n", b"another\n" * 10, b""]
    app = application(headers=[("content-type", "application/x-ndjson")], chunks=chunks)

    reply = exchange(CompressionMiddleware(app), headers=GZIP)

    assert gzip.decompress(reply.body) == b"".join(chunks)
    assert "content-length" not in reply.headers
    decoder = zlib.decompressobj(31)
    assert decoder.decompress(reply.chunks[0]) == chunks[0], "it does not wait for the rest"


@pytest.mark.parametrize(
    ("method", "status", "headers", "chunks"),
    [
        ("GET", 200, [JSON], [b"a" * (SMALLEST - 1)]),
        ("GET", 200, [JSON, ("content-length", "1023")], [b"a" * 1023]),
        ("HEAD", 200, [JSON, ("content-length", "5000")], [b""]),
        ("GET", 204, [], [b""]),
        ("GET", 304, [("etag", '"a"')], [b""]),
        ("GET", 206, [JSON, ("content-range", "bytes 0-1/3")], [LONG]),
        ("GET", 200, [JSON, ("content-encoding", "br")], [LONG]),
        ("GET", 200, [JSON, ("cache-control", "private, No-Transform")], [LONG]),
        ("POST", 200, [JSON, ("cache-control", "no-store")], [LONG]),
        ("GET", 200, [JSON, ("repr-digest", "sha-256=:AA==:")], [LONG]),
        ("GET", 200, [("content-type", "image/png")], [LONG]),
        ("GET", 200, [("content-type", "text/event-stream")], [LONG, LONG]),
        ("GET", 200, [], [LONG]),
    ],
)
def test_what_is_left_alone_is_the_same_to_the_byte(
    application: Any, exchange: Any, method: str, status: int, headers: Any, chunks: Any
) -> None:
    app = application(status=status, headers=headers, chunks=chunks)

    reply = exchange(CompressionMiddleware(app), method, headers=GZIP)

    assert reply.chunks == chunks
    assert [line for line in reply.lines if line[0] != "vary"] == headers


@pytest.mark.parametrize("asked", [("Range", "bytes=0-9"), ("Cache-Control", "no-transform")])
def test_a_client_can_forbid_it(application: Any, exchange: Any, asked: tuple[str, str]) -> None:
    reply = exchange(CompressionMiddleware(application(**whole())), headers=[*GZIP, asked])

    assert reply.body == LONG


@pytest.mark.parametrize(
    "media_type",
    ["application/json; charset=utf-8", "application/problem+json", "text/csv", "image/svg+xml",
     "application/x-ndjson", "application/yaml", "text/javascript; charset=utf-8"],
)  # fmt: skip
def test_every_text_is_compressed(application: Any, exchange: Any, media_type: str) -> None:
    app = application(headers=[("content-type", media_type)], chunks=[LONG])

    reply = exchange(CompressionMiddleware(app), headers=GZIP)

    assert reply.headers["content-encoding"] == "gzip"


def test_a_strong_tag_becomes_another_and_a_weak_one_stays(application: Any, exchange: Any) -> None:
    tags = [
        exchange(
            CompressionMiddleware(application(**whole(LONG, ("etag", tag)))), headers=GZIP
        ).headers["etag"]
        for tag in ('"abc"', 'W/"abc"')
    ]

    assert tags == ['"abc+gzip"', 'W/"abc"']


@pytest.mark.parametrize(
    ("sent", "received"),
    [
        ('"abc+gzip"', '"abc"'),
        ('"abc+zstd", W/"d+gzip" ,"e"', '"abc", W/"d" ,"e"'),
        ("abc+gzip", "abc"),
        ('"a+gzip, b"', '"a+gzip, b"'),
        ('"+gzip"', '"+gzip"'),
        ('"abc+br"', '"abc+br"'),
        ("*", "*"),
    ],
)
@pytest.mark.parametrize("name", ["if-match", "if-none-match"])
def test_a_condition_reaches_the_service_with_its_own_tags(
    application: Any, exchange: Any, name: str, sent: str, received: str
) -> None:
    app = application()

    exchange(CompressionMiddleware(app), headers=[(name, sent), ("x-other", '"a+gzip"')])

    assert app.asked(name) == [received]
    assert app.asked("x-other") == ['"a+gzip"']


def test_a_304_names_the_tag_that_the_client_has(application: Any, exchange: Any) -> None:
    app = CompressionMiddleware(application(status=304, headers=[("etag", '"abc"')], chunks=[b""]))

    for tag in ('"abc+gzip"', '"abc"'):
        assert exchange(app, headers=[("If-None-Match", tag)]).headers["etag"] == tag


def test_an_answer_that_breaks_off_before_its_body_has_still_begun(
    application: Any, exchange: Any
) -> None:
    app = application(**whole(), error=ConnectionError())

    reply = exchange(CompressionMiddleware(app), headers=GZIP)

    assert (reply.status, len(reply.messages)) == (200, 1)


def test_other_requests_go_on_while_a_large_answer_is_compressed(
    application: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    went_on = threading.Event()
    finish = Gzip.finish

    def finish_after_another(self: Gzip, data: bytes) -> bytes:
        assert went_on.wait(30), "the event loop was held"
        assert threading.current_thread().name.startswith("compression")
        return finish(self, data)

    monkeypatch.setattr(Gzip, "finish", finish_after_another)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def both() -> None:
        scope = {"type": "http", "method": "GET", "headers": [(b"accept-encoding", b"gzip")]}
        app = CompressionMiddleware(application(**whole(LONG * 50)))
        large = asyncio.create_task(app(scope, None, send))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        went_on.set()
        await large

    asyncio.run(both())

    assert gzip.decompress(sent[1]["body"]) == LONG * 50
