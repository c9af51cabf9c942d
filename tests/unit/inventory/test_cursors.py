"""Cursors."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from inventory.cursors import read_cursor, write_cursor

IDENTIFIERS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}", fullmatch=True)


@given(IDENTIFIERS)
def test_a_cursor_reads_back_as_the_identifier(identifier: str) -> None:
    assert read_cursor(write_cursor(identifier)) == identifier


@given(st.from_regex(r"[A-Za-z0-9_-]{2,172}", fullmatch=True))
def test_every_text_of_the_contracts_pattern_is_a_position(text: str) -> None:
    assert isinstance(read_cursor(text), str)
