"""Services that the tests of this folder share, and the credentials to talk to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests

from contracts.identity import sign_identity
from contracts.services import Services
from gateway.api_keys import ApiKeys
from openapi import CONTRACT
from openapi.document import load_document
from openapi.selection import scopes_of

SCOPES = sorted(scopes_of(load_document(CONTRACT)))


class Client(requests.Session):
    """Talks to one of the services with a credential of its own."""

    def __init__(self, base: str, **headers: str) -> None:
        super().__init__()
        self.base = base
        self.headers.update(headers)

    def request(self, method: str, url: str, *args: object, **options: object) -> requests.Response:  # type: ignore[override]
        options.setdefault("timeout", 30)
        return super().request(method, self.base + url, *args, **options)  # type: ignore[arg-type]


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both services with a data folder of their own; tests leave them running."""
    with Services(tmp_path_factory.mktemp("services")) as services:
        yield services


@pytest.fixture
def admin(services: Services) -> Iterator[Client]:
    """The gateway, with the admin's key."""
    with Client(services.gateway_url, **{"X-API-Key": services.admin_key}) as client:
        yield client


@pytest.fixture
def identity(services: Services) -> Callable[..., str]:
    """Signs an identity as the gateway would; what differs is given by name."""

    def sign(**changed: object) -> str:
        options: dict[str, object] = {"audience": "inventory", "scopes": SCOPES} | changed
        return sign_identity(services.data / "gateway.key", **options)  # type: ignore[arg-type]

    return sign


@pytest.fixture
def a_key(services: Services) -> Iterator[Callable[..., str]]:
    """Makes API keys with the scopes that are given."""
    keys = ApiKeys(services.data / "gateway.db")
    yield lambda *scopes: keys.create("test", scopes)
    keys.close()
