"""An outside issuer's keys: fetched when they are needed, and not when they are not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import jwt
import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import ec

from gateway import issuer_keys
from gateway.issuer_keys import IssuerKeys, KeysUnavailable


def a_jwk(kid: str) -> dict[str, Any]:
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    return dict(jwt.algorithms.ECAlgorithm.to_jwk(public, as_dict=True)) | {"kid": kid}


class Server:
    """Publishes ``keys``, or answers what ``answer`` makes."""

    def __init__(self) -> None:
        self.keys: list[Any] = [a_jwk("a")]
        self.answer: Callable[[], web.Response] = lambda: web.json_response({"keys": self.keys})
        self.fetches = 0

    async def __call__(self, _request: web.BaseRequest) -> web.StreamResponse:
        self.fetches += 1
        return self.answer()


def run(test: Callable[[Server, IssuerKeys], Awaitable[None]]) -> None:
    async def main() -> None:
        server = Server()
        runner = web.ServerRunner(web.Server(server))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        host, port = runner.addresses[0][:2]
        try:
            await test(server, IssuerKeys(f"http://{host}:{port}/keys"))
        finally:
            await runner.cleanup()

    asyncio.run(main())


def test_many_that_wait_share_one_fetch() -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        found = await asyncio.gather(*(keys.find("a") for _ in range(20)))

        assert all(found) and server.fetches == 1
        assert keys.known("a") is not None

    run(test)


def test_a_new_key_is_found_once_the_cool_down_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        await keys.find("a")
        server.keys = [a_jwk("b")]
        assert await keys.find("b") is None
        assert server.fetches == 1

        monkeypatch.setattr(issuer_keys, "COOL_DOWN", 0.0)
        assert await keys.find("b") is not None
        assert await keys.find("a") is None

    run(test)


def test_keys_are_fetched_anew_in_time_so_that_a_withdrawn_one_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        await keys.find("a")
        server.keys = []
        monkeypatch.setattr(issuer_keys, "COOL_DOWN", 0.0)
        monkeypatch.setattr(issuer_keys, "KEPT", 0.0)

        assert keys.known("a") is None
        assert await keys.find("a") is None

    run(test)


def test_while_keys_cannot_be_fetched_those_at_hand_are_used_for_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        await keys.find("a")
        server.answer = lambda: web.Response(status=500)
        monkeypatch.setattr(issuer_keys, "COOL_DOWN", 0.0)
        monkeypatch.setattr(issuer_keys, "KEPT", 0.0)
        assert await keys.find("a") is not None

        monkeypatch.setattr(issuer_keys, "GIVEN_UP", 0.0)
        with pytest.raises(KeysUnavailable):
            await keys.find("a")

    run(test)


@pytest.mark.parametrize(
    "answer",
    [
        lambda: web.Response(status=302, headers={"Location": "/elsewhere"}),
        lambda: web.Response(body=b" " * (issuer_keys.LARGEST + 1)),
        lambda: web.Response(text="no JSON"),
        lambda: web.json_response([]),
        lambda: web.json_response({"keys": 5}),
        lambda: web.Response(body=b"\xff"),
    ],
)
def test_what_is_no_key_set_gives_no_keys(
    answer: Callable[[], web.Response], caplog: pytest.LogCaptureFixture
) -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        server.answer = answer
        with pytest.raises(KeysUnavailable):
            await keys.find("a")
        assert server.fetches == 1

    run(test)
    assert "cannot be had" in caplog.text


def test_keys_that_do_not_verify_are_passed_over() -> None:
    async def test(server: Server, keys: IssuerKeys) -> None:
        server.keys += [
            {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
            a_jwk("encrypts") | {"use": "enc"},
            {"kty": "EC", "kid": "broken", "crv": "P-256"},
            "no key",
        ]

        assert [await keys.find(kid) for kid in ("oct", "encrypts", "broken")] == [None] * 3
        assert await keys.find("a") is not None

    run(test)
