"""Which names the gateway answers to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.hosts import HostsMiddleware, open_paths
from openapi import CONTRACT
from openapi.document import load_document

ALLOWED = ("api.example", "*.homes.example", "localhost:8080", "[::1]")


def around(app: Any) -> HostsMiddleware:
    return HostsMiddleware(
        app, allowed=ALLOWED, open_paths=["/health/live"], request_id=lambda _: "id-1"
    )


@pytest.mark.parametrize(
    "host",
    ["api.example", "API.Example", "api.example:8443", "a.homes.example", "a.homes.example:1",
     "localhost:8080", "[::1]", "[::1]:8080"],
)  # fmt: skip
def test_an_allowed_host_is_served(application: Any, exchange: Any, host: str) -> None:
    assert exchange(around(application()), headers=[("Host", host)]).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "api.example.evil", "xapi.example", "homes.example", "xhomes.example",
     "localhost", "localhost:80", "[::2]", "[:", ""],
)  # fmt: skip
def test_another_host_is_421_and_reaches_nothing(
    application: Any, exchange: Any, host: str
) -> None:
    app = application()

    reply = exchange(around(app), headers=[("Host", host)])

    problem = json.loads(reply.body)
    assert (reply.status, problem["type"]) == (421, "urn:doorstep:problem:misdirected-request")
    assert problem["request_id"] == "id-1"
    assert "evil" not in reply.body.decode()
    assert not app.scope


def test_without_a_host_it_is_421(application: Any, exchange: Any) -> None:
    assert exchange(around(application())).status == 421


def test_a_probe_is_answered_under_every_name(application: Any, exchange: Any) -> None:
    reply = exchange(around(application()), path="/health/live", headers=[("Host", "10.0.0.1")])

    assert reply.status == 200


def test_the_contracts_probes_are_open_and_nothing_else() -> None:
    assert open_paths(load_document(CONTRACT).operations) == {"/health/live", "/health/ready"}
