"""What is told when the gateway can serve requests for the first time."""

from __future__ import annotations

import asyncio
import logging
from typing import cast

import pytest

from gateway import readiness
from gateway.readiness import Readiness, announcing
from openapi.problems import SERVICE_UNAVAILABLE, Problem


class ReadyAtLast:
    """Ready when it is asked for the third time."""

    def __init__(self) -> None:
        self.asked = 0

    async def check(self) -> None:
        self.asked += 1
        if self.asked < 3:
            raise Problem(SERVICE_UNAVAILABLE)


def test_it_is_said_once_when_all_services_are_ready(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(readiness, "FRESH", 0)
    caplog.set_level(logging.INFO, "gateway.readiness")
    service = ReadyAtLast()

    async def run() -> None:
        async with announcing(cast(Readiness, service), "ready: here"):
            while service.asked < 3:
                assert caplog.messages == []
                await asyncio.sleep(0)

    asyncio.run(run())

    assert caplog.messages == ["ready: here"]
    assert service.asked == 3
