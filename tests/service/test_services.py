"""A service that is plugged in by its document alone, and documents that change under load."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import requests
from openapi_spec_validator import validate

from contracts.services import PATIENCE, ROOT, Services, wait_for
from gateway.api_keys import ApiKeys
from tests.service.conftest import Client

DOCUMENT = ROOT / "tests/fixtures/services/pets.yaml"
CLIENTS = 4  # connections, at the same time
REQUESTS = 40  # answered between two events at the least


class Echo(BaseHTTPRequestHandler):
    """A service that knows nothing of us: it answers with the request that it got."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is one segment

    def _answer(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {"method": self.command, "path": self.path, "headers": dict(self.headers)}
        body = json.dumps(told | {"body": sent.decode("latin-1")}).encode()
        self.send_response(404 if self.path.startswith("/health") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "/api/v3/cats/9")
        self.send_header("Set-Cookie", "session=1")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture(scope="module")
def pets() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plugged")
    shutil.copy(DOCUMENT, folder)
    return folder


@pytest.fixture(scope="module")
def services(
    tmp_path_factory: pytest.TempPathFactory, pets: str, folder: Path
) -> Iterator[Services]:
    settings = {
        "GATEWAY_SERVICES": str(folder),
        "PETS_URL": pets,
        "SHOP_URL": pets,
        "SHOP_AUTHORIZATION": "Basic c2hvcDpzZWNyZXQ=",
        "LOG_LEVEL": "WARNING",
    }
    services = Services(tmp_path_factory.mktemp("services"), settings)
    services.start("gateway")  # alone: no request here is the inventory's
    try:
        wait_for(lambda: _lives(services), "the gateway", services._said)
        yield services
    finally:
        services.stop()


def _lives(services: Services) -> bool:
    try:
        return requests.get(services.gateway_url + "/health/live", timeout=5).status_code == 200
    except requests.RequestException:
        return False


def test_a_request_goes_where_the_service_has_it(admin: Client) -> None:
    found = admin.get("/pets/cats/7?fields=name,age").json()

    assert (found["method"], found["path"]) == ("GET", "/api/v3/cats/7?fields=name,age")
    assert found["headers"]["Authorization"].startswith("Bearer ")
    assert "X-API-Key" not in found["headers"]


def test_an_answer_leads_back_through_the_gateway(admin: Client) -> None:
    answer = admin.get("/pets/cats/7")

    assert answer.headers["Location"] == "/pets/cats/9"
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "options", "place"),
    [
        ("GET", "/pets/cats/tom", {}, "cat-id"),
        ("GET", "/pets/cats/7?fields=name,colour", {}, "fields"),
        ("GET", "/pets/cats?who=1", {}, "who"),
        ("POST", "/pets/cats", {"json": {"name": ""}}, "/name"),
        ("POST", "/pets/cats", {"json": {"name": "a", "kittens": [{"name": 1}]}}, "/kittens/0/na"),
    ],
)
def test_a_request_that_its_document_does_not_allow_is_refused(
    admin: Client, method: str, path: str, options: dict[str, Any], place: str
) -> None:
    answer = admin.request(method, path, **options)

    assert answer.status_code == 400
    assert place in json.dumps(answer.json()["errors"])


