"""A sorted map that is never changed: to put something into it makes another map.

Both share nearly everything, as the items are held in many short lists of which one is made anew.
So a reader has all of one moment without a lock, and to undo is to forget.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

V = TypeVar("V")

_MOST = 512  # items of one list

Key = tuple[Any, ...]


class _Chunk(NamedTuple, Generic[V]):
    keys: list[Key]
    values: list[V]


class SortedMap(Generic[V]):
    """Values by tuples, in the order of these."""

    __slots__ = ("_chunks", "_heads")

    def __init__(self, items: Sequence[tuple[Key, V]] = ()) -> None:
        """``items``: sorted by their keys, each of which is there once."""
        parts = [items[at : at + _MOST] for at in range(0, len(items), _MOST)]
        self._chunks = [_Chunk([key for key, _ in p], [value for _, value in p]) for p in parts]
        self._heads = [chunk.keys[0] for chunk in self._chunks]

    def get(self, key: Key) -> V | None:
        """The value, or None."""
        if not self._heads or key < self._heads[0]:
            return None
        keys, values = self._chunks[self._place(key)]
        at = bisect_left(keys, key)
        return values[at] if at < len(keys) and keys[at] == key else None

    def last(self) -> Key | None:
        """The last key; None when there is none."""
        return self._chunks[-1].keys[-1] if self._chunks else None

    def put(self, key: Key, value: V) -> SortedMap[V]:
        """A map in which the key has this value."""
        if not self._chunks:
            return SortedMap([(key, value)])
        place = self._place(key)
        keys, values = self._chunks[place]
        at = bisect_left(keys, key)
        same = at < len(keys) and keys[at] == key
        values = values.copy()
        if same:
            values[at] = value
        else:
            keys = keys.copy()
            keys.insert(at, key)
            values.insert(at, value)
        return self._with(place, _Chunk(keys, values))

    def without(self, key: Key) -> SortedMap[V]:
        """A map in which the key is not; this one when it was not there before."""
        if not self._chunks:
            return self
        place = self._place(key)
        keys, values = self._chunks[place]
        at = bisect_left(keys, key)
        if at == len(keys) or keys[at] != key:
            return self
        return self._with(
            place, _Chunk([*keys[:at], *keys[at + 1 :]], [*values[:at], *values[at + 1 :]])
        )

    def walk(self, start: Key, end: Key) -> Iterator[tuple[Key, V]]:
        """What has ``start <= key < end``."""
        for place in range(self._place(start), self._ending(end)):
            keys, values = self._chunks[place]
            span = bisect_left(keys, start), bisect_left(keys, end)
            yield from zip(islice(keys, *span), islice(values, *span), strict=True)

    def walk_back(self, start: Key, end: Key) -> Iterator[tuple[Key, V]]:
        """What has ``start <= key < end``, the last first."""
        for place in reversed(range(self._place(start), self._ending(end))):
            keys, values = self._chunks[place]
            for at in reversed(range(bisect_left(keys, start), bisect_left(keys, end))):
                yield keys[at], values[at]

    def items(self) -> Iterator[tuple[Key, V]]:
        """Everything."""
        for keys, values in self._chunks:
            yield from zip(keys, values, strict=True)

    def _place(self, key: Key) -> int:
        """Which of the lists has the key, if any has."""
        return max(bisect_right(self._heads, key) - 1, 0)

    def _ending(self, end: Key) -> int:
        return bisect_left(self._heads, end)

    def _with(self, place: int, chunk: _Chunk[V]) -> SortedMap[V]:
        changed = _split(chunk)
        other: SortedMap[V] = SortedMap.__new__(SortedMap)
        other._heads, other._chunks = self._heads.copy(), self._chunks.copy()
        other._heads[place : place + 1] = [part.keys[0] for part in changed]
        other._chunks[place : place + 1] = changed
        return other


def _split(chunk: _Chunk[V]) -> list[_Chunk[V]]:
    keys, values = chunk
    if not keys:
        return []
    if len(keys) <= _MOST:
        return [chunk]
    middle = len(keys) // 2
    return [_Chunk(keys[:middle], values[:middle]), _Chunk(keys[middle:], values[middle:])]
