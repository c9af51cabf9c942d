"""The gateway's signing key is rotated while the services run."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import jwt
import requests

from contracts.services import ROOT, Services, wait_for


def rotate(services: Services, overlap: int) -> str:
    return signing_keys(services, "rotate", "--overlap", str(overlap))


def signing_keys(services: Services, *arguments: str) -> str:
    command = [sys.executable, "-m", "gateway", "signing-keys", *arguments]
    environ = {**os.environ, "DOORSTEP_DATA": str(services.data)}
    said = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    return said.stdout.split()[0]


def a_token(services: Services) -> str:
    _, client_id, secret = services.admin_key.split("_", 2)
    answer = requests.post(
        services.gateway_url + "/oauth/token",
        auth=(client_id, secret),
        data={"grant_type": "client_credentials"},
        timeout=30,
    )
    token: str = answer.json()["access_token"]
    return token


def published(services: Services) -> list[str]:
    answer = requests.get(services.gateway_url + "/.well-known/jwks.json", timeout=30)
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    return [key["kid"] for key in answer.json()["keys"]]


def status(services: Services, **headers: str) -> int:
    url = services.gateway_url + "/v1/devices"
    return requests.get(url, headers=headers, timeout=30).status_code


def test_workers_take_up_a_new_key_and_no_request_fails(tmp_path: Path) -> None:
    settings = {"GATEWAY_WORKERS": "2", "INVENTORY_WORKERS": "2"}
    with Services(tmp_path / "data", settings) as services:
        (first,) = published(services)
        old = a_token(services)
        seen: list[int] = []

        second = rotate(services, 3600)
        seen_by: set[tuple[str, ...]] = set()

        def everybody_signs_with_it() -> bool:
            seen.append(status(services, Authorization=f"Bearer {old}"))
            seen.append(status(services, **{"X-API-Key": services.admin_key}))
            new = a_token(services)
            seen.append(status(services, Authorization=f"Bearer {new}"))
            seen_by.add(tuple(published(services)))
            kids = {jwt.get_unverified_header(a_token(services))["kid"] for _ in range(20)}
            return kids == {second}

        wait_for(everybody_signs_with_it, "all workers to sign with the new key")
        assert set(seen) == {200}
        assert (second, first) in seen_by

        seen.clear()
        rotate(services, 0)

        def everybody_forgot_the_key_before() -> bool:
            seen.extend(status(services, **{"X-API-Key": services.admin_key}) for _ in range(20))
            return all(second not in published(services) for _ in range(20))

        wait_for(everybody_forgot_the_key_before, "all workers to forget a key without overlap")
        assert set(seen) == {200}
        assert status(services, Authorization=f"Bearer {old}") == 200  # its overlap is not over

        signing_keys(services, "retire", first)
        wait_for(
            lambda: {status(services, Authorization=f"Bearer {old}") for _ in range(20)} == {401},
            "all workers to forget a key that was retired",
        )
