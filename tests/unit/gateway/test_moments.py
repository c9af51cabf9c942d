"""Moments of the key store."""

from __future__ import annotations

import pytest

from gateway import moments


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("2026-05-01T12:00:00.75+02:00", "2026-05-01T10:00:00Z"),
        ("2026-05-01t10:00:00z", "2026-05-01T10:00:00Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("0001-01-01T00:00:00+01:00", "0001-01-01T00:00:00Z"),
        ("9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59Z"),
    ],
)
def test_a_moment_is_kept_in_utc_to_the_second(text: str, kept: str) -> None:
    assert moments.normalised(text) == kept


@pytest.mark.parametrize("text", ["tomorrow", "2026-05-01T10:00:00", "2026-13-01T10:00:00Z"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(moments.NoMoment):
        moments.normalised(text)


def test_moments_sort_as_they_follow() -> None:
    assert moments.normalised("0001-01-01T00:00:00Z") < moments.now(-1) < moments.now(1)
