"""Headers that tell browsers what they must not do with an answer."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from openapi.problems import Headers

PAGES = "/ui/"
# The page may run its own scripts and talk to its own gateway, and nothing else.
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)
# No answer of the API is a page: should a browser show one all the same, nothing in it runs.
API_POLICY = "default-src 'none'; frame-ancestors 'none'"


class SecurityHeadersMiddleware:
    """Adds them to every answer that does not have them; what a service says of itself stays.

    ``hsts_max_age``: seconds for which browsers shall only come by TLS (RFC 6797); 0 says nothing.
    """

    def __init__(self, app: ASGIApp, hsts_max_age: int) -> None:
        self.app = app
        self._api = api_headers(hsts_max_age)
        self._page = _headers(PAGE_POLICY, hsts_max_age)
        self._names = frozenset(name for name, _ in self._api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        own = self._page if scope["path"].startswith(PAGES) else self._api

        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = self._with(message["headers"], own)
            await send(message)

        await self.app(scope, receive, add)

    def _with(self, headers: Headers, own: Headers) -> Headers:
        names = {name for name, _ in headers}
        if self._names.isdisjoint(names):
            return [*headers, *own]
        return [*headers, *((name, value) for name, value in own if name not in names)]


def api_headers(hsts_max_age: int) -> Headers:
    """Those of an answer that is no page."""
    return _headers(API_POLICY, hsts_max_age)


def _headers(policy: str, hsts_max_age: int) -> Headers:
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]
    if hsts_max_age:
        headers.append((b"strict-transport-security", b"max-age=%d" % hsts_max_age))
    return headers
