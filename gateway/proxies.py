"""Takes the client's address from proxies that are trusted to say it, and from nobody else."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from gateway.addresses import Network

_MAPPED = 96  # bits before an IPv4 address that is mapped into IPv6 (RFC 4291 §2.5.5.2)


def behind_proxies(app: ASGIApp, proxies: Collection[Network]) -> ASGIApp:
    """The application, told by which client and scheme a request came to the first proxy.

    The client is the rightmost address of ``X-Forwarded-For`` that is no trusted proxy: what stands
    left of it was sent by the client. Without proxies it is the application itself.
    """
    if not proxies:
        return app
    trusted = [text for network in proxies for text in _names(network)]
    return ProxyHeadersMiddleware(app, trusted)  # type: ignore[arg-type,return-value]  # one shape, two names


def _names(network: Network) -> Iterator[str]:
    yield str(network)
    if network.version == 4:
        # As a socket of both families knows it.
        yield f"::ffff:{network.network_address}/{_MAPPED + network.prefixlen}"
