"""Access tokens by client credentials."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.signing import Signer, load_signer
from gateway.tokens import LIFETIME, ScopeRefused, Tokens

CLIENT = {"sub": "a", "scopes": frozenset(["devices:read", "devices:write"])}


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")


def test_a_client_that_asks_for_no_scope_gets_all_of_its_own(signer: Signer) -> None:
    token = Tokens(signer).issue(CLIENT, {"grant_type": "client_credentials"})

    assert (token["scope"], token["expires_in"]) == ("devices:read devices:write", LIFETIME)


def test_a_client_gets_what_it_asks_for(signer: Signer) -> None:
    token = Tokens(signer).issue(CLIENT, {"scope": "devices:read"})

    claims = signer.verify(token["access_token"], audience="doorstep")
    assert claims["scope"] == "devices:read"


def test_a_scope_that_the_client_does_not_have_is_refused(signer: Signer) -> None:
    reader = {"sub": "a", "scopes": frozenset(["devices:read"])}

    with pytest.raises(ScopeRefused, match="devices:write"):
        Tokens(signer).issue(reader, {"scope": "devices:read devices:write"})
