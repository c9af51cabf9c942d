"""The gateway's key pair and the tokens that it signs."""

from __future__ import annotations

import base64
import json
import stat
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jwt
import pytest

from gateway import signing
from gateway.signing import Signer, load_signer
from gateway.signing_keys import SETTLING, KeyFiles, SigningKeyFault


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")


def a_token(signer: Signer, **changed: Any) -> str:
    options: dict[str, Any] = {"audience": "doorstep", "subject": "s", "scopes": ["a"]}
    return signer.sign(**(options | {"lifetime": 60} | changed))


def test_a_token_tells_who_may_what(signer: Signer) -> None:
    claims = signer.verify(a_token(signer, scopes=["b", "a"]), audience="doorstep")

    assert (claims["sub"], claims["scope"], claims["exp"] - claims["iat"]) == ("s", "a b", 60)


def test_a_token_for_another_audience_is_refused(signer: Signer) -> None:
    with pytest.raises(jwt.InvalidAudienceError):
        signer.verify(a_token(signer, audience="inventory"), audience="doorstep")


def test_a_token_that_is_over_is_refused(signer: Signer) -> None:
    with pytest.raises(jwt.ExpiredSignatureError):
        signer.verify(a_token(signer, lifetime=-1), audience="doorstep")


def test_an_unsigned_token_is_refused(signer: Signer) -> None:
    claims = jwt.decode(a_token(signer), options={"verify_signature": False})

    with pytest.raises(jwt.InvalidAlgorithmError):
        signer.verify(jwt.encode(claims, None, algorithm="none"), audience="doorstep")


def test_a_token_signed_with_the_public_key_is_refused(signer: Signer) -> None:
    claims = jwt.decode(a_token(signer), options={"verify_signature": False})
    public = base64.urlsafe_b64decode(signer.key_set()["keys"][0]["x"] + "==")

    with pytest.raises(jwt.InvalidAlgorithmError):
        signer.verify(jwt.encode(claims, public, algorithm="HS256"), audience="doorstep")


def test_the_key_is_kept_and_is_nobody_elses(tmp_path: Path) -> None:
    private, public = tmp_path / "gateway.key", tmp_path / "gateway.jwks.json"

    first, second = load_signer(private, public), load_signer(private, public)

    assert first.kid == second.kid
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert "d" not in json.loads(public.read_bytes())["keys"][0]
    assert sorted(f.name for f in tmp_path.iterdir()) == ["gateway.jwks.json", "gateway.key"]


def test_workers_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    private, public = tmp_path / "gateway.key", tmp_path / "gateway.jwks.json"

    with ThreadPoolExecutor(8) as pool:
        kids = {signer.kid for signer in pool.map(lambda _: load_signer(private, public), range(8))}

    assert len(kids) == 1
    assert json.loads(public.read_bytes())["keys"][0]["kid"] in kids


def files(folder: Path) -> KeyFiles:
    return KeyFiles(folder / "gateway.key", folder / "gateway.jwks.json")


def test_a_running_signer_takes_up_a_new_key_and_still_verifies_by_the_old_one(
    signer: Signer, tmp_path: Path
) -> None:
    before, old = signer.kid, a_token(signer)

    new = files(tmp_path).rotate(60)
    signer.refresh()

    assert signer.kid == new != before
    assert jwt.get_unverified_header(a_token(signer))["kid"] == new
    assert signer.verify(old, audience="doorstep")["sub"] == "s"
    assert [key["kid"] for key in signer.key_set()["keys"]] == [new, before]


def test_a_token_of_a_worker_that_was_faster_is_verified(signer: Signer, tmp_path: Path) -> None:
    files(tmp_path).rotate(60)
    faster = load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")

    assert signer.verify(a_token(faster), audience="doorstep")["sub"] == "s"


def test_a_key_without_overlap_verifies_until_every_worker_has_the_new_one(
    signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = a_token(signer)
    new = files(tmp_path).rotate(0)
    signer.refresh()

    assert signer.verify(old, audience="doorstep")["sub"] == "s"
    now = time.time() + SETTLING
    monkeypatch.setattr(signing.time, "time", lambda: now)
    with pytest.raises(jwt.InvalidKeyError):
        signer.verify(old, audience="doorstep")
    assert [key["kid"] for key in signer.key_set()["keys"]] == [new]


def test_a_key_that_was_retired_verifies_no_more_and_is_not_published(
    signer: Signer, tmp_path: Path
) -> None:
    before, old = signer.kid, a_token(signer)
    new = files(tmp_path).rotate(60)

    files(tmp_path).retire(before)
    signer.refresh()

    with pytest.raises(jwt.InvalidKeyError):
        signer.verify(old, audience="doorstep")
    assert [key["kid"] for key in signer.key_set()["keys"]] == [new]


def test_neither_the_key_that_signs_nor_an_unknown_one_is_retired(
    signer: Signer, tmp_path: Path
) -> None:
    with pytest.raises(SigningKeyFault, match="rotate"):
        files(tmp_path).retire(signer.kid)
    with pytest.raises(SigningKeyFault, match="no earlier key has this id"):
        files(tmp_path).retire("nobody")


def test_a_key_whose_file_was_taken_away_verifies_no_more(signer: Signer, tmp_path: Path) -> None:
    old = a_token(signer)
    (tmp_path / "gateway.key").unlink()

    again = load_signer(tmp_path / "gateway.key", tmp_path / "gateway.jwks.json")

    assert again.kid != signer.kid
    with pytest.raises(jwt.InvalidKeyError):
        again.verify(old, audience="doorstep")


def test_a_signer_whose_file_is_broken_keeps_its_key(
    signer: Signer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "gateway.key").write_text("no key")

    signer.refresh()

    assert signer.verify(a_token(signer), audience="doorstep")["sub"] == "s"
    assert "holds no private key" in caplog.text


def test_a_key_that_is_not_there_cannot_be_rotated(tmp_path: Path) -> None:
    with pytest.raises(SigningKeyFault, match="cannot be read"):
        files(tmp_path).rotate(60)


def test_a_token_without_a_key_id_is_refused(signer: Signer) -> None:
    claims = jwt.decode(a_token(signer), options={"verify_signature": False})

    with pytest.raises(jwt.InvalidKeyError):
        signer.verify(jwt.encode(claims, signer._key, algorithm="EdDSA"), audience="doorstep")


def test_those_who_rotate_at_once_lose_no_key(signer: Signer, tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool:
        made = set(pool.map(lambda _: files(tmp_path).rotate(60), range(4)))

    signer.refresh()

    assert {key["kid"] for key in signer.key_set()["keys"]} >= made
    assert len(signer.key_set()["keys"]) == 5
