"""Compares two schemas as the values that clients send, or get."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from contracts.changes.change import Grade
from contracts.changes.found import IT, Found, below, found
from contracts.changes.grading import GRADES, Effect, Move, Way, reason
from contracts.changes.keywords import RULES, moves
from contracts.changes.node import Node, Pointer, canonical, names_of, shown

_KINDS = {
    "allOf": (Effect.NARROWED, Effect.WIDENED),
    "oneOf": (Effect.WIDENED, Effect.NARROWED),
    "anyOf": (Effect.WIDENED, Effect.NARROWED),
}


class Schemas:
    """Compares schemas of two documents, each pair once a way, however often it is referred to.

    A schema within itself is compared where it is met first.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[Pointer, Pointer, Way], list[Found]] = {}
        self._shared: dict[tuple[Pointer, Pointer], list[Found]] = {}

    def compare(self, old: Node, new: Node, way: Way) -> list[Found]:
        """What changed for values that go this way; paths are seen from the schemas."""
        key = (old.pointer, new.pointer, way)
        if key not in self._known:
            self._known[key] = []
            self._known[key] = [change for part in self._parts(old, new, way) for change in part]
        return self._known[key]

    def once(self, old: Node, new: Node, find: Callable[[], list[Found]]) -> list[Found]:
        """What ``find`` tells of two parts that operations share, found at the first."""
        key = (old.pointer, new.pointer)
        if key not in self._shared:
            self._shared[key] = find()
        return self._shared[key]

    def held_by(self, old: Node, new: Node, way: Way) -> list[Found]:
        """What changed of the ``schema`` of a parameter, a header or a media type."""
        was, now = old.below("schema"), new.below("schema")
        if was and now:
            return self.compare(was, now, way)
        if not was and not now:
            return []
        effect = Effect.WIDENED if was else Effect.NARROWED
        move = Move(effect, f"{IT} of another form", *(_form(was), _form(now)))
        return [_graded("schema", move, way, was, now)]

    def _parts(self, old: Node, new: Node, way: Way) -> Iterator[list[Found]]:
        yield _keywords(old, new, way)
        yield _access(old, new, way)
        yield self._properties(old, new, way)
        yield _required(old, new, way)
        yield self._items(old, new, way)
        yield self._additional(old, new, way)
        for kind in _KINDS:
            yield self._alternatives(kind, old, new, way)

    def _properties(self, old: Node, new: Node, way: Way) -> list[Found]:
        was, now = old.map_of("properties"), new.map_of("properties")
        changes: list[Found] = []
        for name in names_of(was, now):
            if name not in now:
                told = [_gone(name, old, new, way)]
            elif name not in was:
                told = [_come(name, old, new, way)]
            else:
                told = self.compare(was[name], now[name], way)
            changes += below(f"/{name}", told, name)
        return changes

    def _items(self, old: Node, new: Node, way: Way) -> list[Found]:
        was, now = old.below("items"), new.below("items")
        if was and now:
            return below("/*", self.compare(was, now, way), f"an item of {IT}")
        return _whole("items", was, now, way, Effect.NARROWED)

    def _additional(self, old: Node, new: Node, way: Way) -> list[Found]:
        was, now = (node.below("additionalProperties") for node in (old, new))
        if was and now and isinstance(was.value, dict) and isinstance(now.value, dict):
            return below("/*", self.compare(was, now, way), f"a member of {IT}")
        widths = [_width(node) for node in (was, now)]
        if widths[0] == widths[1]:
            return []
        effect = Effect.NARROWED if widths[1] < widths[0] else Effect.WIDENED
        move = Move(effect, f"further members in {IT}", *map(_members_text, (was, now)))
        grade = _grade_of_additional(way, effect, was)
        return [
            found(
                grade,
                "additionalProperties",
                move.was,
                move.now,
                reason(way, move),
                was or old,
                now or new,
            )
        ]

    def _alternatives(self, kind: str, old: Node, new: Node, way: Way) -> list[Found]:
        pairs, gone, come = _paired(old.list_of(kind), new.list_of(kind))
        changes: list[Found] = []
        for number, pair in enumerate(pairs, 1):
            changes += below(f"{kind} {number}", self.compare(*pair, way))
        for node in gone:
            move = Move(_KINDS[kind][1], f"{IT} of a kind that is gone", _form(node), "-")
            changes.append(_graded(kind, move, way, node, None))
        for node in come:
            move = Move(_KINDS[kind][0], f"{IT} of a kind that is new", "-", _form(node))
            changes.append(_graded(kind, move, way, None, node))
        return changes


def _keywords(old: Node, new: Node, way: Way) -> list[Found]:
    return [
        _graded(keyword, move, way, _at(old, keyword), _at(new, keyword))
        for keyword in RULES
        if (keyword in old.members or keyword in new.members)
        and canonical(old.get(keyword)) != canonical(new.get(keyword))
        for move in moves(keyword, old.get(keyword), new.get(keyword))
    ]


def _at(node: Node, keyword: str) -> Node | None:
    return node.step(keyword, node.get(keyword)) if keyword in node.members else None


def _graded(path: str, move: Move, way: Way, old: Node | None, new: Node | None) -> Found:
    grade = GRADES[way, move.effect]
    return found(grade, path, move.was, move.now, reason(way, move), old, new)


