"""The gateway's edge over real sockets: other origins, names, headers for browsers, compression."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
import requests
import zstandard

from contracts.services import Services, free_port, wait_for

PAGE = "https://app.example"
MANY = {f"attribute_{number}": "x" * 30 for number in range(60)}


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    port = free_port()
    settings = {
        "CORS_ORIGINS": PAGE,
        "ALLOWED_HOSTS": f"localhost, 127.0.0.1:{port}",
        "HSTS_MAX_AGE": "3600",
        "GATEWAY_PORT": str(port),
    }
    with Services(tmp_path_factory.mktemp("edge"), settings) as services:
        yield services


class Gateway:
    """Asks the gateway with the admin's key; answers are not decoded behind the test's back."""

    def __init__(self, services: Services) -> None:
        self.url = services.gateway_url
        self.key = services.admin_key

    def ask(self, method: str, path: str, *, json: Any = None, **headers: str) -> requests.Response:
        lines = {name.replace("_", "-"): value for name, value in headers.items()}
        lines = {"X-API-Key": self.key, "Accept-Encoding": "identity"} | lines
        return requests.request(method, self.url + path, json=json, headers=lines, timeout=30)


@pytest.fixture
def gateway(edge: Services) -> Gateway:
    return Gateway(edge)


@pytest.fixture
def device(gateway: Gateway, request: pytest.FixtureRequest) -> Iterator[str]:
    """The path of a device whose text is long enough to be compressed."""
    path = f"/v1/devices/{request.node.name.split('[')[0][:100]}"
    body = {"name": "Lamp", "device_type": "light", "attributes": MANY}
    assert gateway.ask("PUT", path, json=body).status_code == 201
    yield path
    gateway.ask("DELETE", path)


def test_a_page_of_an_allowed_origin_goes_through_preflight_and_request(gateway: Gateway) -> None:
    url = gateway.url + "/v1/devices"
    wanted = "content-type,idempotency-key,x-api-key"
    asked = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}

    preflight = requests.options(
        url, headers=asked | {"Access-Control-Request-Headers": wanted}, timeout=30
    )
    answer = gateway.ask("GET", "/v1/devices", Origin=PAGE)
    refused = requests.get(url, headers={"Origin": PAGE}, timeout=30)

    assert (preflight.status_code, preflight.content) == (204, b"")
    assert preflight.headers["Access-Control-Allow-Origin"] == PAGE
    allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert set(allowed) >= set(wanted.split(","))
    assert preflight.headers["X-Request-Id"]
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (200, PAGE)
    # The page can read why it was refused.
    assert (refused.status_code, refused.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


def test_a_page_of_another_origin_reads_nothing(gateway: Gateway) -> None:
    answer = gateway.ask("GET", "/v1/devices", Origin="https://evil.example")

    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


def test_another_host_is_421_though_the_credential_is_good(gateway: Gateway) -> None:
    refused = gateway.ask("GET", "/v1/devices", Host="evil.example", Origin=PAGE)
    probe = gateway.ask("GET", "/health/ready", Host="10.0.0.1")

    assert (refused.status_code, refused.headers["Content-Type"]) == (
        421,
        "application/problem+json",
    )
    assert refused.json()["request_id"] == refused.headers["X-Request-Id"]
    assert "Access-Control-Allow-Origin" not in refused.headers
    assert probe.status_code == 200


@pytest.mark.parametrize(
    ("path", "status"), [("/v1/devices", 200), ("/v1/nothing", 404), ("/v1/%2f", 400)]
)
def test_every_answer_tells_browsers_to_do_nothing(
    gateway: Gateway, path: str, status: int
) -> None:
    answer = gateway.ask("GET", path)

    assert answer.status_code == status
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; frame-")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Strict-Transport-Security"] == "max-age=3600"


def test_swagger_ui_may_run_its_own_scripts_compressed_too(gateway: Gateway) -> None:
    plain = gateway.ask("GET", "/ui/swagger-ui-bundle.js")
    coded = gateway.ask("GET", "/ui/swagger-ui-bundle.js", Accept_Encoding="gzip")
    tag = coded.headers["ETag"]
    again = gateway.ask(
        "GET", "/ui/swagger-ui-bundle.js", Accept_Encoding="gzip", If_None_Match=tag
    )

    assert "script-src 'self'" in coded.headers["Content-Security-Policy"]
    assert coded.headers["Content-Encoding"] == "gzip"
    assert coded.content == plain.content
    assert tag == plain.headers["ETag"][:-1] + '+gzip"'
    assert (again.status_code, again.headers["ETag"]) == (304, tag)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_what_was_read_compressed_can_be_written_back(
    gateway: Gateway, device: str, coding: str
) -> None:
    read = requests.get(
        gateway.url + device,
        headers={"X-API-Key": gateway.key, "Accept-Encoding": coding},
        stream=True,
        timeout=30,
    )
    raw = read.raw.read(decode_content=False)
    plain = gateway.ask("GET", device)
    tag = read.headers["ETag"]
    decoded = (
        gzip.decompress(raw)
        if coding == "gzip"
        else zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    )

    assert (decoded, tag) == (plain.content, plain.headers["ETag"][:-1] + f'+{coding}"')
    assert len(raw) < len(decoded)
    fresh = gateway.ask("GET", device, If_None_Match=tag)
    written = gateway.ask("PATCH", device, json={"name": "Mine"}, If_Match=tag)
    late = gateway.ask("PATCH", device, json={"name": "Yours"}, If_Match=tag)
    assert [a.status_code for a in (fresh, written, late)] == [304, 200, 412]


def test_a_tag_of_a_compressed_answer_holds_in_a_batch_too(gateway: Gateway, device: str) -> None:
    tag = gateway.ask("GET", device, Accept_Encoding="gzip").headers["ETag"]
    item = {"action": "patch", "identifier": device.rsplit("/", 1)[1], "device": {"name": "B"}}

    answers = [
        gateway.ask("POST", "/v1/batches/devices", json={"items": [{**item, "if_match": tag}]})
        for _ in range(2)
    ]

    assert tag.endswith('+gzip"')
    assert [a.json()["results"][0]["status"] for a in answers] == [200, 412]


def test_an_export_is_compressed_as_it_comes(gateway: Gateway, device: str) -> None:
    answer = requests.get(
        gateway.url + "/v1/exports/devices",
        headers={
            "X-API-Key": gateway.key,
            "Accept-Encoding": "gzip",
            "Accept": "application/x-ndjson",
        },
        stream=True,
        timeout=30,
    )
    raw = answer.raw.read(decode_content=False)

    assert answer.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in answer.headers["Vary"]
    lines = zlib.decompress(raw, 31).splitlines()
    assert any(device.rsplit("/", 1)[1].encode() in line for line in lines)


def test_a_token_is_never_compressed(gateway: Gateway) -> None:
    user, _, password = gateway.key.partition(".")
    answer = requests.post(
        gateway.url + "/oauth/token",
        data={"grant_type": "client_credentials"},
        auth=(user, password),
        headers={"Accept-Encoding": "gzip"},
        timeout=30,
    )

    assert answer.headers["Cache-Control"] == "no-store"
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://evil.example/v1/devices", "localhost", 421),
        ("http://localhost/v1/devices", "localhost", 200),
        ("http://localhost/v1/devices", "evil.example", 200),
    ],
)
def test_the_host_of_a_whole_url_takes_the_place_of_host(
    edge: Services, gateway: Gateway, target: str, host: str, status: int
) -> None:
    head = f"GET {target} HTTP/1.1\r\nHost: {host}\r\nX-API-Key: {gateway.key}\r\n\r\n"

    with socket.create_connection(("127.0.0.1", edge.gateway_port), timeout=30) as connection:
        connection.sendall(head.encode())

        assert connection.recv(12) == b"HTTP/1.1 %d" % status


def test_what_the_parser_refuses_has_an_id_and_the_headers_too(edge: Services) -> None:
    with socket.create_connection(("127.0.0.1", edge.gateway_port), timeout=30) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        problem = json.loads(answer.read())

    assert answer.status == 400
    assert answer.headers["X-Request-Id"] == problem["request_id"]
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert answer.headers["Strict-Transport-Security"] == "max-age=3600"
    wait_for(lambda: problem["request_id"] in edge.log("gateway").read_text(), "its log line")
