"""The gateway's settings, read once from the environment and checked before anything starts."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

KNOWN = ("GATEWAY_HOST", "GATEWAY_PORT", "GATEWAY_ADMIN_PORT", "GATEWAY_WORKERS")
# Where a service is when its <SERVICE>_URL does not say: on this machine.
DEFAULT_PORTS: Mapping[str, tuple[str, int]] = {"inventory": ("INVENTORY_PORT", 8081)}


class SettingFault(ValueError):
    """An environment variable is unknown, missing or has no valid value; the message names it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set. Ports are TCP."""

    data: Path
    host: str
    port: int
    workers: int
    log_level: str
    environ: Mapping[str, str]

    @property
    def database(self) -> Path:
        """The file with the API keys."""
        return self.data / "gateway.db"

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

    def upstream_urls(self, services: Collection[str]) -> dict[str, str]:
        """The base URL of each service, from its ``<SERVICE>_URL``; or ``SettingFault``."""
        return {service: self._upstream_url(service) for service in services}

    def _upstream_url(self, service: str) -> str:
        name = service.upper().replace("-", "_") + "_URL"
        url = self.environ.get(name) or self._default_url(service, name)
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/"):
            raise SettingFault(f"{name} is not an address such as http://127.0.0.1:8081")
        return url.rstrip("/")

    def _default_url(self, service: str, name: str) -> str:
        if service not in DEFAULT_PORTS:
            raise SettingFault(f"{name} is not set: where is the service {service}?")
        variable, port = DEFAULT_PORTS[service]
        return f"http://127.0.0.1:{_number(self.environ, variable, port, 1, 65535)}"


def read_settings(environ: Mapping[str, str]) -> Settings:
    """The settings in ``environ``, or ``SettingFault``."""
    unknown = [n for n in environ if n.startswith("GATEWAY_") and n not in KNOWN]
    if unknown:
        raise SettingFault(f"{unknown[0]} is not a setting; there are: {', '.join(KNOWN)}")
    return Settings(
        data=Path(environ.get("DOORSTEP_DATA") or ".data").absolute(),
        host=environ.get("GATEWAY_HOST") or "127.0.0.1",
        port=_number(environ, "GATEWAY_PORT", 8080, 1, 65535),
        workers=_number(environ, "GATEWAY_WORKERS", max(1, (os.cpu_count() or 1) // 2), 1, 256),
        log_level=_log_level(environ),
        environ=dict(environ),
    )


def _number(environ: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    text = environ.get(name) or str(default)
    if not (text.isascii() and text.isdigit() and lowest <= int(text) <= highest):
        raise SettingFault(f"{name} is {text!r}; a number from {lowest} to {highest} is right")
    return int(text)


def _log_level(environ: Mapping[str, str]) -> str:
    level = (environ.get("LOG_LEVEL") or "INFO").upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingFault(f"LOG_LEVEL is {level!r}; DEBUG, INFO, WARNING or ERROR is right")
    return level