def _access(old: Node, new: Node, way: Way) -> list[Found]:
    """``readOnly`` matters to who sends, and ``writeOnly`` to who reads."""
    keyword = "readOnly" if way is Way.REQUEST else "writeOnly"
    was, now = bool(old.get(keyword)), bool(new.get(keyword))
    if was == now:
        return []
    grade = Grade.BREAKING if now else Grade.COMPATIBLE
    verb = "sends" if way is Way.REQUEST else "reads"
    why = (
        f"a client that {verb} {IT} {'could, and cannot any more' if now else 'now can'}:"
        f" it {'is' if now else 'was'} {keyword}"
    )
    return [
        found(
            grade,
            keyword,
            shown(was),
            shown(now),
            why,
            _at(old, keyword) or old,
            _at(new, keyword) or new,
        )
    ]


def _gone(name: str, old: Node, new: Node, way: Way) -> Found:
    """A member that there was."""
    why = f"a client that reads {IT} never finds it again"
    if way is Way.REQUEST:
        closed = new.get("additionalProperties") is False
        end = "is now refused with 400" if closed else "now has it passed over"
        why = f"a client that sends {IT} was served, and {end}"
    was = old.map_of("properties")[name]
    change = found(Grade.BREAKING, "", _form(was), "-", why, was, None)
    return _with_the_list(change, name, old, new)


def _come(name: str, old: Node, new: Node, way: Way) -> Found:
    """A member that there is now. In an answer, clients pass over what they do not know."""
    grade, why = Grade.COMPATIBLE, f"the answer has {IT} too, which clients may pass over"
    if way is Way.REQUEST:
        why = f"a client may now send {IT} too; without it, it is served as before"
    if way is Way.REQUEST and name in _needed(new, way) - _needed(old, way):
        why = f"a client that does not know {IT} was served, and is now refused with 400"
        grade = Grade.BREAKING
    now = new.map_of("properties")[name]
    change = found(grade, "", "-", _form(now), why, None, now)
    return _with_the_list(change, name, old, new)


def _with_the_list(change: Found, name: str, old: Node, new: Node) -> Found:
    """The change, which tells too that the list of what is required has the name, or had it."""
    lists = [_at(node, "required") for node in (old, new)]
    named = [node.pointer for node in lists if node and name in (node.value or [])]
    return replace(change, also=tuple(named))


def _needed(schema: Node, way: Way) -> set[str]:
    """The members that have to be sent: not those that only the other side writes."""
    keyword = "readOnly" if way is Way.REQUEST else "writeOnly"
    members = schema.map_of("properties")
    names = schema.get("required") or []
    kept = {name for name in names if isinstance(name, str)} if isinstance(names, list) else set()
    return {name for name in kept if name not in members or not members[name].get(keyword)}


def _required(old: Node, new: Node, way: Way) -> list[Found]:
    """Members that there are, or were, on both sides; of the others it is told otherwise."""
    was, now = _needed(old, way), _needed(new, way)
    holders = (_at(old, "required") or old, _at(new, "required") or new)
    in_one = old.map_of("properties").keys() ^ new.map_of("properties").keys()
    changes = []
    for name in sorted((was ^ now) - in_one):
        effect = Effect.NARROWED if name in now else Effect.WIDENED
        texts = ("optional", "required") if name in now else ("required", "optional")
        move = Move(effect, f"an object without {IT}", *texts)
        changes += below(f"/{name}", [_graded("required", move, way, *holders)], name)
    return changes


def _whole(keyword: str, was: Node | None, now: Node | None, way: Way, come: Effect) -> list[Found]:
    """A subschema that is in one of the two alone."""
    if bool(was) == bool(now):
        return []
    gone = Effect.WIDENED if come is Effect.NARROWED else Effect.NARROWED
    move = Move(come if now else gone, f"{keyword} of {IT} of any form", _form(was), _form(now))
    return [_graded(keyword, move, way, was, now)]


def _width(node: Node | None) -> int:
    """0: no further members, 1: those of a schema, 2: all, as where nothing is said."""
    if node is None or node.value is True or node.value == {}:
        return 2
    return 0 if node.value is False else 1


def _members_text(node: Node | None) -> str:
    return ("no others", "others of a form", "any others")[_width(node)]


def _grade_of_additional(way: Way, effect: Effect, was: Node | None) -> Grade:
    """An answer may have new members, so it may be opened; a map that it was may not be lost."""
    if way is Way.RESPONSE and _width(was) == 0:
        return Grade.COMPATIBLE
    if way is Way.RESPONSE and was is not None and effect is Effect.NARROWED:
        return Grade.BREAKING
    return GRADES[way, effect]


def _paired(
    old: list[Node], new: list[Node]
) -> tuple[list[tuple[Node, Node]], list[Node], list[Node]]:
    """Alternatives have no order: those of one name or content belong together, then the rest."""
    pairs, gone, come = [], [], [*new]
    for node in old:
        match = next((other for other in come if _is_like(node, other)), None)
        if match is None:
            gone.append(node)
        else:
            come.remove(match)
            pairs.append((node, match))
    rest = min(len(gone), len(come))
    pairs += zip(gone[:rest], come[:rest], strict=True)
    return pairs, gone[rest:], come[rest:]


def _is_like(node: Node, other: Node) -> bool:
    is_named = node.pointer[:1] == ("components",) and len(node.pointer) == 3
    return (is_named and node.pointer == other.pointer) or node.value == other.value


def _form(node: Node | None) -> str:
    """A schema in a few words."""
    if node is None:
        return "-"
    if node.pointer[:2] == ("components", "schemas") and len(node.pointer) == 3:
        return node.pointer[2]
    return shown(node.get("type")) if "type" in node.members else shown(node.value)
