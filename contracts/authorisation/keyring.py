"""The keys and tokens that are made to be asked with."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any

from contracts.authorisation import limits
from contracts.deployment import Deployment
from contracts.door import Credential, Door
from contracts.findings import CouldNotRun
from contracts.wire import json_request

_PATIENCE = 10.0  # seconds in which a credential that ended has to be refused
_LIFE = 2.0  # seconds of the key that is to expire


class Keyring:
    """Makes keys and tokens, each once, and revokes the keys at the end."""

    def __init__(self, deployment: Deployment, door: Door) -> None:
        self.deployment = deployment
        self._door = door
        self._keys: dict[Any, str] = {}
        self._tokens: dict[Any, str] = {}

    def __enter__(self) -> Keyring:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for key in self._keys.values():
            self.revoke(key)

    def key(self, scopes: Collection[str], customer: str | None = None, name: str = "") -> str:
        """A key with these scopes; another one for another ``name``."""
        known = (frozenset(scopes), customer, name)
        if known not in self._keys:
            called = f"authorisation {name}".strip()
            make_key = self.deployment.make_key
            self._keys[known] = limits.make(lambda: make_key(called, scopes, customer))
        return self._keys[known]

    def token(self, key: str) -> str:
        """An access token of the key with all of its scopes."""
        if key not in self._tokens:
            self._tokens[key] = limits.make(lambda: self.deployment.issue_token(key))
        return self._tokens[key]

    def short_key(self, scopes: Collection[str]) -> str:
        """A key that expires in a moment."""
        end = datetime.now(UTC) + timedelta(seconds=_LIFE)
        body = {"name": "ends soon", "scopes": sorted(scopes),
                "expires_at": f"{end:%Y-%m-%dT%H:%M:%S.%fZ}"}  # fmt: skip
        answer = limits.ask(self._door, json_request("POST", "/v1/api-keys", body))
        if answer.status != 201:
            raise CouldNotRun(f"no key that expires was made: {answer.status} {answer.text}")
        key = str(answer.json()["key"])
        self._keys[key] = key
        return key

    def revoke(self, key: str) -> None:
        """Ends the key; that it was ended already is well."""
        limits.ask(self._door, json_request("DELETE", f"/v1/api-keys/{client_of(key)}"))

    def wait_until_refused(self, *credentials: Credential) -> None:
        """Returns when none of them is good any more, or when it should long have been so."""
        deadline = time.monotonic() + _PATIENCE
        doors = [self._door.with_credential(each) for each in credentials]
        request = json_request("GET", "/v1/devices?limit=1")
        while any(limits.ask(door, request).status != 401 for door in doors):
            if time.monotonic() > deadline:
                return  # the table tells
            time.sleep(0.1)  # between looks

    def published_key(self) -> Mapping[str, str]:
        """The key that the gateway signs with, as everybody can get it."""
        answer = limits.ask(self._door, json_request("GET", "/.well-known/jwks.json"))
        if answer.status != 200:
            raise CouldNotRun(f"the key set could not be read: {answer.status} {answer.text}")
        key: Mapping[str, str] = answer.json()["keys"][0]
        return key

    def check_is_taken(self, credential: Credential) -> None:
        """``CouldNotRun`` when the credential is refused, which nothing is wrong with."""
        request = json_request("GET", "/v1/devices?limit=1")
        answer = limits.ask(self._door.with_credential(credential), request)
        if answer.status != 200:
            raise CouldNotRun(f"the signing key is not the gateway's: {answer.text}")


def client_of(key: str) -> str:
    """The identifier in an API key, which names its client."""
    return key.split("_")[1]
