"""What may stand in ``OIDC_ISSUERS``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gateway.issuers import Issuer, read_issuers
from gateway.outside_tokens import subject_of
from openapi.environment import SettingFault

ENTRY = {"iss": "https://a", "audience": "b", "jwks_url": "https://a/keys"}


def read(*entries: Any) -> tuple[Issuer, ...]:
    return read_issuers({"OIDC_ISSUERS": json.dumps(entries)})


def test_an_issuer_is_read_with_its_defaults() -> None:
    (issuer,) = read(ENTRY | {"leeway_seconds": 5, "algorithms": ["ES256"]})

    assert issuer == Issuer("https://a", "b", "https://a/keys", ("ES256",), leeway=5)
    assert read(ENTRY)[0].algorithms == ("RS256",)
    assert read_issuers({}) == ()


def test_issuers_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "issuers.json"
    file.write_text(json.dumps([ENTRY]))

    assert read_issuers({"OIDC_ISSUERS": str(file)}) == read(ENTRY)


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512", "rs256"])
def test_an_algorithm_that_anybody_could_sign_with_is_refused(algorithm: str) -> None:
    with pytest.raises(SettingFault, match="OIDC_ISSUERS/0/algorithms/0"):
        read(ENTRY | {"algorithms": [algorithm]})


@pytest.mark.parametrize(
    "url",
    ["http://a/keys", "ftp://a/keys", "https://", "keys", "http://127.0.0.1.evil/keys",
     "http://localhost.evil/keys", "https://user:pass@a/keys", "http://[::1/keys"],
)  # fmt: skip
def test_keys_come_by_https_or_from_this_machine(url: str) -> None:
    with pytest.raises(SettingFault, match="OIDC_ISSUERS/0/jwks_url"):
        read(ENTRY | {"jwks_url": url})


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "127.9.9.9:80", "[::1]:8"])
def test_the_loopback_interface_needs_no_https(host: str) -> None:
    assert read(ENTRY | {"jwks_url": f"http://{host}/keys"})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("[", "is no JSON"),
        ("/nowhere/issuers.json", "neither a JSON array nor a file"),
        (json.dumps([{"iss": "a"}]), "OIDC_ISSUERS/0: .*audience"),
        (json.dumps([ENTRY | {"jwks_uri": "x"}]), "jwks_uri"),
        (json.dumps([ENTRY, ENTRY]), "OIDC_ISSUERS/1/iss: https://a is taken"),
        (json.dumps([ENTRY | {"iss": "doorstep-gateway"}]), "doorstep-gateway is taken"),
        (json.dumps([ENTRY | {"leeway_seconds": 3600}]), "OIDC_ISSUERS/0/leeway_seconds"),
    ],
)
def test_what_cannot_be_is_told_with_its_place(given: str, said: str) -> None:
    with pytest.raises(SettingFault, match=said):
        read_issuers({"OIDC_ISSUERS": given})


def test_a_subject_is_its_issuers_own_and_never_a_keys_id() -> None:
    subjects = [
        subject_of("https://a", "0123456789abcdef"),
        subject_of("https://a0", "123456789abcdef"),
        subject_of("https://b", "0123456789abcdef"),
    ]

    assert len(set(subjects)) == 3
    assert all(subject.startswith("oidc:") and len(subject) == 37 for subject in subjects)
