"""What can be set of the gateway's edge: who may ask, and how answers are dressed."""

from __future__ import annotations

import re
import resource
from collections.abc import Mapping
from dataclasses import dataclass

from openapi.environment import SettingFault, read_number, refuse_unknown

KNOWN = (
    "CORS_ORIGINS", "CORS_MAX_AGE", "ALLOWED_HOSTS", "HSTS_MAX_AGE", "COMPRESSION",
    "MAX_CONNECTIONS", "MAX_CONNECTIONS_PER_ADDRESS",
)  # fmt: skip
ANY = "*"
MAX_CONNECTIONS = 4096  # by default
MOST = 1_000_000  # connections, which no process can have
DAY = 24 * 60 * 60
_ON_OFF = {"on": True, "off": False}

_NAME = r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*"
_HOST = re.compile(rf"((\*\.)?{_NAME}|\[[0-9a-f:.]{{2,45}}\])(:[0-9]{{1,5}})?")
# As browsers write it (RFC 6454 §6.2): in small letters, and no port that its scheme implies.
_ORIGIN = re.compile(rf"[a-z][a-z0-9+.-]*://({_NAME}|\[[0-9a-f:]{{2,45}}\])(:[1-9][0-9]{{0,4}})?")
_IMPLIED = re.compile(r"http://.*:80|https://.*:443")


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """Everything that can be set. Times in seconds; 0 and nothing turn a thing off."""

    cors_origins: frozenset[str] = frozenset()
    cors_max_age: int = 600
    allowed_hosts: frozenset[str] = frozenset()
    hsts_max_age: int = 0
    compression: bool = True
    connections: int = 0  # of one process
    connections_of_one: int = 0  # of one address to one process


def read_edge(environ: Mapping[str, str]) -> EdgeSettings:
    """The edge's settings in ``environ``, or ``SettingFault``."""
    # A misspelt CORS_ORIGIN would be a list that nobody reads.
    refuse_unknown(environ, "CORS_", KNOWN)
    refuse_unknown(environ, "MAX_CONNECTION", KNOWN)
    connections = read_number(environ, "MAX_CONNECTIONS", _default_connections(), 0, MOST)
    return EdgeSettings(
        cors_origins=_origins(environ),
        cors_max_age=read_number(environ, "CORS_MAX_AGE", 600, 0, DAY),
        allowed_hosts=_hosts(environ),
        hsts_max_age=read_number(environ, "HSTS_MAX_AGE", 0, 0, 2 * 365 * DAY),
        compression=_switch(environ, "COMPRESSION", "on"),
        connections=connections,
        connections_of_one=read_number(
            environ, "MAX_CONNECTIONS_PER_ADDRESS", connections // 2, 0, MOST
        ),
    )


def _default_connections() -> int:
    """Half of the files that a process may open: the others are for services and databases.

    Where they run out, new connections are neither taken nor refused.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MAX_CONNECTIONS, files // 2) if files > 0 else MAX_CONNECTIONS


def _origins(environ: Mapping[str, str]) -> frozenset[str]:
    origins = _list(environ, "CORS_ORIGINS")
    if ANY in origins and len(origins) > 1:
        raise SettingFault("CORS_ORIGINS has * and other origins; * is every origin already")
    for origin in origins - {ANY}:
        if not _ORIGIN.fullmatch(origin) or _IMPLIED.fullmatch(origin):
            raise SettingFault(
                f"CORS_ORIGINS has {origin!r}; an origin as browsers send it is right, such as"
                " https://app.example.com or http://localhost:3000"
            )
    return origins


def _hosts(environ: Mapping[str, str]) -> frozenset[str]:
    hosts = frozenset(host.lower() for host in _list(environ, "ALLOWED_HOSTS"))
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise SettingFault(
                f"ALLOWED_HOSTS has {host!r}; a name is right, such as api.example.com,"
                " *.example.com, localhost:8080 or [::1]"
            )
    return hosts


def _list(environ: Mapping[str, str], name: str) -> frozenset[str]:
    parts = (part.strip() for part in environ.get(name, "").split(","))
    return frozenset(part for part in parts if part)


def _switch(environ: Mapping[str, str], name: str, default: str) -> bool:
    text = environ.get(name) or default
    if text not in _ON_OFF:
        raise SettingFault(f"{name} is {text!r}; on and off are right")
    return _ON_OFF[text]
