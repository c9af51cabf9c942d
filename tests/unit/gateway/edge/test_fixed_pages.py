"""Pages that never change are compressed once, and tell by their tag that they have not."""

from __future__ import annotations

import zlib
from typing import Any

import pytest

from gateway import fixed_pages
from gateway.codings import ENCODERS
from gateway.fixed_pages import FixedPage

TEXT = b"function swagger() {}\n" * 500
GZIP = ("accept-encoding", "gzip")


def headers(reply: Any) -> dict[str, str]:
    return {n.decode(): v.decode() for n, v in reply.messages[0]["headers"]}


def test_a_page_is_compressed_once_for_all_who_take_it(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    def gzip() -> Any:
        made.append("gzip")
        return ENCODERS["gzip"]()

    monkeypatch.setattr(fixed_pages, "ENCODERS", {"gzip": gzip})
    page = FixedPage(TEXT, "text/javascript", coded=True)

    first, second = (exchange(page, headers=[GZIP]) for _ in range(2))

    assert made == ["gzip"]
    assert first.messages == second.messages
    assert zlib.decompress(first.messages[1]["body"], 31) == TEXT
    assert headers(first)["content-encoding"] == "gzip"
    assert headers(first)["etag"].endswith('+gzip"')
    assert headers(first)["vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("content", "media_type", "coded", "asked"),
    [
        (TEXT, "text/css", True, ()),
        (TEXT, "text/css", False, (GZIP,)),
        (TEXT, "image/png", True, (GZIP,)),
        (b"short", "text/css", True, (GZIP,)),
    ],
)
def test_other_pages_go_as_they_are(
    exchange: Any, content: bytes, media_type: str, coded: bool, asked: Any
) -> None:
    reply = exchange(FixedPage(content, media_type, coded=coded), headers=asked)

    assert reply.messages[1]["body"] == content
    assert "content-encoding" not in headers(reply)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_who_has_the_page_is_told_so(exchange: Any, form: str) -> None:
    page = FixedPage(TEXT, "text/css", coded=True)
    tag = headers(exchange(page))["etag"]

    reply = exchange(page, headers=[("if-none-match", form.format(tag))])

    assert reply.status == 304
    assert headers(reply)["etag"] == tag


def test_who_has_another_page_is_given_this_one(exchange: Any) -> None:
    page = FixedPage(TEXT, "text/css", coded=True)

    assert exchange(page, headers=[("if-none-match", '"other"')]).status == 200
