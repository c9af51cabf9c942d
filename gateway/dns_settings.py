"""Which DNS servers are asked for the names of services."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from openapi.environment import SettingFault

NAME = "DNS_SERVERS"
PORT = 53


class DnsServer(NamedTuple):
    """An IP address and a port."""

    address: str
    port: int


def read_dns_servers(environ: Mapping[str, str]) -> tuple[DnsServer, ...]:
    """The servers of ``DNS_SERVERS``; none: those of the operating system."""
    texts = [text.strip() for text in environ.get(NAME, "").split(",")]
    return tuple(_read_server(text) for text in texts if text)


def _read_server(text: str) -> DnsServer:
    try:
        parts = urlsplit(f"//[{text}]" if _is_bare_ipv6(text) else f"//{text}")
        address = ipaddress.ip_address(parts.hostname or "")
        port = PORT if parts.port is None else parts.port
        is_more = parts.path or parts.query or parts.fragment or "@" in text
        if is_more or not port:
            raise ValueError
    except ValueError as exc:
        raise SettingFault(
            f"{NAME} has {text!r}; an IP address is right, with a port where it is not {PORT},"
            " such as 127.0.0.1:8600 or [::1]:8600"
        ) from exc
    return DnsServer(str(address), port)


def _is_bare_ipv6(text: str) -> bool:
    return text.count(":") > 1 and "]" not in text
