"""The stream of changes over real sockets: who sees what, going on, and ends that are clean."""

from __future__ import annotations

import json
import secrets
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from contracts.identity import sign_identity
from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys
from gateway.change_stream import STREAMS

PATH = "/v1/changes/stream"


class Stream:
    """Somebody who listens, with a key."""

    def __init__(self, services: Services, key: str, *, last: str | None = None, **query: Any):
        headers = {"X-API-Key": key} | ({"Last-Event-ID": last} if last else {})
        self.answer = requests.get(
            services.gateway_url + PATH, params=query, headers=headers, stream=True, timeout=30
        )
        self._lines = self.answer.iter_lines(chunk_size=1, decode_unicode=True)

    def events(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Each event's id and data, until the stream ends."""
        at = ""
        for line in self._lines:
            if line.startswith("id: "):
                at = line.removeprefix("id: ")
            elif line.startswith("data: "):
                yield at, json.loads(line.removeprefix("data: "))

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event."""
        return next(self.events())

    def close(self) -> None:
        """Goes away."""
        self.answer.close()


@pytest.fixture
def make_key(services: Services) -> Iterator[Callable[[str | None], str]]:
    """Makes keys that read, of a customer or of nobody."""
    keys = ApiKeys(services.data / "gateway.db")
    yield lambda customer: keys.create("listener", ["devices:read"], customer)
    keys.close()


@pytest.fixture
def listen(services: Services) -> Iterator[Callable[..., Stream]]:
    streams: list[Stream] = []

    def make(key: str = services.admin_key, **options: Any) -> Stream:
        streams.append(Stream(services, key, **options))
        return streams[-1]

    yield make
    for stream in streams:
        stream.close()


def create(admin: Any, **fields: Any) -> str:
    """A new device's identifier."""
    body = {"name": "Lamp", "device_type": "light"} | fields
    answer = admin.post("/v1/devices", json=body)
    assert answer.status_code == 201, answer.text
    identifier: str = answer.json()["identifier"]
    return identifier


def test_a_change_is_seen_by_everybody_who_listens(admin: Any, listen: Any) -> None:
    one, other = listen(), listen()
    assert one.answer.headers["Content-Type"].startswith("text/event-stream")

    identifier = create(admin)

    for stream in (one, other):
        _, event = stream.next()
        assert (event["type"], event["subject"]) == ("doorstep.device.created", identifier)


def test_who_comes_again_misses_nothing_and_sees_nothing_twice(admin: Any, listen: Any) -> None:
    stream = listen()
    first = create(admin)
    at, event = stream.next()
    assert event["subject"] == first
    stream.close()
    missed = [create(admin) for _ in range(3)]

    again = listen(last=at)
    later = create(admin)

    seen = [again.next()[1]["subject"] for _ in range(4)]
    assert seen == [*missed, later]


def test_the_feed_goes_on_where_a_stream_was(admin: Any, listen: Any) -> None:
    stream = listen()
    first, second = create(admin), create(admin)
    at, event = stream.next()
    assert event["subject"] == first

    page = admin.get("/v1/changes", params={"after": at}).json()

    assert [item["subject"] for item in page["items"]] == [second]


def test_now_is_after_all_there_is(admin: Any) -> None:
    create(admin)

    page = admin.get("/v1/changes", params={"after": "now"}).json()
    assert page["items"] == []

    identifier = create(admin)
    later = admin.get("/v1/changes", params={"after": page["next"]}).json()
    assert [item["subject"] for item in later["items"]] == [identifier]


def test_only_the_kinds_that_are_asked_for_are_sent(admin: Any, listen: Any) -> None:
    stream = listen(kind="customers")
    customer = f"c-{secrets.token_hex(4)}"

    create(admin)
    admin.post("/v1/customers", json={"identifier": customer, "name": "C"})

    assert stream.next()[1]["subject"] == customer


def test_a_customers_key_sees_only_what_is_the_customers(
    admin: Any, listen: Any, make_key: Any
) -> None:
    keys, customers = {}, [f"c-{secrets.token_hex(4)}" for _ in range(2)]
    for customer in customers:
        assert admin.post("/v1/customers", json={"identifier": customer, "name": "C"}).ok
        keys[customer] = make_key(customer)
    start = admin.get("/v1/changes", params={"after": "now"}).json()["next"]
    live = {customer: listen(keys[customer]) for customer in customers}

    theirs = {c: create(admin, customer_id=c) for _ in range(2) for c in customers}
    create(admin)
    last = {c: create(admin, customer_id=c) for c in customers}

    for customer in customers:
        late = listen(keys[customer], last=start)
        for stream in (live[customer], late):
            seen = []
            while not seen or seen[-1]["subject"] != last[customer]:
                seen.append(stream.next()[1])
            assert theirs[customer] in [event["subject"] for event in seen]
            assert {event["customer"] for event in seen} == {customer}


def test_a_cursor_that_is_none_is_a_problem_and_no_stream(listen: Any) -> None:
    answer = listen(last="bm90LW91cnM").answer

    assert answer.status_code == 400
    assert answer.json()["type"] == "urn:doorstep:problem:invalid-request"
    assert answer.json()["errors"][0]["name"] == "Last-Event-ID"


def test_a_stream_ends_when_its_time_is_over(listen: Any) -> None:
    answer = listen(duration=1).answer

    assert answer.text.startswith("retry: 2000\n\n")
    assert answer.text.endswith(": the end, as its time is over\n\n")


def test_a_key_has_only_so_many_streams(listen: Any, make_key: Any) -> None:
    key = make_key(None)
    streams = [listen(key) for _ in range(STREAMS)]
    assert {stream.answer.status_code for stream in streams} == {200}

    refused = listen(key).answer
    assert refused.status_code == 429
    assert refused.json()["type"] == "urn:doorstep:problem:too-many-streams"

    streams.pop().close()
    wait_for(lambda: listen(key).answer.status_code == 200, "a stream to be given up")


def test_a_stream_ends_with_its_key(services: Services, listen: Any) -> None:
    keys = ApiKeys(services.data / "gateway.db")
    key = keys.create("listener", ["devices:read"])
    stream = listen(key)
    assert stream.answer.status_code == 200

    keys.revoke(key.split("_")[1])
    keys.close()

    assert stream.answer.text.endswith(": the end, as the credential is not what it was\n\n")


def test_without_the_inventory_there_is_no_stream_and_later_there_is(tmp_path: Path) -> None:
    with Services(tmp_path) as services:
        services.kill("inventory")
        assert Stream(services, services.admin_key).answer.status_code == 502

        services.start("inventory")

        def is_there() -> bool:
            return Stream(services, services.admin_key, duration=0).answer.status_code == 200

        wait_for(is_there, "a stream")


def test_who_waits_for_a_change_is_answered_when_the_inventory_ends(tmp_path: Path) -> None:
    with Services(tmp_path) as services:
        token = sign_identity(
            services.data / "gateway.key", audience="inventory", scopes=["devices:read"]
        )
        url, headers = f"{services.inventory_url}/v1/changes", {"Authorization": f"Bearer {token}"}
        line = "GET /v1/changes?after=now&wait=20 HTTP/1.1"
        asked = f"{line}\r\nHost: a\r\nAuthorization: Bearer {token}"
        with socket.create_connection(("127.0.0.1", services.inventory_port), 30) as waiting:
            waiting.sendall(asked.encode() + b"\r\n\r\n")
            # One that comes later was answered: the first one is known of by now.
            assert requests.get(url, headers=headers, timeout=30).status_code == 200
            inventory = services.processes["inventory"]
            inventory.send_signal(signal.SIGTERM)

            answer = b"".join(iter(lambda: waiting.recv(65536), b""))

        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"items":[]' in answer.replace(b" ", b"").replace(b"\n", b"")
        assert inventory.wait(10) == 0


def test_a_service_that_ends_ends_its_streams(tmp_path: Path) -> None:
    with Services(tmp_path) as services:
        stream = Stream(services, services.admin_key)
        gateway = services.processes["gateway"]
        gateway.send_signal(signal.SIGTERM)

        rest = stream.answer.text

        assert rest.endswith(": the end, as the service ends\n\n")
        assert gateway.wait(10) == 0
