"""The signed identity, cached as long as it is good."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway import identity
from gateway.identity import Identities
from gateway.signing import Signer, load_signer
from gateway.signing_keys import KeyFiles

READER = {"sub": "a", "scopes": frozenset(["devices:read"])}


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")


def test_an_identity_is_for_one_upstream_alone(signer: Signer) -> None:
    token = Identities(signer).header(READER, "inventory").removeprefix("Bearer ")

    claims = signer.verify(token, audience="inventory")
    assert (claims["sub"], claims["scope"]) == ("a", "devices:read")


def test_the_same_principal_has_the_same_identity(signer: Signer) -> None:
    identities = Identities(signer)

    assert identities.header(READER, "inventory") == identities.header(READER, "inventory")


@pytest.mark.parametrize(
    ("principal", "upstream"),
    [
        ({"sub": "b", "scopes": READER["scopes"]}, "inventory"),
        ({"sub": "a", "scopes": frozenset()}, "inventory"),
        (READER, "other"),
    ],
)
def test_what_differs_has_another_identity(
    signer: Signer, principal: dict[str, object], upstream: str
) -> None:
    identities = Identities(signer)

    assert identities.header(READER, "inventory") != identities.header(principal, upstream)


def test_an_identity_is_renewed_well_before_it_is_over(
    signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    identities = Identities(signer)
    now = 1000.0
    monkeypatch.setattr(identity.time, "monotonic", lambda: now)
    first = identities.header(READER, "inventory")
    now += identity.LIFETIME - identity.RENEWED

    assert identities.header(READER, "inventory") != first


def test_a_new_key_signs_new_identities(signer: Signer, tmp_path: Path) -> None:
    identities = Identities(signer)
    before = identities.header(READER, "inventory")
    assert identities.header(READER, "inventory") == before

    KeyFiles(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json").rotate(0)
    signer.refresh()

    assert identities.header(READER, "inventory") != before


def test_nobody_has_an_identity_without_scopes(signer: Signer) -> None:
    token = Identities(signer).header({}, "inventory").removeprefix("Bearer ")
    claims = signer.verify(token, audience="inventory")

    assert (claims["sub"], claims["scope"]) == ("anonymous", "")
