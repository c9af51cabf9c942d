"""What a changed keyword of a schema did to the set of values that the schema allows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from contracts.changes.grading import Effect, Move
from contracts.changes.node import canonical, shown

Rule = Callable[[Any, Any], Iterator[Move]]

_WIDER_FORMATS = {("int32", "int64"), ("float", "double")}


def moves(keyword: str, was: Any, now: Any) -> Iterator[Move]:
    """What became of the values as the keyword changed; None for one that is not there."""
    yield from RULES[keyword](was, now)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bound(words: str, absent: float, sign: int) -> Rule:
    """``sign``: 1 for a bound from above, where less is narrower, and -1 for one from below."""

    def rule(was: Any, now: Any) -> Iterator[Move]:
        old, new = (absent if value is None else value for value in (was, now))
        texts = (shown(was), shown(now))
        if not (_is_number(old) and _is_number(new)):
            yield Move(Effect.DIFFERENT, "the bound is no number", *texts)
        elif sign * new < sign * old:
            yield Move(Effect.NARROWED, f"{{it}} {words.format(shown(now))}", *texts)
        elif sign * new > sign * old:
            yield Move(Effect.WIDENED, f"{{it}} {words.format(shown(was))}", *texts)

    return rule


def _flag(values: str, on: Effect) -> Rule:
    """A keyword that is false where it is absent. ``on``: its effect when it becomes true."""
    off = Effect.NARROWED if on is Effect.WIDENED else Effect.WIDENED

    def rule(was: Any, now: Any) -> Iterator[Move]:
        if bool(was) != bool(now):
            yield Move(on if now else off, values, shown(was), shown(now))

    return rule


def _expression(word: str) -> Rule:
    """A pattern or format: whether one of them allows more than another cannot be told."""

    def rule(was: Any, now: Any) -> Iterator[Move]:
        texts = (shown(was), shown(now))
        if was is None:
            yield Move(Effect.NARROWED, f"{{it}} that is not of the {word} {texts[1]}", *texts)
        elif now is None:
            yield Move(Effect.WIDENED, f"{{it}} that is not of the {word} {texts[0]}", *texts)
        elif canonical(was) != canonical(now):
            yield Move(Effect.DIFFERENT, f"its {word} is another one", *texts)

    return rule


def _format(was: Any, now: Any) -> Iterator[Move]:
    if (was, now) in _WIDER_FORMATS:
        yield Move(Effect.WIDENED, f"{{it}} beyond {was}", was, now)
    elif (now, was) in _WIDER_FORMATS:
        yield Move(Effect.NARROWED, f"{{it}} beyond {now}", was, now)
    else:
        yield from _expression("format")(was, now)


def _type(was: Any, now: Any) -> Iterator[Move]:
    texts = (shown(was), shown(now))
    if now is None or (was, now) == ("integer", "number"):
        yield Move(Effect.WIDENED, f"{{it}} as something else than {was}", *texts)
    elif was is None or (was, now) == ("number", "integer"):
        yield Move(Effect.NARROWED, f"{{it}} as something else than {now}", *texts)
    else:
        yield Move(Effect.DIFFERENT, f"it was of the type {was} and is of the type {now}", *texts)


def _enum(was: Any, now: Any) -> Iterator[Move]:
    if not (isinstance(was, list) and isinstance(now, list)):
        yield from _expression("list of values")(was, now)
        return
    old, new = ({canonical(value): value for value in values} for values in (was, now))
    gone = [value for key, value in old.items() if key not in new]
    come = [value for key, value in new.items() if key not in old]
    if gone:
        yield Move(Effect.NARROWED, f"{{it}} as {_one_of(gone)}", _one_of(gone), "-")
    if come:
        yield Move(Effect.WIDENED, f"{{it}} as {_one_of(come)}", "-", _one_of(come))


def _one_of(values: list[Any]) -> str:
    return " or ".join("null" if value is None else shown(value) for value in values)


def _multiple(was: Any, now: Any) -> Iterator[Move]:
    texts = (shown(was), shown(now))
    if was is None or (_divides(was, now)):
        yield Move(Effect.NARROWED, f"{{it}} that is no multiple of {now}", *texts)
    elif now is None or _divides(now, was):
        yield Move(Effect.WIDENED, f"{{it}} that is no multiple of {was}", *texts)
    else:
        yield Move(Effect.DIFFERENT, "it has to be a multiple of another number", *texts)


def _divides(part: Any, whole: Any) -> bool:
    return _is_number(part) and _is_number(whole) and part > 0 and whole % part == 0


def _default(was: Any, now: Any) -> Iterator[Move]:
    texts = (shown(was), shown(now))
    why = f"a client that leaves {{it}} out counted on {texts[0]}, and now gets {texts[1]}"
    if was is None:
        why = f"a client that leaves {{it}} out now gets {texts[1]}, whatever it got before"
    elif now is None:
        why = f"a client that leaves {{it}} out counted on {texts[0]}, and is told nothing now"
    yield Move(Effect.DIFFERENT, "", *texts, why)


def _other(what: str) -> Rule:
    def rule(was: Any, now: Any) -> Iterator[Move]:
        yield Move(Effect.DIFFERENT, f"{what} is another one", shown(was), shown(now))

    return rule


def _not(was: Any, now: Any) -> Iterator[Move]:
    texts = (shown(was), shown(now))
    if was is None:
        yield Move(Effect.NARROWED, "{it} that is what it must not be", *texts)
    elif now is None:
        yield Move(Effect.WIDENED, "{it} that was what it must not be", *texts)
    else:
        yield Move(Effect.DIFFERENT, "it must not be something else than before", *texts)


RULES: dict[str, Rule] = {
    "type": _type,
    "nullable": _flag("null as {it}", Effect.WIDENED),
    "enum": _enum,
    "format": _format,
    "pattern": _expression("pattern"),
    "maximum": _bound("above {}", math.inf, 1),
    "minimum": _bound("below {}", -math.inf, -1),
    "exclusiveMaximum": _flag("{it} that is just its maximum", Effect.NARROWED),
    "exclusiveMinimum": _flag("{it} that is just its minimum", Effect.NARROWED),
    "multipleOf": _multiple,
    "maxLength": _bound("of more than {} characters", math.inf, 1),
    "minLength": _bound("of fewer than {} characters", 0, -1),
    "maxItems": _bound("of more than {} items", math.inf, 1),
    "minItems": _bound("of fewer than {} items", 0, -1),
    "uniqueItems": _flag("{it} with the same item twice", Effect.NARROWED),
    "maxProperties": _bound("of more than {} members", math.inf, 1),
    "minProperties": _bound("of fewer than {} members", 0, -1),
    "default": _default,
    "discriminator": _other("what tells its kinds apart"),
    "xml": _other("its form in XML"),
    "not": _not,
}