@pytest.mark.parametrize(
    ("method", "path", "media_type", "body"),
    [
        ("GET", "/cats?where%5Bname%5D=Tom", None, ""),
        ("POST", "/cats", "application/json", '{"name": "a",  "kittens": [{"name": "b"}]}'),
        ("POST", "/cats", "application/xml", "<cat/>"),
        ("PUT", "/cats/7/picture", "image/gif", "GIF89a"),
    ],
)
def test_what_the_gateway_cannot_read_goes_on_as_it_came(
    admin: Client, method: str, path: str, media_type: str | None, body: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    answer = admin.request(method, f"/pets{path}", data=body, headers=headers)

    assert answer.status_code == 200
    assert (answer.json()["path"], answer.json()["body"]) == (f"/api/v3{path}", body)


def test_nobody_comes_in_by_what_the_services_own_document_says(services: Services) -> None:
    open_in_the_document = requests.get(services.gateway_url + "/pets/cats", timeout=10)
    its_own_key = requests.get(
        services.gateway_url + "/pets/cats/7", headers={"X-Pets-Key": "1"}, timeout=10
    )

    assert (open_in_the_document.status_code, its_own_key.status_code) == (401, 401)


def test_everybody_comes_in_where_the_gateway_was_told_so(services: Services) -> None:
    answer = requests.get(services.gateway_url + "/pets/opening-hours", timeout=10)

    assert answer.json()["path"] == "/api/v3/opening-hours"


def test_a_key_is_held_to_the_services_scopes(services: Services, admin: Client) -> None:
    body = {"name": "reader", "scopes": ["pets:read"]}
    key = admin.post("/v1/api-keys", json=body).json()["key"]

    with Client(services.gateway_url, **{"X-API-Key": key}) as reader:
        read = reader.get("/pets/cats/7")
        write = reader.post("/pets/cats", json={"name": "Tom"})
        picture = reader.put("/pets/cats/7/picture")

    assert (read.status_code, write.status_code, picture.status_code) == (200, 403, 403)
    assert "pets:write" in write.json()["detail"]
    assert "pets:pictures" in picture.json()["detail"]


def test_a_key_of_the_contracts_scopes_opens_no_service(services: Services) -> None:
    keys = ApiKeys(services.data / "gateway.db")
    key = keys.create("other", ["devices:read", "devices:write"])
    keys.close()

    with Client(services.gateway_url, **{"X-API-Key": key}) as other:
        assert other.get("/pets/cats/7").status_code == 403


def test_a_token_can_be_had_for_the_service_alone(services: Services) -> None:
    _, key_id, secret = services.admin_key.split("_", 2)
    form = {"grant_type": "client_credentials", "scope": "pets:read"}

    token = requests.post(
        services.gateway_url + "/oauth/token", data=form, auth=(key_id, secret), timeout=10
    ).json()["access_token"]

    with Client(services.gateway_url, Authorization=f"Bearer {token}") as client:
        assert client.get("/pets/cats/7").status_code == 200
        assert client.delete("/pets/cats/7").status_code == 403


def test_what_is_published_has_the_service_and_nothing_private(services: Services) -> None:
    published = requests.get(services.gateway_url + "/openapi.json", timeout=10)

    document = published.json()
    validate(document)
    operation = document["paths"]["/pets/cats/{cat-id}"]["get"]
    assert operation["operationId"] == "pets_getCat"
    assert {"200", "401", "403", "404", "429", "502", "504"} <= operation["responses"].keys()
    assert "x-gateway" not in published.text
    assert "their.code" not in published.text


def test_the_operators_see_the_line_of_the_services_own_file(services: Services) -> None:
    query = {"method": "GET", "path": "/pets/cats/7"}
    told = requests.get(services.admin_url + "/admin/explain", params=query, timeout=10).json()

    assert told["operation"]["served_by"] == "pets"
    assert told["operation"]["at"] == "pets.yaml:16"
    assert told["policy"]["prefix"]["at"] == "pets.yaml:4"


class Load:
    """Clients that ask for the same thing again and again, and keep account of the answers."""

    def __init__(self, services: Services) -> None:
        self._url = services.gateway_url + "/pets/cats/7"
        self._headers = {"X-API-Key": services.admin_key}
        self.answers: Counter[str] = Counter()
        self._over = False

    async def during(self, events: Callable[[], Awaitable[None]]) -> None:
        async with aiohttp.ClientSession(headers=self._headers) as session:
            session._retry_connection = False  # or a client would mend what it shall notice
            clients = [asyncio.create_task(self._live(session)) for _ in range(CLIENTS)]
            try:
                await events()
            finally:
                self._over = True
                await asyncio.gather(*clients)

    async def more_answers(self) -> None:
        enough = self.answers.total() + REQUESTS
        async with asyncio.timeout(PATIENCE):
            while self.answers.total() < enough:
                await asyncio.sleep(0.02)  # between looks at the condition

    async def _live(self, session: aiohttp.ClientSession) -> None:
        while not self._over:
            await asyncio.sleep(0.05)  # other processes have work to do as well
            try:
                async with session.get(self._url) as answer:
                    await answer.read()
                    self.answers[str(answer.status)] += 1
            except aiohttp.ClientError as exc:
                self.answers[repr(exc)] += 1


def test_documents_are_taken_up_whole_or_not_at_all(services: Services, folder: Path) -> None:
    shop = folder / "shop.yaml"
    good = DOCUMENT.read_text().replace("/pets", "/shop").replace("pets:", "shop:")
    load, log = Load(services), services.log("gateway")
    process_id = int((services.data / f"gateway-{services.gateway_port}.pid").read_text())
    (old,) = psutil.Process(process_id).children()
    with Client(services.gateway_url, **{"X-API-Key": services.admin_key}) as admin:

        async def say(text: str) -> None:
            await until(lambda: text in log.read_text(), text)

        async def until(condition: Callable[[], bool], what: str) -> None:
            await asyncio.to_thread(wait_for, condition, what, log.read_text)

        async def events() -> None:
            await load.more_answers()
            shop.write_text(good.replace("#/components/schemas/Cat", "#/components/schemas/Dog", 1))
            os.kill(process_id, signal.SIGHUP)
            await say("what was served before is served further")
            await load.more_answers()
            assert (await asyncio.to_thread(admin.get, "/shop/cats/7")).status_code == 404
            shop.write_text(good)
            os.kill(process_id, signal.SIGHUP)
            await say("the documents are served as they are now")
            await until(lambda: not old.is_running(), "the old worker to end")
            await load.more_answers()

        asyncio.run(load.during(events))
        found = admin.get("/shop/cats/7").json()

    assert set(load.answers) == {"200"}, load.answers
    assert f"{shop}:26: paths//cats/{{cat-id}}/get/responses/200/content" in log.read_text()
    assert found["path"] == "/api/v3/cats/7"
    assert found["headers"]["Authorization"] == "Basic c2hvcDpzZWNyZXQ="
    assert services.processes["gateway"].poll() is None
