"""When traces are exported, and which wishes stop the start."""

from __future__ import annotations

import sys

import pytest

from telemetry.tracing import ENDPOINT, TRACES_ENDPOINT, TracingFault, start_tracing

COLLECTOR = "http://127.0.0.1:4318"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {ENDPOINT: ""},
        {ENDPOINT: COLLECTOR, "OTEL_SDK_DISABLED": "True"},
        {TRACES_ENDPOINT: COLLECTOR, "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_exported_or_imported_when_it_is_not_wanted(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "telemetry.spans", None)

    assert start_tracing("gateway", environ) is None


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({ENDPOINT: "127.0.0.1:4318"}, f"{ENDPOINT} is not an address"),
        ({TRACES_ENDPOINT: "ftp://user:secret@a"}, f"{TRACES_ENDPOINT} is not an address"),
        (
            {ENDPOINT: COLLECTOR, "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'; http/protobuf is right",
        ),
    ],
)
def test_what_cannot_be_stops_the_start(environ: dict[str, str], message: str) -> None:
    with pytest.raises(TracingFault, match=message) as fault:
        start_tracing("gateway", environ)

    assert "secret" not in str(fault.value)


def test_a_package_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "telemetry.spans", None)

    with pytest.raises(TracingFault, match=r"pip install 'doorstep\[otel\]'"):
        start_tracing("gateway", {ENDPOINT: COLLECTOR})
