"""The answers that a worker keeps in memory: so many bytes, the least used ones given up first."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterator

from gateway.caching.entries import Entry
from gateway.caching.keys import Key, fits
from openapi.problems import Headers

VARIANTS = 16  # of one key; a client chooses what it sends in a header
OVERHEAD = 1024  # bytes of an entry beside what it has of the answer, roughly


class MemoryStore:
    """Entries by key and variant."""

    def __init__(self, limit: int) -> None:
        """``limit``: bytes of all entries together."""
        self._limit = limit
        self._kept: OrderedDict[Key, list[Entry]] = OrderedDict()
        self._at: defaultdict[bytes, set[Key]] = defaultdict(set)
        self._below: defaultdict[bytes, set[Key]] = defaultdict(set)
        self.size = 0

    def find(self, key: Key, request: Headers) -> Entry | None:
        """The entry that fits the request, the newest of several."""
        entries = self._kept.get(key)
        if entries is None:
            return None
        self._kept.move_to_end(key)
        return next((entry for entry in entries if fits(entry.variant, request)), None)

    def keep(self, key: Key, entry: Entry) -> bool:
        """Keeps the entry in the place of that of its variant, unless it is too large for all."""
        others = [e for e in self._take(key) if e.variant != entry.variant][: VARIANTS - 1]
        fits_in = _size(key, entry) <= self._limit
        self._put(key, [entry, *others] if fits_in else others)
        while self.size > self._limit:
            self._take(next(iter(self._kept)))
        return fits_in and key in self._kept

    def drop(self, key: Key, entry: Entry) -> None:
        """Keeps this entry no longer."""
        self._put(key, [kept for kept in self._take(key) if kept is not entry])

    def invalidate(self, path: bytes) -> None:
        """Forgets what a change at this path may have changed, for everybody.

        What is at the path and below it, with any query, and the collections that it is in.
        """
        doomed = self._below.get(path, set()) | self._at.get(path, set())
        for above in _above(path):
            doomed |= self._at.get(above, set())
        for key in doomed:
            self._take(key)

    def _put(self, key: Key, entries: list[Entry]) -> None:
        if not entries:
            return
        self._kept[key] = entries
        self.size += sum(_size(key, entry) for entry in entries)
        self._at[key.path].add(key)
        for above in _above(key.path):
            self._below[above].add(key)

    def _take(self, key: Key) -> list[Entry]:
        entries = self._kept.pop(key, None)
        if entries is None:
            return []
        self.size -= sum(_size(key, entry) for entry in entries)
        _discard(self._at, key.path, key)
        for above in _above(key.path):
            _discard(self._below, above, key)
        return entries


def _above(path: bytes) -> Iterator[bytes]:
    """``/a/b`` and ``/a`` for ``/a/b/c``."""
    while (end := path.rfind(b"/")) > 0:
        path = path[:end]
        yield path


def _discard(index: dict[bytes, set[Key]], path: bytes, key: Key) -> None:
    keys = index[path]
    keys.discard(key)
    if not keys:
        del index[path]


def _size(key: Key, entry: Entry) -> int:
    headers = sum(len(name) + len(value) for name, value in entry.headers)
    variant = sum(len(name) + len(value or b"") for name, value in entry.variant.items())
    said = sum(len(value or b"") for value in key.said)
    return OVERHEAD + len(entry.body) + headers + variant + said + len(key.path) + len(key.query)
