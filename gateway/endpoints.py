"""Where the instances of a service are: at an address, or wherever DNS says that a name is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from yarl import URL

SCHEMES = ("http", "https")
BY_SRV = "+srv"  # after a scheme: the name has SRV records, which say the ports as well
HOSTS_FILE = Path("/etc/hosts")
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One address of a service, and what it is called there.

    ``host`` goes into ``Host``. ``server_name`` is what its certificate is for (None: the URL's own
    host). ``priority`` and ``weight`` are those of an SRV record: the lowest priority comes first.
    """

    url: str
    host: str
    server_name: str | None = None
    priority: int = 0
    weight: float = 1.0

    @classmethod
    def of(cls, url: str) -> Endpoint:
        """What an URL says by itself; the operating system finds its host at each connection."""
        return cls(url, URL(url).host_port_subcomponent or "")


@dataclass(frozen=True, slots=True)
class Name:
    """A name that DNS knows. ``port`` is None where its SRV records say the ports."""

    url: str
    scheme: str
    host: str
    port: int | None

    def endpoint(self, address: str, port: int, priority: int = 0, weight: float = 1.0) -> Endpoint:
        """One of its addresses. It is called by the name there, as a virtual host has to be."""
        url = URL.build(scheme=self.scheme, host=address, port=port)
        called = url.with_host(self._called)
        name = self._called if self.scheme == "https" else None
        authority = called.host_port_subcomponent or ""
        return Endpoint(str(url).rstrip("/"), authority, name, priority, weight)

    def endpoints_at_first(self) -> tuple[Endpoint, ...]:
        """What can be said before DNS was asked: without a port, nothing."""
        return () if self.port is None else (Endpoint.of(self.url),)

    @property
    def _called(self) -> str:
        # Of `_http._tcp.inventory.example` the domain: a target out of DNS proves nothing about a
        # certificate (RFC 9525 §6.1).
        labels = self.host.rstrip(".").split(".")
        return ".".join(labels[2:] if len(labels) > 2 and labels[1] in ("_tcp", "_udp") else labels)


def read_place(url: str) -> Endpoint | Name:
    """What a valid URL of a setting stands for."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme.endswith(BY_SRV):
        return Name(url, parts.scheme.removesuffix(BY_SRV), host, None)
    if _is_address(host) or host in _local_names():
        return Endpoint.of(url)
    return Name(url, parts.scheme, host, parts.port or _PORTS[parts.scheme])


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1)
def _local_names() -> frozenset[str]:
    """``localhost``, and the names of the hosts file, which everywhere goes before DNS."""
    try:
        lines = HOSTS_FILE.read_text("utf-8", "replace").lower().splitlines()
    except OSError:
        lines = []
    named = (line.partition("#")[0].split()[1:] for line in lines)
    return frozenset({"localhost"}.union(*named))
