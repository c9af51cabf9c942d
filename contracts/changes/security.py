"""Compares who is let in: the alternatives of ``security``, and the schemes they name.

An alternative lets in whoever has all of its schemes, each with its scopes. Whom an old one let in
and no new one does is shut out: that is breaking. Whom a new one lets in and no old one did is let
in beyond what was released: no client breaks, and still a guard is down.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from contracts.changes.change import Grade
from contracts.changes.found import Found, found
from contracts.changes.node import Node, names_of, shown
from openapi.selection import hold_to_scopes

# A scheme's name to the scopes that it has to have.
Alternative = Mapping[str, frozenset[str]]


def security_changes(old: Node, new: Node, was: Node, now: Node) -> list[Found]:
    """What changed for operations ``was`` and ``now`` of the documents ``old`` and ``new``."""
    before, after = _declared(old, was), _declared(new, now)
    names = _renamed(old, new)
    theirs = _alternatives(old, before)
    ours = [{names.get(k, k): v for k, v in one.items()} for one in _alternatives(new, after)]
    texts = (_told(theirs), _told(ours))
    shut = [one for one in theirs if not any(_lets_in(other, one) for other in ours)]
    opened = [one for one in ours if not any(_lets_in(other, one) for other in theirs)]
    changes = []
    if shut:
        why = f"a client with {_credential(shut[0])} was let in, and is now refused (401 or 403)"
        changes.append(found(Grade.BREAKING, "security", *texts, why, before, after))
    if opened:
        changes.append(
            found(Grade.LOOSENED, "security", *texts, _opening(opened[0], theirs), before, after)
        )
    return changes


def _declared(document: Node, operation: Node) -> Node:
    """The ``security`` that holds: the operation's, or else the document's."""
    holder = operation if "security" in operation.members else document
    return holder.step("security", holder.get("security"))


def _schemes(document: Node) -> dict[str, Node]:
    components = document.below("components")
    return components.map_of("securitySchemes") if components else {}


def _alternatives(document: Node, security: Node) -> list[Alternative]:
    """Who is let in. Schemes that cannot name scopes are held to those of the others, as served."""
    options = security.value if isinstance(security.value, list) else []
    kept = [
        {
            name: [str(s) for s in scopes] if isinstance(scopes, list) else []
            for name, scopes in option.items()
        }
        for option in options
        if isinstance(option, Mapping)
    ]
    if not kept:
        return [{}]  # everybody
    known = _schemes(document)
    kinds: dict[str, dict[str, Any]] = {
        name: {"type": known[name].get("type") if name in known else None}
        for option in kept
        for name in option
    }
    held = hold_to_scopes(kept, kinds)
    return [{name: frozenset(scopes) for name, scopes in option.items()} for option in held]


def _lets_in(alternative: Alternative, client: Alternative) -> bool:
    """Whether who has just what ``client`` asks for has what ``alternative`` asks for."""
    return all(name in client and scopes <= client[name] for name, scopes in alternative.items())


def _renamed(old: Node, new: Node) -> dict[str, str]:
    """The new names of schemes that are the same on the wire, to the old ones."""
    was, now = _schemes(old), _schemes(new)
    gone = {_wire(node): name for name, node in was.items() if name not in now}
    return {
        name: gone[_wire(node)]
        for name, node in now.items()
        if name not in was and _wire(node) in gone
    }


def _wire(scheme: Node) -> tuple[str, ...]:
    return tuple(shown(scheme.get(key)) for key in ("type", "in", "name", "scheme"))


def _opening(opened: Alternative, theirs: Sequence[Alternative]) -> str:
    needed = frozenset(s for one in theirs for scopes in one.values() for s in scopes)
    lacking = sorted(needed - {s for scopes in opened.values() for s in scopes})
    if not opened:
        return "everybody is let in now, without any credential"
    if lacking:
        scopes = " ".join(lacking)
        return (
            f"a credential without the scope {scopes} was refused with 403, and is now let in:"
            " the guard is looser than what was released"
        )
    return f"who has {_credential(opened)} was refused, and is now let in"


def _credential(alternative: Alternative) -> str:
    names = " and ".join(_scheme(name, scopes) for name, scopes in alternative.items())
    return names or "no credential"


def _scheme(name: str, scopes: frozenset[str]) -> str:
    return f"{name} ({' '.join(sorted(scopes))})" if scopes else name


def _told(alternatives: Sequence[Alternative]) -> str:
    return " or ".join(_credential(one) for one in alternatives)


def scheme_changes(old: Node, new: Node) -> Iterator[Found]:
    """What changed of the schemes that both documents have by name."""
    was, now = _schemes(old), _schemes(new)
    for name in was.keys() & now.keys():
        for keyword in ("type", "in", "name", "scheme", "bearerFormat", "openIdConnectUrl"):
            texts = [shown(node.get(keyword)) for node in (was[name], now[name])]
            if texts[0] != texts[1]:
                why = f"a client that sends {name} as it was told to is now refused with 401"
                before, after = (n.step(keyword, n.get(keyword)) for n in (was[name], now[name]))
                place = f"security scheme {name}, {keyword}"
                yield found(Grade.BREAKING, place, texts[0], texts[1], why, before, after)
        flows = (was[name].map_of("flows"), now[name].map_of("flows"))
        for flow in names_of(*flows):
            place = f"security scheme {name}, flow {flow}"
            yield from _flow(place, flows[0].get(flow), flows[1].get(flow))


def _flow(place: str, was: Node | None, now: Node | None) -> Iterator[Found]:
    if was is None or now is None:
        why = "a client that gets its token so cannot any more"
        if now:
            why = "a client may now get its token so too"
        grade = Grade.COMPATIBLE if now else Grade.BREAKING
        texts = ("-", "offered") if now else ("offered", "-")
        yield found(grade, place, *texts, why, was, now)
        return
    for keyword in ("authorizationUrl", "tokenUrl", "refreshUrl"):
        old, new = (shown(node.get(keyword)) for node in (was, now))
        if old != new:
            why = "a client that gets its token at the address that it was told gets none"
            before, after = (node.step(keyword, node.get(keyword)) for node in (was, now))
            yield found(Grade.BREAKING, f"{place}, {keyword}", old, new, why, before, after)
    yield from _scopes(place, was.map_of("scopes"), now.map_of("scopes"))


def _scopes(place: str, was: dict[str, Node], now: dict[str, Node]) -> Iterator[Found]:
    for scope in names_of(was, now):
        if scope not in now:
            why = f"a client that asks for a token with the scope {scope} is now refused"
            yield found(Grade.BREAKING, f"{place}, scopes", scope, "-", why, was[scope], None)
        elif scope not in was:
            why = f"a client may now ask for the scope {scope}"
            yield found(Grade.COMPATIBLE, f"{place}, scopes", "-", scope, why, None, now[scope])
