"""The address that a client is known by when nothing else is known of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from starlette.types import Scope

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNKNOWN = "unknown"  # of a Unix socket, say
SUBSCRIBER = 64  # bits of an IPv6 address that one subscriber cannot choose (RFC 6177)

REMEMBERED = 10_000  # clients


def client_address(scope: Scope) -> str:
    """The client's IPv4 address, or the /64 network of its IPv6 address.

    Whoever has one IPv6 address has 2**64 of them, and would be a new client with each request.
    """
    client = scope.get("client")
    host: str = client[0] if client else UNKNOWN
    return _subscriber(host) if ":" in host else host


class Networks:
    """Networks whose clients are treated in a way of their own."""

    def __init__(self, networks: Collection[Network] = ()) -> None:
        self._networks = tuple(networks)
        self._known: dict[str, bool] = {}

    def have(self, scope: Scope) -> bool:
        """Whether the client is in one of them. A client without an address is in none."""
        if not self._networks:
            return False
        client = scope.get("client")
        host: str = client[0] if client else UNKNOWN
        if (known := self._known.get(host)) is None:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            known = self._known[host] = self._look(host)
        return known

    def _look(self, host: str) -> bool:
        try:
            address = _unmapped(ipaddress.ip_address(host))
        except ValueError:
            return False
        return any(address in network for network in self._networks)


def _subscriber(host: str) -> str:
    try:
        address = _unmapped(ipaddress.IPv6Address(host))
    except ValueError:
        return UNKNOWN
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address), SUBSCRIBER), strict=False))


def _unmapped(address: Address) -> Address:
    """A socket of both families has IPv4 addresses mapped into IPv6 (RFC 4291 §2.5.5.2)."""
    mapped = address.ipv4_mapped if address.version == 6 else None
    return mapped or address
