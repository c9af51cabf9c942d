"""Requests that wait for long keep nobody else waiting."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from contracts.services import Services, wait_for
from gateway.concurrency import concurrency_of
from openapi import CONTRACT
from openapi.document import load_document

LIMIT = concurrency_of(load_document(CONTRACT))["list_changes"].limit
TOO_MANY = 5
LINE = "GET /v1/changes?after=now&wait=20 HTTP/1.1"


@pytest.fixture
def waiting(services: Services, a_key: Callable[..., str]) -> Iterator[list[socket.socket]]:
    """More requests that wait for changes than one key may have, all of one key."""
    asked = f"{LINE}\r\nHost: a\r\nX-API-Key: {a_key('devices:read')}\r\n\r\n".encode()
    with ExitStack() as stack:
        sockets = []
        for _ in range(LIMIT + TOO_MANY):
            address = ("127.0.0.1", services.gateway_port)
            sockets.append(stack.enter_context(socket.create_connection(address, 30)))
            sockets[-1].sendall(asked)
        yield sockets


def answered(sockets: list[socket.socket]) -> list[socket.socket]:
    return select.select(sockets, [], [], 0)[0]


def test_a_key_has_only_so_many_requests_that_wait_and_others_are_served(
    admin: Any, waiting: list[socket.socket]
) -> None:
    wait_for(lambda: len(answered(waiting)) >= TOO_MANY, "requests to be refused")

    refused = [each.recv(65536) for each in answered(waiting)]
    assert len(refused) == TOO_MANY
    for answer in refused:
        assert answer.startswith(b"HTTP/1.1 429 ")
        assert b"\r\nretry-after: 1\r\n" in answer.lower()
        assert b"urn:doorstep:problem:too-many-under-way" in answer
    assert admin.get("/v1/changes?after=now&wait=1").status_code == 200
    assert admin.get("/health/ready").status_code == 200
