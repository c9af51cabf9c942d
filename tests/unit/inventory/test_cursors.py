"""Cursors: opaque, of one list each, and ours alone."""

from __future__ import annotations

import base64
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inventory.cursors import START, Cursors, load_secret
from inventory.domain.errors import ForeignCursor

CURSORS = Cursors(b"secret")
LIST = {"kind": "devices", "tenant": None, "sort": "name", "filters": {"status": ["active"]}}
POSITIONS = st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.integers(0))


@given(POSITIONS)
def test_a_cursor_reads_back_as_its_position(position: list[str | int]) -> None:
    cursor = CURSORS.write(LIST, position)

    assert CURSORS.read(LIST, cursor) == tuple(position)
    assert cursor.isascii() and cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize("cursor", [None, START])
def test_a_list_begins_without_a_cursor(cursor: str | None) -> None:
    assert CURSORS.read(LIST, cursor) == ()


@pytest.mark.parametrize(
    "other",
    [
        {"kind": "homes"},
        {"tenant": "acme"},
        {"sort": "-name"},
        {"filters": {}},
        {"filters": {"status": ["active", "retired"]}},
    ],
)
def test_the_cursor_of_another_list_is_foreign(other: dict[str, Any]) -> None:
    cursor = CURSORS.write(LIST | other, ["a"])

    with pytest.raises(ForeignCursor):
        CURSORS.read(LIST, cursor)


def test_a_list_is_the_same_whatever_the_order_of_its_filters() -> None:
    one, other = {"a": 1, "b": 2}, {"b": 2, "a": 1}

    assert CURSORS.read(other, CURSORS.write(one, ["x"])) == ("x",)


def test_the_cursor_of_another_secret_is_foreign() -> None:
    with pytest.raises(ForeignCursor):
        CURSORS.read(LIST, Cursors(b"other").write(LIST, ["a"]))


@given(st.from_regex(r"[A-Za-z0-9_-]{0,172}", fullmatch=True) | st.text())
def test_any_other_text_is_foreign(text: str) -> None:
    if text != START:
        with pytest.raises(ForeignCursor):
            CURSORS.read(LIST, text)


@given(st.integers(0), st.integers(1, 255))
def test_a_cursor_that_was_changed_is_foreign(place: int, by: int) -> None:
    raw = bytearray(base64.urlsafe_b64decode(CURSORS.write(LIST, ["abc", "defg"]) + "=="))
    raw[place % len(raw)] ^= by

    with pytest.raises(ForeignCursor):
        CURSORS.read(LIST, base64.urlsafe_b64encode(raw).decode().rstrip("="))


def test_the_secret_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "data" / "inventory.secret"

    secret = load_secret(file)

    assert load_secret(file) == secret
    assert len(secret) == 32
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_workers_that_start_together_agree_on_one_secret(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        secrets = set(pool.map(lambda _: load_secret(tmp_path / "secret"), range(32)))

    assert len(secrets) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]
