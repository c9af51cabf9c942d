"""Whether traces are exported, by OpenTelemetry's own variables; nothing is imported if not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from telemetry.spans import ServerSpans, Tracing

TRACES_ENDPOINT = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
HTTP = "http/protobuf"


class TracingFault(ValueError):
    """Traces are wanted in a way that cannot be; the message says what is missing."""


def start_tracing(service: str, environ: Mapping[str, str]) -> Tracing | None:
    """The exporter of a process, in which it has a thread; None when traces are not wanted.

    To be called in the process that serves: threads do not survive a fork.
    """
    name = _wanted_by(environ)
    if name is None:
        return None
    _check(environ, name)
    try:
        from telemetry.spans import Tracing
    except ImportError as exc:
        raise TracingFault(
            f"{name} is set, but OpenTelemetry is not installed: pip install 'doorstep[otel]'"
        ) from exc
    return Tracing(service)


def server_spans(tracing: Tracing | None, routes: Mapping[str, str]) -> ServerSpans | None:
    """A span for each request, by its route of ``routes``; None without tracing."""
    if tracing is None:
        return None
    from telemetry.spans import ServerSpans

    return ServerSpans(tracing, routes)


def _wanted_by(environ: Mapping[str, str]) -> str | None:
    """The variable that names the collector."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true"
    if is_off or environ.get("OTEL_TRACES_EXPORTER", "").strip() == "none":
        return None
    return next((name for name in (TRACES_ENDPOINT, ENDPOINT) if environ.get(name)), None)


def _check(environ: Mapping[str, str], name: str) -> None:
    parts = urlsplit(environ[name])
    if parts.scheme not in ("http", "https") or not parts.hostname:
        # Its value is not told: it may have a password.
        raise TracingFault(f"{name} is not an address such as http://127.0.0.1:4318")
    given = next(((each, environ[each]) for each in PROTOCOLS if environ.get(each)), None)
    if given is not None and given[1] != HTTP:
        raise TracingFault(f"{given[0]} is {given[1]!r}; {HTTP} is right")
