"""What the gateway and clients rely on is so: their exchanges, played against the services."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from contracts.deployment import Deployment
from contracts.door import NOBODY, Credential, Door, api_key, basic, bearer
from contracts.exchanges.playing import Provider, play
from contracts.exchanges.reading import Exchange, read_all
from contracts.findings import Result, Table
from contracts.identity import sign_identity
from contracts.report.words import counted
from contracts.suite import NO_INVENTORY, Part, Stage
from contracts.wire import Request
from openapi.selection import scopes_of


def judge(stage: Stage, result: Result) -> None:
    """Plays the consumers' exchanges against the services that they ask, where these are there."""
    to = stage.deployment
    gateway = Gateway(stage.gateway(PART.name), to)
    providers: dict[str, Provider] = {"gateway": gateway}
    if to.has_inventory:
        providers["inventory"] = Inventory(stage.inventory(PART.name), to, stage.folder)
    rows = []
    try:
        for consumer in read_all():
            provider = providers.get(consumer.asks)
            if provider:
                for exchange in consumer.exchanges:
                    judge_one(exchange, provider, result)
            played = counted(len(consumer.exchanges), "exchange") if provider else NO_INVENTORY
            rows.append((consumer.name, consumer.asks, played))
    finally:
        gateway.revoke_keys()
    result.tables.append(Table("Consumers", ("consumer", "asks", "played"), rows))


def judge_one(exchange: Exchange, provider: Provider, result: Result) -> None:
    """Adds a finding when the service does not keep the exchange."""
    result.cases += 1
    broken = play(exchange, provider)
    if broken is None:
        return
    relied_on = ", ".join(exchange.content.get("relied_on_in", ()))
    told = [broken.how, f"Why it matters: {exchange.content['why']}"]
    told += [f"Relied on in: {relied_on}"] * bool(relied_on)
    result.find(
        f"The {exchange.consumer} would break, which relies on this: {exchange.description}",
        detail="\n".join([*told, f"It stands in contracts/exchanges/{exchange.place}"]),
        curl=broken.curl,
    )


class Inventory:
    """The inventory, which is told by the gateway's identity who asks."""

    def __init__(self, door: Door, deployment: Deployment, folder: Path) -> None:
        self._door = door
        self._deployment = deployment
        self._folder = folder

    def door(self, who: Any) -> Door:
        """The inventory, as the gateway asks it for somebody."""
        return self._door.with_credential(self._credential(who))

    def _credential(self, who: Any) -> Credential:
        if who is None:
            return self._door.credential
        if who == "nobody":
            return NOBODY
        if isinstance(who, Mapping):
            return self._deployment.identity(who["scopes"], who.get("customer"))
        return self._bad(who)

    def _bad(self, who: str) -> Credential:
        key, lifetime = self._deployment.signing_key, 60
        if who == "forged":
            key = another_key(self._folder)
        elif who == "expired":
            lifetime = -60
        assert key is not None
        scopes = scopes_of(self._door.contract.document)
        token = sign_identity(key, audience="inventory", scopes=scopes, lifetime=lifetime)
        return bearer(who, token, "DOORSTEP_IDENTITY")


class Gateway:
    """The gateway, which is asked with keys and tokens that are made for it."""

    def __init__(self, door: Door, deployment: Deployment) -> None:
        self._door = door
        self._deployment = deployment
        self._keys: dict[str, str] = {}

    def door(self, who: Any) -> Door:
        """The gateway, for somebody who has a key or a token."""
        return self._door.with_credential(self._credential(who))

    def _credential(self, who: Any) -> Credential:
        if who is None:
            return self._door.credential
        if who == "nobody":
            return NOBODY
        if who == "client":
            return basic("client", self._deployment.key)
        if isinstance(who, Mapping):
            return self._of_its_own(who)
        return api_key(who, "dsk_0000000000000000_" + "x" * 43)

    def _of_its_own(self, who: Mapping[str, Any]) -> Credential:
        """A credential that an answer had, or a key that is made for who this is."""
        if "token" in who:
            return bearer("a token", who["token"])
        if "client" in who:
            return basic("client", who["client"])
        return api_key("a key", who.get("key") or self._key(who), "DOORSTEP_KEY")

    def revoke_keys(self) -> None:
        """Takes the keys away that were made."""
        for key in self._keys.values():
            self._door.ask(Request("DELETE", f"/v1/api-keys/{key.split('_')[1]}"))

    def _key(self, who: Mapping[str, Any]) -> str:
        """A key for who this is, the same one each time."""
        if str(who) not in self._keys:
            made = self._deployment.make_key("exchanges", who["scopes"], who.get("customer"))
            self._keys[str(who)] = made
        return self._keys[str(who)]


def another_key(folder: Path) -> Path:
    """The file of a private key that nobody trusts."""
    file = folder / "another.key"
    key = Ed25519PrivateKey.generate()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return file


PART = Part("exchanges", "What consumers rely on", judge)
