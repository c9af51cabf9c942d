"""Which kinds of changes some scopes are enough for, as the contract says it."""

from __future__ import annotations

import pytest

from gateway.change_feed import OURSELVES
from openapi import CONTRACT
from openapi.changed_kinds import ChangedKinds
from openapi.document import load_document
from openapi.problems import INSUFFICIENT_SCOPE, Problem

KINDS = ChangedKinds(load_document(CONTRACT))
READER = frozenset({"devices:read"})


def test_a_kind_is_seen_by_who_may_list_it() -> None:
    assert KINDS.seen(READER, ()) == ("devices", "device_types")
    assert KINDS.seen(READER, ["devices", "devices"]) == ("devices",)
    assert KINDS.seen(READER | {"customers:read"}, ["homes"]) == ("homes",)


def test_who_may_list_all_kinds_is_held_to_none() -> None:
    assert KINDS.seen(OURSELVES["scopes"], ()) == ()


def test_asking_for_another_kind_names_the_scope_that_is_missing() -> None:
    with pytest.raises(Problem) as refused:
        KINDS.seen(READER, ["devices", "homes", "areas"])

    assert refused.value.kind is INSUFFICIENT_SCOPE
    assert refused.value.detail == "Changes of these kinds need the scope customers:read."
