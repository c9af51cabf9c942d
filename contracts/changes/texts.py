"""Finds every difference between two documents as they are written, whatever it means."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.changes.node import Node, Pointer, canonical, names_of


@dataclass(frozen=True, slots=True)
class Difference:
    """What stands at ``old`` in the one document and at ``new`` in the other, None where nothing.

    ``was`` and ``now`` are the values; ``order``: they are lists of the same items.
    """

    old: Pointer | None
    new: Pointer | None
    was: Any
    now: Any
    order: bool = False


def differences(old: Node, new: Node) -> Iterator[Difference]:
    """All of them, each as deep as it goes."""
    yield from _between(old.value, new.value, (), ())


def parts(one: Difference) -> list[Difference]:
    """What a difference consists of that has something in one document alone; nothing else has."""
    if one.old is not None and one.new is not None:
        return []
    value = one.was if one.new is None else one.now
    members: Iterable[tuple[str, Any]] = ()
    if isinstance(value, Mapping):
        members = value.items()
    elif isinstance(value, list):
        members = ((str(index), item) for index, item in enumerate(value))
    if one.old is not None:
        return [Difference((*one.old, key), None, part, None) for key, part in members]
    return [Difference(None, (*(one.new or ()), key), None, part) for key, part in members]


def leaves(value: Any) -> int:
    """How many values there are that hold no others."""
    if isinstance(value, Mapping) and value:
        return sum(map(leaves, value.values()))
    if isinstance(value, list) and value:
        return sum(map(leaves, value))
    return 1


def _between(was: Any, now: Any, old: Pointer, new: Pointer) -> Iterator[Difference]:
    if isinstance(was, Mapping) and isinstance(now, Mapping) and not _turned(was, now):
        for key in names_of(was, now):
            yield from _member(key, was, now, old, new)
    elif isinstance(was, list) and isinstance(now, list):
        yield from _lists(was, now, old, new)
    elif canonical(was) != canonical(now):
        yield Difference(old, new, was, now)


def _turned(was: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """A reference that leads elsewhere, or that stands for what stood here, is one difference."""
    return was.get("$ref") != now.get("$ref") and any(
        isinstance(side.get("$ref"), str) for side in (was, now)
    )


def _member(
    key: str, was: Mapping[str, Any], now: Mapping[str, Any], old: Pointer, new: Pointer
) -> Iterator[Difference]:
    before, after = (*old, key), (*new, key)
    if key not in now:
        yield Difference(before, None, was[key], None)
    elif key not in was:
        yield Difference(None, after, None, now[key])
    else:
        yield from _between(was[key], now[key], before, after)


def _lists(
    was: Sequence[Any], now: Sequence[Any], old: Pointer, new: Pointer
) -> Iterator[Difference]:
    """Items that are the same belong together wherever they stand; then those of one name."""
    if not any(isinstance(item, Mapping) for item in (*was, *now)):
        yield from _plain(was, now, old, new)
        return
    gone, come = _without_equals(was, now)
    if not gone and not come and [canonical(i) for i in was] != [canonical(i) for i in now]:
        yield Difference(old, new, was, now, order=True)
    for index in [*gone]:
        match = next((other for other in come if _named(was[index]) == _named(now[other])), None)
        if match is not None:
            gone.remove(index)
            come.remove(match)
            yield from _between(was[index], now[match], (*old, str(index)), (*new, str(match)))
    yield from (Difference((*old, str(i)), None, was[i], None) for i in gone)
    yield from (Difference(None, (*new, str(i)), None, now[i]) for i in come)


def _plain(
    was: Sequence[Any], now: Sequence[Any], old: Pointer, new: Pointer
) -> Iterator[Difference]:
    texts = [[canonical(item) for item in side] for side in (was, now)]
    if texts[0] != texts[1]:
        yield Difference(old, new, was, now, order=sorted(texts[0]) == sorted(texts[1]))


def _without_equals(was: Sequence[Any], now: Sequence[Any]) -> tuple[list[int], list[int]]:
    """The indexes of the items of each side that are not on the other."""
    come: list[int] = list(range(len(now)))
    gone: list[int] = []
    for index, item in enumerate(was):
        text = canonical(item)
        match = next((i for i in come if canonical(now[i]) == text), None)
        if match is None:
            gone.append(index)
        else:
            come.remove(match)
    return gone, come


def _named(item: Any) -> Any:
    """What a list's item goes by: a reference, a parameter's place and name, an address."""
    if not isinstance(item, Mapping):
        return canonical(item)
    names = [item.get(key) for key in ("$ref", "in", "name", "url")]
    return names if any(names) else ()
