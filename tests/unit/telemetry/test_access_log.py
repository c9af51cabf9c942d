"""The access log is a line of JSON a request, whatever is in it."""

from __future__ import annotations

import asyncio
import datetime
import io
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telemetry import access_log
from telemetry.access_log import AccessLog

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.none() | TEXT | st.integers() | st.floats(0, 1e9)


def logged(*lines: dict[str, Any], service: str = "inventory") -> str:
    stream = io.StringIO(newline="")

    async def write() -> None:
        log = AccessLog(service, stream)
        for line in lines:
            log.write(line)
        log.flush()

    asyncio.run(write())
    return stream.getvalue()


@settings(max_examples=50, deadline=None)
@given(
    members=st.dictionaries(st.sampled_from(["path", "status", "principal"]), VALUES, min_size=1)
)
@example({"path": "a\u2028b\x85c"})
def test_a_line_is_json_whatever_it_says(members: dict[str, Any]) -> None:
    text = logged(members)

    assert text.endswith("}\n")
    assert len(text.splitlines()) == 1, "nothing else is taken for the end of a line either"
    line = json.loads(text)
    assert {name: line[name] for name in members} == members


@settings(max_examples=20, deadline=None)
@given(service=TEXT)
def test_a_service_may_have_any_name(service: str) -> None:
    assert json.loads(logged({"status": 200}, service=service))["service"] == service


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_a_probe_that_succeeds_is_logged_only_when_it_is_asked_for(path: str) -> None:
    log = AccessLog("inventory", io.StringIO())

    assert not log.wants(path, 200)
    assert log.wants(path, 503)
    assert log.wants("/v1/devices", 200)
    assert AccessLog("inventory", io.StringIO(), probes=True).wants(path, 200)


def test_a_line_says_when_and_by_whom_it_was_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log.time, "time", lambda: 1_767_225_600.0625)

    assert json.loads(logged({"status": 200})) == {
        "time": "2026-01-01T00:00:00.062Z",
        "level": "info",
        "service": "inventory",
        "logger": "access",
        "status": 200,
    }


def test_the_time_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([1.0, 1.999, 2.0, 86400.5])
    monkeypatch.setattr(access_log.time, "time", lambda: next(moments))

    lines = [json.loads(line) for line in logged(*[{"n": 1}] * 4).splitlines()]

    times = [datetime.datetime.fromisoformat(line["time"]).timestamp() for line in lines]
    assert times == [1.0, 1.999, 2.0, 86400.5]


def test_lines_are_written_together_and_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(access_log, "DELAY", 0)
    stream = io.StringIO()

    async def write() -> list[int]:
        log = AccessLog("a", stream)
        counts = []
        for _ in range(2):
            log.write({"n": 1})
            log.write({"n": 2})
            counts.append(stream.getvalue().count("\n"))
            await asyncio.sleep(0.001)
        return [*counts, stream.getvalue().count("\n")]

    assert asyncio.run(write()) == [0, 2, 4]


def test_nothing_is_written_twice() -> None:
    stream = io.StringIO()

    async def write() -> None:
        log = AccessLog("a", stream)
        log.write({"n": 1})
        log.flush()
        log.flush()

    asyncio.run(write())

    assert stream.getvalue().count("\n") == 1
