"""What holds of any two contracts: nothing goes unsaid, and back is the other way round."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.changes import Grade, compare
from openapi import CONTRACT
from openapi.source import Source

CONTENT = Source(CONTRACT).content
Place = tuple[Any, ...]
# Where a number is, less is narrower for the first and more for the second.
UPPER = ("maximum", "maxLength", "maxItems", "maxProperties")
LOWER = ("minimum", "minLength", "minItems", "minProperties")
# A place of the contract is as small as another one: to look for a smaller one takes minutes.
QUICK = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=8,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    database=None,
)


def places(value: Any, place: Place = ()) -> Iterator[Place]:
    """Where the contract has a value that holds no others."""
    parts: Any = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, part in parts:
        yield from places(part, (*place, key))
    if not parts:
        yield place


LEAVES = list(places(CONTENT))


def at(place: Place) -> Any:
    value = CONTENT
    for step in place:
        value = value[step]
    return value


def put(place: Place, value: Any) -> dict[str, Any]:
    """The contract with another value in this place; everything else is shared with it."""
    return _put(CONTENT, place, value)


def _put(content: Any, place: Place, value: Any) -> Any:
    if not place:
        return value
    changed = copy.copy(content)
    changed[place[0]] = _put(content[place[0]], place[1:], value)
    return changed


def without(place: Place) -> dict[str, Any]:
    holder = copy.copy(at(place[:-1]))
    del holder[place[-1]]
    return put(place[:-1], holder)


def other_than(value: Any) -> st.SearchStrategy[Any]:
    kinds = st.one_of(st.booleans(), st.integers(), st.text(max_size=5), st.none(), st.just([]))
    return kinds.filter(lambda one: (type(one), one) != (type(value), value))


def test_a_contract_is_as_it_is(contract: Any) -> None:
    assert compare(contract, copy.deepcopy(contract)) == []


@QUICK
@given(data=st.data())
def test_whatever_is_put_in_a_place_is_told(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(LEAVES))
    changed = put(place, data.draw(other_than(at(place))))

    assert compare(CONTENT, changed)
    assert compare(changed, CONTENT)


@QUICK
@given(place=st.sampled_from(LEAVES))
def test_whatever_is_taken_out_is_told(place: Place) -> None:
    changed = without(place)

    assert compare(CONTENT, changed)
    assert compare(changed, CONTENT)


@QUICK
@given(place=st.sampled_from([place for place in LEAVES if len(place) > 4]))
def test_whatever_part_is_taken_out_is_told(place: Place) -> None:
    assert compare(CONTENT, without(place[:-2]))


def bounds(*keywords: str) -> list[Place]:
    """Bounds of components' schemas and parameters, all of which are used."""
    return [p for p in LEAVES if p[-1] in keywords and p[1] in ("schemas", "parameters")
            and isinstance(at(p), int)]  # fmt: skip


@QUICK
@given(place=st.sampled_from(bounds(*UPPER, *LOWER)), by=st.integers(1, 5))
def test_what_is_narrowed_for_one_side_is_widened_for_the_other(place: Place, by: int) -> None:
    """A set of values that is narrowed, and then put back, is graded by the other side."""
    narrower = put(place, at(place) + (by if place[-1] in LOWER else -by))

    there = {(c.place, c.operations): c.grade for c in compare(CONTENT, narrower)}
    back = {(c.place, c.operations): c.grade for c in compare(narrower, CONTENT)}

    assert there.keys() == back.keys() and all(key[1] for key in there)
    assert all({there[key], back[key]} == {Grade.BREAKING, Grade.COMPATIBLE} for key in there)


def the_ways(place: str) -> str:
    return "response" if ", response " in place else "request"


@QUICK
@given(place=st.sampled_from(bounds(*UPPER)))
def test_a_lowered_bound_breaks_who_sends_and_not_who_reads(place: Place) -> None:
    changes = compare(CONTENT, put(place, at(place) - 1))

    assert changes
    for change in changes:
        expected = Grade.BREAKING if the_ways(change.place) == "request" else Grade.COMPATIBLE
        assert change.grade is expected


TEXTS = [p for p in LEAVES if p[-1] in ("description", "summary") and "properties" not in p[:-1]]


@QUICK
@given(place=st.sampled_from(TEXTS))
def test_another_description_is_documentation(place: Place) -> None:
    assert [c.grade for c in compare(CONTENT, put(place, "Otherwise."))] == [Grade.DOCUMENTATION]


@pytest.mark.parametrize("key", ["x-new", "webhooks"])
def test_a_keyword_that_nobody_knows_is_breaking(contract: Any, key: str) -> None:
    assert [c.grade for c in compare(contract, contract | {key: {}})] == [Grade.BREAKING]


def test_keys_that_yaml_reads_as_numbers_are_text(a_document: Any) -> None:
    as_text = a_document(responses={"200": {"description": ""}})
    as_number = a_document(responses={200: {"description": ""}})

    assert compare(as_text, as_number) == []


def test_true_is_not_one(a_document: Any) -> None:
    assert compare(a_document(deprecated=True), a_document(deprecated=1))


def test_the_worst_comes_first(copied: Any, contract: Any) -> None:
    copied["info"]["title"] = "Door"
    del copied["paths"]["/v1/homes"]
    copied["paths"]["/v1/customers"]["post"]["security"] = []

    changes = compare(contract, copied)

    assert [c.grade for c in changes] == [
        Grade.BREAKING,
        Grade.BREAKING,
        Grade.LOOSENED,
        Grade.DOCUMENTATION,
    ]
