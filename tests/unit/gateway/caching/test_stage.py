"""What the stage does beyond a single client's requests: whose answers, how many, how long."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from gateway.caching.keys import cached_operations
from gateway.caching.recording import LONGEST
from gateway.caching.store import OVERHEAD, VARIANTS
from gateway.upstreams import UpstreamError
from openapi import CONTRACT
from openapi.document import DocumentFault, load_document
from openapi.policy import Caching
from openapi.problems import Problem
from tests.unit.gateway.caching.origin import Reply, Says, World, run, says

FRESH = says(("Cache-Control", "max-age=60"), ("Date", 0))
TAGGED = says(("ETag", '"1"'), ("Date", 0))
BREAKS = Says(breaks=True)
ANN = {"tenant": "ann", "scopes": frozenset(("r",)), "sub": "k1"}
HEAD: dict[str, Any] = {"method": "HEAD"}


def status(reply: Reply) -> str:
    return (reply.header("cache-status") or "").removeprefix("doorstep; ")


@pytest.mark.parametrize(
    "other",
    [
        {**ANN, "tenant": "ben"},
        {**ANN, "tenant": None},
        {**ANN, "scopes": frozenset(("r", "w"))},
        {"tenant": None, "scopes": frozenset(), "sub": "anonymous"},
    ],
    ids=["another tenant", "no tenant", "other scopes", "nobody"],
)
def test_an_answer_is_for_its_tenant_and_scopes_alone(other: dict[str, Any]) -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH, who=ANN)

        assert (await world.ask(FRESH, who=other)).body == b"answer 2"
        assert (await world.ask(who={**ANN, "sub": "k2"})).body == b"answer 1"

    run(test)


def test_an_answer_by_principal_is_for_that_one_alone() -> None:
    async def test() -> None:
        world = World(Caching(by="principal"))
        await world.ask(FRESH, who=ANN)

        assert (await world.ask(FRESH, who={**ANN, "sub": "k2"})).body == b"answer 2"
        assert (await world.ask(who=ANN)).body == b"answer 1"

    run(test)


def test_a_header_of_the_contract_is_part_of_the_key_though_vary_does_not_name_it() -> None:
    async def test() -> None:
        world = World(headers=(b"prefer",))
        await world.ask(FRESH, headers=(("Prefer", "return=total-count"),))

        assert (await world.ask(FRESH)).was_asked
        assert not (await world.ask(headers=(("Prefer", "return=total-count"),))).was_asked

    run(test)


def test_the_contracts_cached_operations_are_keyed_by_their_headers() -> None:
    cached = cached_operations(load_document(CONTRACT))

    assert {name: one.headers for name, one in cached.items()} == {
        "get_device_type": (),
        "list_device_types": (b"prefer",),
    }
    # What a client was told last is asked about each time: a write is seen by the next request.
    assert {one.rule.max_age for one in cached.values()} == {0}


def test_accept_is_part_of_the_key_where_there_is_something_to_choose(tmp_path: Path) -> None:
    content: dict[str, Any] = {"application/json": {}, "text/csv": {}}
    spec = {
        "operationId": "op",
        "responses": {"200": {"content": content}},
        "x-gateway": {"upstream": "inventory", "cache": {}},
    }
    file = tmp_path / "a.yaml"
    file.write_text(json.dumps({"openapi": "3.0.3", "paths": {"/a": {"get": spec}}}))

    assert cached_operations(load_document(file))["op"].headers == (b"accept",)


@pytest.mark.parametrize(("method", "upstream"), [("put", True), ("get", False)])
def test_a_cache_for_what_cannot_be_kept_stops_the_start(
    tmp_path: Path, method: str, upstream: bool
) -> None:
    policy: dict[str, Any] = {"cache": {}} | ({"upstream": "inventory"} if upstream else {})
    operation = {"operationId": "op", "responses": {"200": {}}, "x-gateway": policy}
    file = tmp_path / "a.yaml"
    file.write_text(json.dumps({"openapi": "3.0.3", "paths": {"/a": {method: operation}}}))

    with pytest.raises(DocumentFault, match="op: only a GET that a service answers"):
        cached_operations(load_document(file))


def test_without_a_word_of_how_long_the_service_is_asked_each_time() -> None:
    async def test() -> None:
        world = World()
        await world.ask(TAGGED)

        again = await world.ask(TAGGED)

        assert dict(again.asked[0]["headers"])[b"if-none-match"] == b'"1"'
        assert (again.status, again.body) == (200, b"answer 1")
        assert status(again) == "fwd=stale; fwd-status=304; stored"

    run(test)


def test_the_contracts_max_age_holds_where_the_answer_says_nothing() -> None:
    async def test() -> None:
        world = World(Caching(max_age=10))
        first = await world.ask(says(("Date", 0)))
        world.wait(9)
        second = await world.ask()
        world.wait(1)

        assert status(first) == "fwd=miss; fwd-status=200; stored"
        assert (status(second), second.header("age")) == ("hit; ttl=1", "9")
        assert (await world.ask(says())).was_asked

    run(test)


@pytest.mark.parametrize("code", [404, 410, 405, 501])
def test_the_contracts_max_age_does_not_hold_for_what_is_missing(code: int) -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_if_error=100))
        await world.ask(says(status=code))

        assert (await world.ask(says(status=code))).was_asked
        with pytest.raises(UpstreamError):
            await world.ask(BREAKS)

    run(test)


def test_what_is_not_found_any_more_is_not_given_again() -> None:
    async def test() -> None:
        world = World(Caching(stale_if_error=100))
        await world.ask(TAGGED)

        gone = await world.ask(says(status=404))

        assert gone.status == 404
        with pytest.raises(UpstreamError):
            await world.ask(BREAKS)

    run(test)


@pytest.mark.parametrize("failure", [BREAKS, *(says(status=n) for n in (500, 502, 503, 504))])
def test_an_error_is_met_by_what_is_kept_for_as_long_as_the_contract_says(failure: Says) -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_if_error=20))
        await world.ask(says(("Date", 0)))
        world.wait(29)

        saved = await world.ask(failure)

        assert (saved.status, saved.body, saved.header("age")) == (200, b"answer 1", "29")
        assert 'ttl=-19; detail="stale-if-error"' in status(saved)
        world.wait(1)
        if failure is BREAKS:
            with pytest.raises(UpstreamError):
                await world.ask(failure)
        else:
            assert (await world.ask(failure)).status == failure.status

    run(test)


@pytest.mark.parametrize("directive", ["must-revalidate", "proxy-revalidate", "s-maxage=5"])
def test_an_answer_may_forbid_what_the_contract_allows(directive: str) -> None:
    async def test() -> None:
        world = World(Caching(stale_if_error=1000, stale_while_revalidate=1000))
        await world.ask(says(("Cache-Control", f"max-age=5, {directive}")))
        world.wait(6)

        assert (await world.ask(says(status=503))).status == 503

    run(test)


def test_a_stale_answer_is_given_while_one_new_one_is_asked_for() -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_while_revalidate=20))
        await world.ask(says(("Date", 0)))
        world.wait(15)
        world.origin.gate = asyncio.Event()

        stale = [await world.ask(says(("Date", 0))) for _ in range(5)]
        world.origin.gate.set()
        await until(lambda: not world.cache._refreshing)
        new = await world.ask()

        assert {(one.body, status(one)) for one in stale} == {(b"answer 1", "hit; ttl=-5")}
        assert {one.outcome for one in stale} == {"stale"}
        assert (new.body, new.header("age"), len(world.origin.asked)) == (b"answer 2", "0", 2)

    run(test)


def test_a_refresh_asks_for_the_whole_answer_though_its_client_has_one() -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_while_revalidate=20))
        await world.ask(says(("Date", 0)))
        world.wait(15)

        await world.ask(says(("Date", 0)), headers=(("If-None-Match", '"mine"'),))
        await until(lambda: not world.cache._refreshing)

        assert (await world.ask()).body == b"answer 2"

    run(test)


def test_an_answer_that_breaks_off_when_it_has_begun_is_not_begun_again() -> None:
    async def test() -> None:
        world = World(Caching(stale_if_error=100))
        await world.ask(TAGGED)
        breaks_off = says(body=b"x" * 2 * LONGEST, parts=3, breaks_off=True, confirms=False)

        with pytest.raises(UpstreamError):
            await world.ask(breaks_off)

    run(test)


def test_a_refresh_that_fails_is_no_clients_concern_and_closing_ends_one() -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_while_revalidate=20))
        await world.ask(says(("Date", 0)))
        world.wait(15)

        assert (await world.ask(BREAKS)).body == b"answer 1"
        await until(lambda: not world.cache._refreshing)
        world.origin.gate = asyncio.Event()
        assert (await world.ask(FRESH)).body == b"answer 1"
        await world.cache.close()
        assert not world.cache._refreshing

    run(test)


def test_many_who_wait_for_the_same_are_answered_by_one_request() -> None:
    async def test() -> None:
        world = World()
        world.origin.gate = asyncio.Event()
        asks = [asyncio.create_task(world.ask(FRESH)) for _ in range(50)]
        await until(lambda: len(world.origin.asked) == 1)
        world.origin.gate.set()
        replies = await asyncio.gather(*asks)

        assert len(world.origin.asked) == 1
        assert {reply.body for reply in replies} == {b"answer 1"}
        assert sorted(map(status, replies))[:49] == ["fwd=miss; collapsed; ttl=60"] * 49

    run(test)


def test_nobody_is_given_an_answer_that_was_asked_for_before_and_is_good_for_one_alone() -> None:
    async def test() -> None:
        world = World()
        world.origin.gate = asyncio.Event()
        asks = [asyncio.create_task(world.ask(TAGGED)) for _ in range(5)]
        await until(lambda: len(world.origin.asked) == 1)
        world.origin.gate.set()
        replies = await asyncio.gather(*asks)
        assert len(world.origin.asked) == 5
        assert sorted(map(status, replies))[1:] == ["fwd=stale; fwd-status=304; stored"] * 4

        # From now on they do not even wait.
        world.origin.gate = asyncio.Event()
        asks = [asyncio.create_task(world.ask(TAGGED)) for _ in range(5)]
        await until(lambda: len(world.origin.asked) == 10)
        world.origin.gate.set()
        await asyncio.gather(*asks)

    run(test)


def test_when_the_one_request_fails_each_of_those_who_wait_asks_for_itself() -> None:
    async def test() -> None:
        world = World()
        world.origin.gate = asyncio.Event()
        asks = [asyncio.create_task(world.ask(BREAKS)) for _ in range(3)]
        await until(lambda: len(world.origin.asked) == 1)
        world.origin.gate.set()
        results = await asyncio.gather(*asks, return_exceptions=True)

        assert all(isinstance(result, UpstreamError) for result in results)
        assert len(world.origin.asked) == 3

    run(test)


def test_nobody_waits_for_another_client_for_ever() -> None:
    async def test() -> None:
        world = World(patience=0.0)
        world.origin.gate = gate = asyncio.Event()
        first = asyncio.create_task(world.ask(FRESH))
        await until(lambda: len(world.origin.asked) == 1)
        world.origin.gate = None

        assert (await world.ask(FRESH)).body == b"answer 2"
        gate.set()
        assert (await first).body == b"answer 1"

    run(test)


def test_an_answer_that_a_change_has_overtaken_is_neither_kept_nor_shared() -> None:
    async def test() -> None:
        world = World()
        world.origin.gate = gate = asyncio.Event()
        early = asyncio.create_task(world.ask(FRESH))
        await until(lambda: len(world.origin.asked) == 1)
        world.origin.gate = None
        await world.ask(says(), method="PUT")
        late = await world.ask(FRESH)
        gate.set()

        assert late.body == b"answer 3"
        assert (await early).body == b"answer 1"
        assert (await world.ask()).body == b"answer 3"

    run(test)


@pytest.mark.parametrize(
    ("changed", "is_forgotten"),
    [
        ("/things/a", True),
        ("/things/a/parts/7", True),
        ("/things", True),
        ("/things/b", False),
        ("/things/ab", False),
        ("/others", False),
    ],
)
def test_a_change_concerns_what_is_above_and_below_it(changed: str, is_forgotten: bool) -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH, query="at=1", who=ANN)
        await world.ask(says(status=204), path=changed, method="PATCH")

        assert (await world.ask(FRESH, query="at=1", who=ANN)).was_asked is is_forgotten

    run(test)


@pytest.mark.parametrize(
    ("url", "is_forgotten"),
    [
        ("/things/a", True),
        ("a", True),
        ("http://door.example/things/a", True),
        ("//elsewhere.example/things/a", False),
        ("http://[broken/things/a", False),
    ],
)
@pytest.mark.parametrize("name", ["Location", "Content-Location"])
def test_what_a_change_names_on_this_host_is_forgotten(
    name: str, url: str, is_forgotten: bool
) -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH)
        await world.ask(says((name, url), status=201), path="/things/b", method="POST")

        assert (await world.ask(FRESH)).was_asked is is_forgotten

    run(test)


@pytest.mark.parametrize(("code", "is_forgotten"), [(204, True), (303, True), (412, False)])
def test_a_change_that_was_refused_changes_nothing(code: int, is_forgotten: bool) -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH)
        await world.ask(says(status=code), method="DELETE")

        assert (await world.ask(FRESH)).was_asked is is_forgotten

    run(test)


def test_a_change_of_which_nobody_knows_whether_it_was_done_counts_as_done() -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH)
        with pytest.raises(UpstreamError):
            await world.ask(BREAKS, method="DELETE")

        assert (await world.ask(FRESH)).was_asked

    run(test)


@pytest.mark.parametrize(
    ("directive", "is_asked"),
    [
        ("no-cache", True),
        ("max-age=0", True),
        ("max-age=5", True),
        ("max-age=20", False),
        ("min-fresh=55", True),
        ("min-fresh=10", False),
        ("max-age=soon", True),
        ("only-if-cached", False),
    ],
)
def test_a_client_may_ask_for_a_younger_answer(directive: str, is_asked: bool) -> None:
    async def test() -> None:
        world = World()
        await world.ask(FRESH)
        world.wait(10)

        reply = await world.ask(FRESH, headers=(("Cache-Control", directive),))

        assert reply.was_asked is is_asked

    run(test)


@pytest.mark.parametrize("directive", ["max-age=100", "min-fresh=0"])
def test_who_says_how_fresh_it_has_to_be_is_given_nothing_stale(directive: str) -> None:
    async def test() -> None:
        world = World(Caching(max_age=10, stale_while_revalidate=100))
        await world.ask(says(("Date", 0)))
        world.wait(11)

        reply = await world.ask(says(), headers=(("Cache-Control", directive),))

        assert reply.body == b"answer 2"

    run(test)


def test_who_says_how_fresh_it_has_to_be_does_not_wait_for_another_client() -> None:
    async def test() -> None:
        world = World()
        world.origin.gate = asyncio.Event()
        line = ("Cache-Control", "no-cache")
        asks = [asyncio.create_task(world.ask(FRESH, headers=lines)) for lines in ((), (line,))]
        await until(lambda: len(world.origin.asked) == 2)
        world.origin.gate.set()

        assert [(await each).body for each in asks] == [b"answer 1", b"answer 2"]

    run(test)


def test_what_may_only_come_from_the_cache_and_is_not_there_is_504() -> None:
    async def test() -> None:
        with pytest.raises(Problem) as refusal:
            await World().ask(headers=(("Cache-Control", "only-if-cached"),))

        assert refusal.value.status == 504

    run(test)


@pytest.mark.parametrize(
    "line",
    [("Cache-Control", "no-store"), ("Range", "bytes=0-1"), ("If-Match", '"1"'),
     ("If-Unmodified-Since", 0), ("Content-Length", "3")],
    ids=lambda line: line[0],
)  # fmt: skip
def test_such_a_request_goes_by_the_cache(line: tuple[str, str]) -> None:
    async def test() -> None:
        world = World()

        first = await world.ask(FRESH, headers=(line,))
        second = await world.ask(FRESH)

        assert status(first) == "fwd=bypass; fwd-status=200"
        assert (second.was_asked, world.store.size > 0) == (True, True)
        assert (await world.ask(FRESH, headers=(line,))).was_asked

    run(test)


def test_head_is_answered_by_what_a_get_has_kept() -> None:
    async def test() -> None:
        world = World()
        missed = await world.ask(FRESH, **HEAD)
        await world.ask(FRESH)
        hit = await world.ask(**HEAD)

        assert (missed.was_asked, missed.asked[0]["method"]) == (True, "HEAD")
        assert (hit.was_asked, hit.body, hit.header("content-length")) == (False, b"", "8")

    run(test)


@pytest.mark.parametrize(("tag", "is_forgotten"), [('"2"', True), ('"1"', False)])
def test_head_that_tells_of_another_state_has_the_old_one_forgotten(
    tag: str, is_forgotten: bool
) -> None:
    async def test() -> None:
        world = World()
        await world.ask(says(("Cache-Control", "max-age=5"), ("ETag", '"1"')))
        world.wait(6)
        await world.ask(says(("ETag", tag)), **HEAD)

        assert (world.store.size == 0) is is_forgotten

    run(test)


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        (("If-None-Match", '"1"'), 304),
        (("If-None-Match", 'W/"1", "2"'), 304),
        (("If-None-Match", "*"), 304),
        (("If-None-Match", '"2"'), 200),
        (("If-Modified-Since", -100), 304),
        (("If-Modified-Since", -101), 200),
        (("If-Modified-Since", "yesterday"), 200),
    ],
)
def test_a_clients_condition_is_answered_from_what_is_kept(
    condition: tuple[str, Any], code: int
) -> None:
    async def test() -> None:
        world = World()
        answer = says(
            ("Cache-Control", "max-age=60"),
            ("Last-Modified", -100),
            ("ETag", '"1"'),
            ("Content-Type", "text/plain"),
        )
        await world.ask(answer)

        reply = await world.ask(headers=(condition,))

        assert (reply.status, reply.was_asked) == (code, False)
        assert (reply.body, reply.header("content-type")) == (
            (b"", None) if code == 304 else (b"answer 1", "text/plain")
        )
        assert reply.header("etag") == '"1"'

    run(test)


def test_a_condition_is_the_services_to_answer_when_nothing_is_kept() -> None:
    async def test() -> None:
        world = World()

        reply = await world.ask(TAGGED, headers=(("If-None-Match", '"1"'),))

        assert (reply.status, world.store.size) == (304, 0)

    run(test)


def test_a_clients_condition_holds_against_the_answer_that_has_just_come() -> None:
    async def test() -> None:
        world = World()
        await world.ask(TAGGED)

        new = says(("ETag", '"2"'), confirms=False)
        reply = await world.ask(new, headers=(("If-None-Match", '"2"'),))

        assert dict(reply.asked[0]["headers"])[b"if-none-match"] == b'"1"'
        assert reply.status == 304
        assert (await world.ask(new)).body == b"answer 3"

    run(test)


def test_a_304_about_another_answer_is_not_taken_for_this_one() -> None:
    async def test() -> None:
        world = World()
        await world.ask(TAGGED)

        reply = await world.ask(says(("ETag", '"2"')))

        assert len(reply.asked) == 2
        assert b"if-none-match" not in dict(reply.asked[1]["headers"])
        assert (reply.status, reply.body) == (200, b"answer 3")

    run(test)


@pytest.mark.parametrize("length", [LONGEST, LONGEST + 1])
def test_a_long_body_is_passed_on_and_not_kept(length: int) -> None:
    async def test() -> None:
        world = World(size=4 * LONGEST)
        long = says(("Cache-Control", "max-age=60"), body=b"x" * length, parts=7)

        reply = await world.ask(long)

        assert len(reply.body) == length
        assert (world.store.size > 0) is (length == LONGEST)
        assert ("stored" in status(reply)) is (length == LONGEST)

    run(test)


def test_so_many_bytes_are_kept_and_the_least_used_go_first() -> None:
    async def test() -> None:
        world = World(size=3 * (OVERHEAD + 1100))
        large = says(("Cache-Control", "max-age=60"), body=b"x" * 1000)
        for name in ("a", "b", "c"):
            await world.ask(large, path=f"/things/{name}")
        await world.ask(path="/things/a")
        await world.ask(large, path="/things/d")

        assert world.store.size <= 3 * (OVERHEAD + 1100)
        assert (await world.ask(large, path="/things/a")).was_asked is False
        assert (await world.ask(large, path="/things/b")).was_asked is True

    run(test)


def test_a_client_cannot_fill_the_memory_with_variants_of_one_answer() -> None:
    async def test() -> None:
        world = World()
        vary = says(("Cache-Control", "max-age=60"), ("Vary", "Foo"))
        for number in range(VARIANTS + 5):
            await world.ask(vary, headers=(("Foo", f"v{number}"),))

        assert world.store.size < (VARIANTS + 1) * (OVERHEAD + 100)
        assert (await world.ask(vary, headers=(("Foo", "v0"),))).was_asked
        assert not (await world.ask(headers=(("Foo", f"v{VARIANTS + 4}"),))).was_asked

    run(test)


def test_what_was_dropped_leaves_nothing_behind() -> None:
    async def test() -> None:
        world = World()
        for path in ("/things/a", "/things/b", "/x"):
            await world.ask(FRESH, path=path)
        for path in ("/things", "/x"):
            await world.ask(says(), path=path, method="POST")

        store = world.store
        assert (store.size, dict(store._kept), dict(store._at), dict(store._below)) == (
            0,
            {},
            {},
            {},
        )
        assert (world.cache.flights._under_way, world.cache.flights._by_key) == (set(), {})

    run(test)


def test_what_is_not_cached_by_the_contract_goes_through_as_it_is() -> None:
    async def test() -> None:
        world = World()
        world.cache._operations = {}

        replies = [await world.ask(FRESH) for _ in range(2)]

        assert [(r.was_asked, r.header("cache-status")) for r in replies] == [(True, None)] * 2

    run(test)


async def until(condition: Any) -> None:
    while not condition():
        await asyncio.sleep(0)
