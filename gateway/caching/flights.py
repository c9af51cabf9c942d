"""One request to a service for many clients who wait for the same answer (RFC 9111 §4)."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field

from gateway.caching.keys import Key

REMEMBERED = 4096  # keys


@dataclass(eq=False, slots=True)
class Flight:
    """A request that is under way. ``is_outdated``: something was changed since it was sent."""

    key: Key
    is_outdated: bool = False
    landed: asyncio.Event = field(default_factory=asyncio.Event)


class Flights:
    """The requests that are under way.

    Where an answer turned out to be of use for its own client alone, the next clients do not wait
    for one another: each has to be told the state at the time of its own request.
    """

    def __init__(self) -> None:
        self._under_way: set[Flight] = set()
        self._by_key: dict[Key, Flight] = {}
        self._alone: OrderedDict[Key, None] = OrderedDict()

    def find(self, key: Key) -> Flight | None:
        """A flight to wait for."""
        flight = self._by_key.get(key)
        return None if flight is None or flight.is_outdated or key in self._alone else flight

    def is_under_way(self, key: Key) -> bool:
        """Whether the service is being asked for it."""
        return key in self._by_key

    def begin(self, key: Key) -> Flight:
        """A new flight, which those who come now can wait for."""
        flight = self._by_key[key] = Flight(key)
        self._under_way.add(flight)
        return flight

    def end(self, flight: Flight, is_for_all: bool = False) -> None:
        """The answer is there, or will not be. ``is_for_all``: others may be given it too."""
        if flight.landed.is_set():
            return
        flight.landed.set()
        self._under_way.discard(flight)
        if self._by_key.get(flight.key) is flight:
            del self._by_key[flight.key]
        self._alone.pop(flight.key, None)
        if not is_for_all:
            self._alone[flight.key] = None
            if len(self._alone) > REMEMBERED:
                self._alone.popitem(last=False)

    def invalidate(self, path: bytes) -> None:
        """Has no answer kept, or waited for, that may tell of the state before a change here."""
        for flight in self._under_way:
            if _concerns(path, flight.key.path):
                flight.is_outdated = True


def _concerns(changed: bytes, path: bytes) -> bool:
    return changed == path or _is_above(changed, path) or _is_above(path, changed)


def _is_above(path: bytes, other: bytes) -> bool:
    return other.startswith(path.rstrip(b"/") + b"/")
