"""If-Match and If-None-Match."""

from __future__ import annotations

import pytest

from inventory.domain.preconditions import EntityTags, Preconditions


@pytest.mark.parametrize(
    ("if_match", "etag", "holds"),
    [
        (None, '"a"', True),
        ('"a"', '"a"', True),
        ('"b", "a"', '"a"', True),
        ('"b","a"', '"a"', True),
        ('"b"', '"a"', False),
        ("*", '"a"', True),
        ("*", None, False),
        ('"a"', None, False),
        ('W/"a"', '"a"', False),
        ("a", '"a"', True),
        ("0", '"a"', False),
    ],
)
def test_if_match_compares_strongly(if_match: str | None, etag: str | None, holds: bool) -> None:
    assert Preconditions.parse(if_match).hold(etag) is holds


@pytest.mark.parametrize(
    ("if_none_match", "etag", "holds"),
    [
        ('"a"', '"a"', False),
        ('W/"a"', '"a"', False),
        ('"b"', '"a"', True),
        ("*", '"a"', False),
        ("*", None, True),
        ("a", '"a"', False),
    ],
)
def test_if_none_match_compares_weakly(if_none_match: str, etag: str | None, holds: bool) -> None:
    assert Preconditions.parse(None, if_none_match).hold(etag) is holds


def test_a_tag_may_hold_a_comma() -> None:
    assert EntityTags.parse('"a,b"').match_strongly('"a,b"')


@pytest.mark.parametrize("tag", ['"abc+gzip"', '"abc+zstd"', "abc+gzip"])
def test_the_tag_of_a_compressed_answer_is_the_resources(tag: str) -> None:
    assert EntityTags.parse(tag).match_strongly('"abc"')
