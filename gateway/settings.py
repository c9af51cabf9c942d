"""The gateway's settings, read once from the environment and checked before anything starts."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import urlsplit

from gateway.addresses import Network
from gateway.dns_settings import NAME as DNS_SERVERS
from gateway.dns_settings import DnsServer, read_dns_servers
from gateway.edge_settings import KNOWN as EDGE
from gateway.edge_settings import EdgeSettings, read_edge
from gateway.endpoints import BY_SRV, SCHEMES
from gateway.issuers import Issuer, read_issuers
from openapi import CONTRACT
from openapi.environment import (
    SettingFault,
    read_data_folder,
    read_log_level,
    read_port,
    read_workers,
    refuse_unknown,
)

CACHE_BYTES = 16 * 1024 * 1024  # of each worker
LOOPBACK = "127.0.0.1"  # where the admin port is, always
KNOWN = (
    "GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_ADMIN_PORT", "GATEWAY_WORKERS", "OIDC_ISSUERS",
    "TRUSTED_PROXIES", "UNLIMITED_NETWORKS", "GATEWAY_SERVICES", "CACHE_BYTES", DNS_SERVERS, *EDGE,
)  # fmt: skip
# Where a service is when its <SERVICE>_URL does not say: on this machine.
DEFAULT_PORTS: Mapping[str, tuple[str, int]] = {"inventory": ("INVENTORY_PORT", 8081)}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Ports are TCP."""

    data: Path
    host: str
    port: int
    admin_port: int
    workers: int
    log_level: str
    redis_url: str | None
    edge: EdgeSettings
    environ: Mapping[str, str]
    issuers: tuple[Issuer, ...] = ()
    unlimited_networks: tuple[Network, ...] = ()
    trusted_proxies: tuple[Network, ...] = ()
    dns_servers: tuple[DnsServer, ...] = ()
    cache_bytes: int = CACHE_BYTES
    services: Path = CONTRACT.parent  # the folder of the plugged-in services' documents

    @property
    def database(self) -> Path:
        """The file with the API keys."""
        return self.data / "gateway.db"

    @property
    def metrics(self) -> Path:
        """The folder that the workers of this port count in."""
        return self.data / "metrics" / f"gateway-{self.port}"

    @property
    def process_id(self) -> Path:
        """The file with the id of the process that takes SIGHUP and SIGTERM."""
        return self.data / f"gateway-{self.port}.pid"

    @property
    def admin_key(self) -> Path:
        """The file with the admin's API key, made at the first start."""
        return self.data / "admin.key"

    @property
    def signing_key(self) -> Path:
        """The private key that identities and tokens are signed with."""
        return self.data / "gateway.key"

    @property
    def key_set(self) -> Path:
        """The public keys, for the services behind the gateway."""
        return self.data / "gateway.jwks.json"

    def upstream_urls(self, services: Collection[str]) -> dict[str, tuple[str, ...]]:
        """Each service's instances, from its ``<SERVICE>_URL``; or ``SettingFault``."""
        return {service: self._upstream_urls(service) for service in services}

    def credentials(self, services: Collection[str]) -> dict[str, str]:
        """The ``Authorization`` of the services that have one, from ``<SERVICE>_AUTHORIZATION``."""
        names = {service: _variable(service, "AUTHORIZATION") for service in services}
        for name in names.values():
            value = self.environ.get(name, "")
            if not (value.isascii() and value.isprintable()):
                # Its value is not told: it is a secret.
                raise SettingFault(f"{name} is not the value of a header")
        return {
            service: self.environ[name] for service, name in names.items() if self.environ.get(name)
        }

    def _upstream_urls(self, service: str) -> tuple[str, ...]:
        name = _variable(service, "URL")
        given = self.environ.get(name) or self._default_url(service, name)
        urls = tuple(_base_url(name, url.strip()) for url in given.split(","))
        if len(set(urls)) < len(urls):
            raise SettingFault(f"{name} has an address twice")
        return urls

    def _default_url(self, service: str, name: str) -> str:
        if service not in DEFAULT_PORTS:
            raise SettingFault(f"{name} is not set: where is the service {service}?")
        variable, port = DEFAULT_PORTS[service]
        return f"http://127.0.0.1:{read_port(self.environ, variable, port)}"


