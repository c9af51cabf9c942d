"""The inventory believes the gateway's signature and nothing else."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from connexion.lifecycle import ConnexionRequest
from connexion.security import NO_VALUE

from gateway.signing import Signer, load_signer
from gateway.signing_keys import KeyFiles
from inventory import identity
from inventory.identity import GatewayIdentity, KeySet
from openapi.problems import Problem


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")


@pytest.fixture
def handler(signer: Signer, tmp_path: Path) -> GatewayIdentity:
    return GatewayIdentity(KeySet(tmp_path / "gateway.jwks.json"))


def ask(handler: GatewayIdentity, authorization: str | None, *scopes: str) -> Any:
    headers = [(b"authorization", authorization.encode())] if authorization else []
    scope = {"type": "http", "headers": headers, "path": "/", "query_string": b""}
    return handler.get_fn({}, list(scopes))(ConnexionRequest(scope))


def a_token(signer: Signer, **changed: Any) -> str:
    options: dict[str, Any] = {"audience": "inventory", "subject": "a", "lifetime": 60}
    return "Bearer " + signer.sign(**(options | {"scopes": ["devices:read"]} | changed))


def test_the_gateways_identity_is_believed(handler: GatewayIdentity, signer: Signer) -> None:
    assert ask(handler, a_token(signer), "devices:read")["sub"] == "a"


def test_no_header_is_no_credential(handler: GatewayIdentity) -> None:
    assert ask(handler, None) is NO_VALUE


@pytest.mark.parametrize(
    "changed",
    [{"audience": "doorstep"}, {"lifetime": -1}, {"lifetime": 3601}],
    ids=["audience", "expired", "good for long"],
)
def test_what_is_not_for_us_or_over_is_refused(
    handler: GatewayIdentity, signer: Signer, changed: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as refused:
        ask(handler, a_token(signer, **changed))

    assert refused.value.status == 401
    assert "WWW-Authenticate" in refused.value.headers


@pytest.mark.parametrize("header", ["Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer", "x"])
def test_garbage_is_refused(handler: GatewayIdentity, header: str) -> None:
    with pytest.raises(Problem) as refused:
        ask(handler, header)

    assert refused.value.status == 401


def test_another_gateways_signature_is_refused(handler: GatewayIdentity, tmp_path: Path) -> None:
    stranger = load_signer(tmp_path / "other.key", tmp_path / "other.jwks.json")

    with pytest.raises(Problem):
        ask(handler, a_token(stranger))


def test_a_missing_scope_is_403(handler: GatewayIdentity, signer: Signer) -> None:
    with pytest.raises(Problem) as refused:
        ask(handler, a_token(signer), "devices:write")

    assert refused.value.status == 403


def test_a_remembered_identity_is_over_when_it_is_over(
    handler: GatewayIdentity, signer: Signer, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = a_token(signer)
    ask(handler, token)
    later = identity.time.time() + 61
    monkeypatch.setattr(identity.time, "time", lambda: later)
    monkeypatch.setattr("jwt.api_jwt.datetime", _clock(later))

    with pytest.raises(Problem):
        ask(handler, token)


def _clock(now: float) -> Any:
    import datetime

    class Clock(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return datetime.datetime.fromtimestamp(now, tz)

    return Clock


def test_a_key_that_comes_later_is_found(tmp_path: Path) -> None:
    handler = GatewayIdentity(KeySet(tmp_path / "gateway.jwks.json"))
    with pytest.raises(Problem):
        ask(handler, "Bearer x")

    signer = load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")

    assert ask(handler, a_token(signer))["sub"] == "a"


def test_a_key_that_was_rotated_away_verifies_for_the_overlap(
    handler: GatewayIdentity, signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = a_token(signer)
    ask(handler, old)
    KeyFiles(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json").rotate(60)
    new = load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")
    handler._looked_at = 0.0  # a second is over

    assert ask(handler, a_token(new))["sub"] == "a"
    assert ask(handler, old)["sub"] == "a"
    now = time.time() + 61
    monkeypatch.setattr(identity.time, "time", lambda: now)
    with pytest.raises(Problem):
        ask(handler, old)


def test_a_key_that_was_retired_verifies_nothing_though_it_did_before(
    handler: GatewayIdentity, signer: Signer, tmp_path: Path
) -> None:
    files = KeyFiles(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")
    old = a_token(signer)
    files.rotate(60)
    new = load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")
    assert ask(handler, old)["sub"] == "a"

    files.retire(signer.kid)
    assert ask(handler, a_token(new))["sub"] == "a"
    handler._looked_at = 0.0  # a second is over

    with pytest.raises(Problem):
        ask(handler, old)
