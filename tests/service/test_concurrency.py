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
from inventory.flask_bridge import UPLOADS
from openapi import CONTRACT
from openapi.document import load_document

LIMITS = concurrency_of(load_document(CONTRACT))
LIMIT = LIMITS["list_changes"].limit
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


@pytest.fixture
def uploading(services: Services, a_key: Callable[..., str]) -> Iterator[list[socket.socket]]:
    """More uploads than the inventory has threads for, all of one key, that do not go on."""
    head = [
        "POST /v1/imports/devices?dry_run=true HTTP/1.1",
        "Host: a",
        f"X-API-Key: {a_key('devices:write')}",
        "Content-Type: text/csv",
        "Content-Length: 1000",
    ]
    with ExitStack() as stack:
        sockets = []
        for _ in range(UPLOADS + 1):
            address = ("127.0.0.1", services.gateway_port)
            sockets.append(stack.enter_context(socket.create_connection(address, 30)))
            sockets[-1].sendall("\r\n".join([*head, "", "name,"]).encode())
        yield sockets


def test_slow_uploads_of_one_key_leave_room_for_those_of_others(
    admin: Any, uploading: list[socket.socket]
) -> None:
    allowed = LIMITS["import_devices"].limit
    wait_for(lambda: len(answered(uploading)) >= len(uploading) - allowed, "a refusal")

    answer = admin.post(
        "/v1/imports/devices?dry_run=true",
        data="name,device_type\nLamp,light\n",
        headers={"Content-Type": "text/csv"},
    )

    assert answer.status_code == 200, answer.text
    for refused in answered(uploading):
        assert refused.recv(65536).startswith(b"HTTP/1.1 429 ")
