"""A span for each try of a forwarded request, by the hooks of the HTTP client."""

from __future__ import annotations

from types import SimpleNamespace

import aiohttp
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.semconv.attributes.http_attributes import (
    HTTP_REQUEST_METHOD,
    HTTP_RESPONSE_STATUS_CODE,
)
from opentelemetry.semconv.attributes.network_attributes import (
    NETWORK_PEER_ADDRESS,
    NETWORK_PEER_PORT,
)
from opentelemetry.semconv.attributes.server_attributes import SERVER_ADDRESS, SERVER_PORT
from opentelemetry.semconv.attributes.url_attributes import URL_FULL
from opentelemetry.trace import Span, SpanKind, StatusCode
from yarl import URL

from telemetry.spans import Tracing, caller, ids_of
from telemetry.trace_context import request_context

HEADER = "traceparent"


class ClientSpans:
    """Its ``config`` has a client tell of every request that has a ``traceparent``.

    Those without one are nobody's: the gateway's own questions.
    """

    def __init__(self, tracing: Tracing) -> None:
        self._tracer = tracing.tracer
        self.config = aiohttp.TraceConfig()
        self.config.on_request_start.append(self._begin)
        self.config.on_request_end.append(self._end)
        self.config.on_request_exception.append(self._fail)

    async def _begin(
        self,
        _session: aiohttp.ClientSession,
        own: SimpleNamespace,
        request: aiohttp.TraceRequestStartParams,
    ) -> None:
        own.span = None
        given = request.headers.get(HEADER)
        if given is None:
            return
        context = request_context([(HEADER.encode(), given.encode())])
        span = self._tracer.start_span(
            request.method, caller(context), SpanKind.CLIENT, _attributes(request)
        )
        own.span = span
        # The service is called by this try, not by the request that it is made for.
        request.headers[HEADER] = ids_of(span, context).traceparent

    async def _end(
        self,
        _session: aiohttp.ClientSession,
        own: SimpleNamespace,
        answered: aiohttp.TraceRequestEndParams,
    ) -> None:
        if own.span is None:
            return
        status = answered.response.status
        own.span.set_attribute(HTTP_RESPONSE_STATUS_CODE, status)
        if status >= 400:
            _mark(own.span, str(status))
        own.span.end()

    async def _fail(
        self,
        _session: aiohttp.ClientSession,
        own: SimpleNamespace,
        failed: aiohttp.TraceRequestExceptionParams,
    ) -> None:
        if own.span is not None:
            _mark(own.span, type(failed.exception).__qualname__)
            own.span.end()


def _mark(span: Span, error: str) -> None:
    span.set_attribute(ERROR_TYPE, error)
    span.set_status(StatusCode.ERROR)


def _attributes(request: aiohttp.TraceRequestStartParams) -> dict[str, str | int]:
    called = URL(f"//{request.headers['Host']}")
    return {
        HTTP_REQUEST_METHOD: request.method,
        # Without the query, which may hold what is private.
        URL_FULL: str(request.url.with_query(None)),
        SERVER_ADDRESS: called.host or "",
        SERVER_PORT: called.explicit_port or request.url.port or 0,
        NETWORK_PEER_ADDRESS: request.url.host or "",
        NETWORK_PEER_PORT: request.url.port or 0,
    }