def _variable(service: str, what: str) -> str:
    """The environment variable of a service, such as ``PETSTORE_URL``."""
    return f"{service.upper().replace('-', '_')}_{what}"


def _base_url(name: str, url: str) -> str:
    """``http://host:port`` as it is called; credentials in it would end up in logs."""
    parts = urlsplit(url)
    try:
        _ = parts.port  # which is read, and checked, only when it is asked for
    except ValueError as exc:
        raise SettingFault(f"{name} has an address whose port is not one") from exc
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username, parts.password)
    is_srv = parts.scheme.endswith(BY_SRV)
    if parts.scheme.removesuffix(BY_SRV) not in SCHEMES or not parts.hostname or any(rest):
        raise SettingFault(
            f"{name} is not an address such as http://127.0.0.1:8081,"
            " or several of them with commas between"
        )
    if is_srv and parts.port is not None:
        raise SettingFault(f"{name} has a port in a {parts.scheme} address: SRV records say it")
    return url.rstrip("/")


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in ``environ``, or ``SettingFault``."""
    refuse_unknown(environ, "GATEWAY_", KNOWN)
    refuse_unknown(environ, "OIDC_", KNOWN)
    refuse_unknown(environ, "UNLIMITED_", KNOWN)
    refuse_unknown(environ, "TRUSTED_PROX", KNOWN)
    refuse_unknown(environ, "CACHE_", KNOWN)
    settings = Settings(
        data=read_data_folder(environ),
        host=environ.get("GATEWAY_HOST") or "127.0.0.1",
        port=read_port(environ, "GATEWAY_PORT", 8080),
        admin_port=read_port(environ, "GATEWAY_ADMIN_PORT", 8082),
        workers=read_workers(environ, "GATEWAY_WORKERS"),
        log_level=read_log_level(environ),
        redis_url=_read_redis_url(environ),
        edge=read_edge(environ),
        environ=dict(environ),
        issuers=read_issuers(environ),
        unlimited_networks=_read_networks(environ, "UNLIMITED_NETWORKS"),
        trusted_proxies=_read_proxies(environ),
        dns_servers=read_dns_servers(environ),
        cache_bytes=_read_bytes(environ, "CACHE_BYTES", CACHE_BYTES),
        services=_read_services(environ),
    )
    if settings.admin_port == settings.port:
        # The port alone tells what is for operators only.
        raise SettingFault(f"GATEWAY_ADMIN_PORT is {settings.port}, as GATEWAY_PORT is")
    return settings


def _read_proxies(environ: Mapping[str, str]) -> tuple[Network, ...]:
    proxies = _read_networks(environ, "TRUSTED_PROXIES")
    if any(network.prefixlen == 0 for network in proxies):
        raise SettingFault("TRUSTED_PROXIES has every address: each client could say who it is")
    return proxies


def _read_services(environ: Mapping[str, str]) -> Path:
    folder = Path(environ.get("GATEWAY_SERVICES") or CONTRACT.parent).absolute()
    if not folder.is_dir():
        raise SettingFault(f"GATEWAY_SERVICES is {folder}, which is not a folder")
    return folder


def _read_networks(environ: Mapping[str, str], name: str) -> tuple[Network, ...]:
    texts = [text.strip() for text in environ.get(name, "").split(",")]
    return tuple(_read_network(name, text) for text in texts if text)


def _read_network(name: str, text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as exc:
        raise SettingFault(
            f"{name} has {text!r}; an address or a network is right, such as 203.0.113.7,"
            " 10.0.0.0/8 or 2001:db8::/32"
        ) from exc


def _read_bytes(environ: Mapping[str, str], name: str, default: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and len(text) <= 15):
        raise SettingFault(f"{name} is {text!r}; a number of bytes is right, such as {default}")
    return int(text)


def _read_redis_url(environ: Mapping[str, str]) -> str | None:
    url = environ.get("REDIS_URL") or None
    if url is not None and not _is_redis_url(url):
        # Its value is not told: it may have a password.
        raise SettingFault("REDIS_URL is not an address such as redis://127.0.0.1:6379/0")
    return url


def _is_redis_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        is_numbered = parts.port != 0 and (parts.path.strip("/") or "0").isdigit()
    except ValueError:  # of the port
        return False
    if parts.scheme == "unix":
        return not parts.netloc and len(parts.path) > 1
    return parts.scheme in ("redis", "rediss") and bool(parts.hostname) and is_numbered
