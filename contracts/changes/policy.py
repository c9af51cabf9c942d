"""Compares the gateway's policy, ``x-gateway``, as it holds for an operation: all levels merged."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from contracts.changes.change import Grade
from contracts.changes.found import Found, found
from contracts.changes.node import Node, names_of, shown
from openapi.policy import DEFAULTS, KEY

Setting = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """What it means that a number is lowered, raised, set where there was none, or taken away.

    ``tight``: who notices when that is breaking; ``loose``: what becomes of it otherwise.
    """

    lowered: Grade
    raised: Grade
    come: Grade
    gone: Grade
    tight: str
    loose: str


B, L, C = Grade.BREAKING, Grade.LOOSENED, Grade.COMPATIBLE
_SLOW = (
    "a request that takes as long as was promised was answered, and is now answered 504",
    "a client may wait longer for an answer or for 504",
)
_LARGE = (
    "a client that sends a body as large as was promised was served, and is now refused with 413",
    "a client may send larger bodies; what clients send today is served as before",
)
_OFTEN = (
    "a client that asks as often as it was told it may is now answered 429 sooner",
    "a client may ask more often, and is less held back than what was released",
)
_LOGINS = (
    "an address with bad credentials is shut out sooner, and so are others behind that address",
    "an address may try more bad credentials than before: the guard against guessing is looser",
)
_AT_ONCE = (
    "a client with as many requests under way as it was told it may is now answered 429",
    "a client may have more requests under way at once",
)
_CACHED = (
    "a client may be given an older answer than it was told",
    "an answer is kept for a shorter time, so the service is asked more often",
)
_SHARED = (
    "a kept answer is given to others than before",
    "a kept answer may be given to others than those for whom it was made",
)
_SUNSET = (
    "a client that counts on the day it was told finds the operation gone before",
    "clients have another day until which to move away, and none has less time",
)
_DEPRECATED = ("", "clients are told otherwise since when it is deprecated; it is served as before")
_INSIDE = ("", "it is between the gateway and the service; the contract stays the same")
_NOBODY_KNOWS = ("nobody has said yet what clients notice of this setting: it may break them", "")

RULES: Mapping[Setting, Rule] = {
    ("timeout",): Rule(B, C, C, C, *_SLOW),
    ("limits",): Rule(B, C, C, C, *_LARGE),
    ("rate-limit", "limit"): Rule(B, C, B, L, *_OFTEN),
    ("rate-limit", "window"): Rule(C, B, B, L, *_OFTEN),
    ("rate-limit", "by"): Rule(B, B, B, L, *_OFTEN),
    ("failed-logins", "limit"): Rule(B, L, B, L, *_LOGINS),
    ("failed-logins", "window"): Rule(L, B, B, L, *_LOGINS),
    ("concurrency",): Rule(B, C, B, C, *_AT_ONCE),
    ("cache", "by"): Rule(L, L, C, L, *_SHARED),
    ("cache",): Rule(C, B, B, C, *_CACHED),
    ("deprecation", "sunset"): Rule(B, C, C, C, *_SUNSET),
    ("deprecation",): Rule(C, C, C, C, *_DEPRECATED),
    ("retry",): Rule(C, C, C, C, *_INSIDE),
    ("upstream",): Rule(C, C, C, C, *_INSIDE),
    ("validation",): Rule(C, C, C, C, *_INSIDE),
}
UNKNOWN = Rule(B, B, B, B, *_NOBODY_KNOWS)


def policy_changes(old: tuple[Node, Node, Node], new: tuple[Node, Node, Node]) -> Iterator[Found]:
    """What changed, each side given as document, path and operation."""
    was, now = _merged(*old), _merged(*new)
    for key in names_of(was, now):
        before, after = was.get(key), now.get(key)
        settings = _leaves(key, before), _leaves(key, after)
        for setting in dict.fromkeys((*settings[0], *settings[1])):
            values = (settings[0].get(setting), settings[1].get(setting))
            if values[0] == values[1]:
                continue
            rule = _rule(setting)
            grade = _grade(rule, *values)
            why = rule.tight if grade is B else rule.loose
            place = f"x-gateway, {'.'.join(setting)}"
            old_text, new_text = shown(values[0]), shown(values[1])
            yield found(grade, place, old_text, new_text, why, before, after)


def _merged(*levels: Node) -> dict[str, Node]:
    """The nearest wins, key by key, as in the gateway."""
    return {key: node for level in levels for key, node in level.map_of(KEY).items()}


def _leaves(key: str, node: Node | None) -> dict[Setting, Any]:
    value = DEFAULTS.get(key) if node is None else node.value
    leaves: dict[Setting, Any] = {}
    policies = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    if key == "rate-limit":
        for policy in (one for one in policies if isinstance(one, dict)):
            name = str(policy.get("name"))
            leaves |= {(key, name, k): v for k, v in policy.items() if k != "name"}
    elif isinstance(value, dict):
        leaves = {(key, k): v for k, v in value.items()}
    elif value is not None and value is not False:
        leaves = {(key,): value}
    return leaves


def _rule(setting: Setting) -> Rule:
    """The rule of this setting, or else of its key."""
    return RULES.get((setting[0], setting[-1])) or RULES.get(setting[:1]) or UNKNOWN


def _grade(rule: Rule, was: Any, now: Any) -> Grade:
    if was is None:
        return rule.come
    if now is None:
        return rule.gone
    try:
        return rule.lowered if now < was else rule.raised
    except TypeError:
        return min(rule.lowered, rule.raised, key=list(Grade).index)
