"""What is under test: services that run already, or fresh ones of this checkout."""

from __future__ import annotations

import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests

from contracts.door import Credential, api_key, bearer
from contracts.identity import sign_identity
from contracts.services import Services
from contracts.stores import a_store
from contracts.wire import TIMEOUT


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where the services answer, and how to get in.

    ``inventory_url`` is empty where the inventory cannot be asked by itself, which takes the
    gateway's private key (``signing_key``) too. ``services``: the processes, where they are ours.
    """

    gateway_url: str
    key: str
    inventory_url: str = ""
    signing_key: Path | None = None
    services: Services | None = None

    @property
    def gateway_shown(self) -> str:
        """The gateway's base for a person: fresh services are gone when somebody looks."""
        return "$DOORSTEP_GATEWAY_URL" if self.services else self.gateway_url

    @property
    def inventory_shown(self) -> str:
        """The inventory's."""
        return "$DOORSTEP_INVENTORY_URL" if self.services else self.inventory_url

    @property
    def has_inventory(self) -> bool:
        """Whether the inventory can be asked by itself."""
        return bool(self.inventory_url) and self.signing_key is not None

    @property
    def admin(self) -> Credential:
        """The key that the suite was given, which has every scope."""
        return api_key("admin", self.key)

    def identity(self, scopes: Collection[str], tenant: str | None = None) -> Credential:
        """What the gateway says to the inventory of a client; ``tenant``: its customer."""
        if self.signing_key is None:
            raise ValueError("the inventory takes the gateway's identity alone: give its key")
        token = sign_identity(
            self.signing_key, audience="inventory", scopes=scopes, tenant=tenant,
            client=self.key.split("_")[1],
        )  # fmt: skip
        return bearer("admin" if tenant is None else tenant, token, "DOORSTEP_IDENTITY")

    def make_key(self, name: str, scopes: Collection[str], customer: str | None = None) -> str:
        """A new API key with these scopes, good for a day.

        ``customer``: whose things alone it sees. ``requests.HTTPError`` where none is made.
        """
        end = datetime.now(UTC) + timedelta(days=1)
        body = {"name": name, "scopes": sorted(scopes), "expires_at": f"{end:%Y-%m-%dT%H:%M:%SZ}"}
        bound = {} if customer is None else {"customer_id": customer}
        url, headers = f"{self.gateway_url}/v1/api-keys", {"X-API-Key": self.key}
        answer = requests.post(url, json=body | bound, headers=headers, timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.json()["key"])

    def issue_token(self, key: str, scopes: Collection[str] = ()) -> str:
        """An access token of the gateway for a key, good for a quarter of an hour.

        ``scopes``: all that the key has, unless they are given.
        """
        form = {"grant_type": "client_credentials"} | (
            {"scope": " ".join(sorted(scopes))} if scopes else {}
        )
        _, client, secret = key.split("_", 2)
        url = f"{self.gateway_url}/oauth/token"
        answer = requests.post(url, data=form, auth=(client, secret), timeout=TIMEOUT)
        answer.raise_for_status()
        return str(answer.json()["access_token"])


def of_services(services: Services) -> Deployment:
    """Services that were started here."""
    return Deployment(
        gateway_url=services.gateway_url,
        key=services.admin_key,
        inventory_url=services.inventory_url,
        signing_key=services.data / "gateway.key",
        services=services,
    )


@contextmanager
def fresh(settings: Mapping[str, str] | None = None, store: str = "sqlite") -> Iterator[Deployment]:
    """Starts services with a data folder and a store of their own, and ends them again.

    ``settings``: environment variables for them.
    """
    with tempfile.TemporaryDirectory(prefix="doorstep-") as folder:
        data = Path(folder) / "data"
        with a_store(store, Path(folder)) as of_the_store:
            # The logs are to have every request, also the probes that services keep quiet about.
            given = {"LOG_LEVEL": "DEBUG", **(settings or {}), **of_the_store}
            with Services(data, given) as services:
                yield of_services(services)
