"""Who the gateway takes a client for, over real sockets: behind a proxy, and without one."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import pytest

from contracts.faults.upstream import EMPTY, GatewayAlone, Upstream, send
from contracts.services import wait_for

PROXY, STRANGER = "127.0.0.2", "127.0.0.3"  # every address of 127.0.0.0/8 is this machine's
CLIENT, FAKE = "203.0.113.9", "198.51.100.1"


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    upstream = Upstream()
    upstream.answer = send(EMPTY)
    yield upstream
    upstream.close()


@pytest.fixture(scope="module")
def gateway(upstream: Upstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayAlone]:
    settings = {
        "INVENTORY_URL": f"http://127.0.0.1:{upstream.port}",
        "TRUSTED_PROXIES": PROXY,
        "UNLIMITED_NETWORKS": CLIENT,
    }
    with GatewayAlone(tmp_path_factory.mktemp("gateway") / "data", settings) as gateway:
        yield gateway


def connect(gateway: GatewayAlone, peer: str) -> closing[http.client.HTTPConnection]:
    """A connection from this address of this machine."""
    return closing(
        http.client.HTTPConnection(
            "127.0.0.1", gateway.gateway_port, timeout=30, source_address=(peer, 0)
        )
    )


def ask(connection: http.client.HTTPConnection, key: str, **headers: str) -> int:
    """The status of an answer."""
    lines = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request("GET", "/v1/devices/lamp", headers={"X-API-Key": key} | lines)
    with connection.getresponse() as answer:
        answer.read()
        return answer.status


@pytest.mark.parametrize(
    ("peer", "told"),
    [(PROXY, ("203.0.113.9", "https")), (STRANGER, (STRANGER, "http")),
     ("127.0.0.1", ("127.0.0.1", "http"))],
)  # fmt: skip
def test_only_a_trusted_proxy_says_who_the_client_is(
    gateway: GatewayAlone, upstream: Upstream, peer: str, told: tuple[str, str]
) -> None:
    upstream.heads.clear()

    said = {"X_Forwarded_For": f"{FAKE}, {CLIENT}", "X_Forwarded_Proto": "https"}
    with connect(gateway, peer) as connection:
        assert ask(connection, gateway.admin_key, X_Request_Id=f"from-{peer}", **said) == 200

    head = upstream.heads[0].lower()
    assert f"x-forwarded-for: {told[0]}\r\n" in head
    assert f"x-forwarded-proto: {told[1]}\r\n" in head
    assert FAKE not in head
    wait_for(lambda: logged(gateway, f"from-{peer}") == told[0], "the request in the log")


def logged(gateway: GatewayAlone, request_id: str) -> str | None:
    """The client of a request, as the access log has it."""
    lines = gateway.log("gateway").read_text().splitlines()
    found = [json.loads(line) for line in lines if f'"{request_id}"' in line]
    return found[0].get("client") if found else None


def test_a_stranger_is_not_let_through_the_limits_by_what_they_say(gateway: GatewayAlone) -> None:
    """What is unlimited is the client's network, which the proxy may name and a stranger not."""
    statuses = {}
    for peer in (PROXY, STRANGER):
        with connect(gateway, peer) as connection:
            statuses[peer] = {ask(connection, "x", X_Forwarded_For=CLIENT) for _ in range(601)}

    assert statuses == {PROXY: {401}, STRANGER: {401, 429}}
