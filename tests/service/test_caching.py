"""Kept answers over real sockets: how old they are, whose they are, and what they outlive."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from contracts.services import Services, wait_for
from gateway.api_keys import ApiKeys
from openapi import CONTRACT
from openapi.document import load_document
from openapi.selection import scopes_of

SCOPES = sorted(scopes_of(load_document(CONTRACT)))
PATH = "/v1/device-types/"
YESTERDAY = formatdate(time.time() - 24 * 60 * 60, usegmt=True)
LONG = {"Cache-Control": "max-age=99999999999", "Date": YESTERDAY}


class Origin(ThreadingHTTPServer):
    """Answers by path: headers, or None to close the connection. ``asked``: method, path, headers.

    ``gate``: what each answer waits for.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, dict[str, str] | None] = {}
        self.asked: list[tuple[str, str, dict[str, str]]] = []
        self.gate = threading.Event()
        self.gate.set()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def times(self, path: str) -> int:
        return sum(asked == path for _, asked, _ in self.asked)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Origin

    def do_GET(self) -> None:
        if self.path == "/health/ready":
            self._answer(200, {}, b"{}")
            return
        sent = {name.lower(): value for name, value in self.headers.items()}
        self.server.asked.append((self.command, self.path, sent))
        self.server.gate.wait(30)
        headers = self.server.answers[self.path]
        if headers is None:
            self.close_connection = True
            return
        is_same = sent.get("if-none-match") == headers.get("ETag", "none")
        body = b'{"number": %d, "text": "%s"}' % (len(self.server.asked), b"a" * 2000)
        self._answer(304 if is_same else 200, headers, b"" if is_same else body)

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response_only(status)
        all_headers = {"Content-Type": "application/json", "Date": formatdate(usegmt=True)}
        all_headers |= headers | {"Content-Length": str(len(body))}
        for name, value in all_headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing."""


class GatewayAlone(Services):
    """A gateway whose inventory is somewhere else."""

    def __enter__(self) -> GatewayAlone:
        self.data.mkdir(parents=True)
        self.start("gateway")
        self.wait_until_ready()
        return self


@pytest.fixture(scope="module")
def origin() -> Iterator[Origin]:
    with Origin() as origin:
        yield origin
        origin.shutdown()


@pytest.fixture(scope="module")
def gateway(origin: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayAlone]:
    settings = {"INVENTORY_URL": f"http://127.0.0.1:{origin.server_port}"}
    with GatewayAlone(tmp_path_factory.mktemp("gateway") / "data", settings) as gateway:
        yield gateway


def ask(services: Services, name: str, key: str | None = None, **headers: str) -> requests.Response:
    credential = {"X-API-Key": key or services.admin_key, "Accept-Encoding": "identity"}
    url = services.gateway_url + PATH + name
    return requests.get(url, headers=credential | headers, timeout=30)


def a_key(services: Services, customer: str | None = None) -> str:
    keys = ApiKeys(services.data / "gateway.db")
    try:
        return keys.create("test", SCOPES, customer)
    finally:
        keys.close()


def lines(services: Services, name: str) -> list[tuple[str, str]]:
    """The answer's header lines as they came."""
    url = services.gateway_url + PATH + name
    headers = {"X-API-Key": services.admin_key}
    with requests.get(url, headers=headers, timeout=30, stream=True) as answer:
        return [(n.lower(), v) for n, v in answer.raw.headers.items()]


def test_a_kept_answer_tells_its_age_and_the_date_it_was_made(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers[PATH + "dated"] = LONG | {"Age": "7"}
    first = ask(gateway, "dated")

    second = ask(gateway, "dated")
    dates = [value for name, value in lines(gateway, "dated") if name == "date"]

    assert origin.times(PATH + "dated") == 1
    assert second.content == first.content
    assert dates == [YESTERDAY]
    assert int(second.headers["Age"]) >= 24 * 60 * 60
    assert re.fullmatch(r"doorstep; hit; ttl=\d+", second.headers["Cache-Status"])
    assert second.headers["X-Request-Id"] != first.headers["X-Request-Id"]


def test_what_is_not_cached_has_the_gateways_date_and_nothing_of_a_cache(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers["/v1/devices/lamp"] = LONG
    url = gateway.gateway_url + "/v1/devices/lamp"
    answers = [
        requests.get(url, headers={"X-API-Key": gateway.admin_key}, timeout=30) for _ in range(2)
    ]

    assert origin.times("/v1/devices/lamp") == 2
    assert YESTERDAY not in [answer.headers["Date"] for answer in answers]
    assert not {"Age", "Cache-Status"} & set(answers[1].headers)


def test_each_customers_answers_are_its_own_and_nobodys_without_a_key(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers[PATH + "tenant"] = LONG
    ann, ben, again = (a_key(gateway, name) for name in ("ann", "ben", "ann"))

    bodies = [ask(gateway, "tenant", key).content for key in (ann, ben, again)]

    assert origin.times(PATH + "tenant") == 2
    assert bodies[0] == bodies[2] != bodies[1]
    assert ask(gateway, "tenant", "wrong").status_code == 401


def test_many_clients_who_wait_are_answered_by_one_request(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers[PATH + "crowd"] = LONG
    origin.gate.clear()
    try:
        with ThreadPoolExecutor(20) as pool:
            asks = [pool.submit(ask, gateway, "crowd") for _ in range(20)]
            wait_for(lambda: in_flight(gateway) == 20, "all to wait", lambda: "")
            origin.gate.set()
            answers = [each.result() for each in asks]
    finally:
        origin.gate.set()

    assert origin.times(PATH + "crowd") == 1
    assert len({answer.content for answer in answers}) == 1


def test_a_stored_answer_is_checked_and_compressed_for_each_client(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers[PATH + "tagged"] = {"ETag": '"1"'}
    first = ask(gateway, "tagged")

    zipped = ask(gateway, "tagged", **{"Accept-Encoding": "gzip"})
    known = ask(gateway, "tagged", **{"If-None-Match": '"1+gzip"', "Accept-Encoding": "gzip"})

    assert origin.asked[-1][2]["if-none-match"] == '"1"'
    assert (zipped.headers["Content-Encoding"], zipped.headers["ETag"]) == ("gzip", '"1+gzip"')
    assert zipped.content == first.content
    assert zipped.headers["Cache-Status"] == "doorstep; fwd=stale; fwd-status=304; stored"
    assert (known.status_code, known.headers["ETag"], known.content) == (304, '"1+gzip"', b"")


def test_what_became_of_requests_is_counted(gateway: GatewayAlone, origin: Origin) -> None:
    origin.answers[PATH + "counted"] = LONG
    before = cache_counts(gateway)
    for _ in range(3):
        ask(gateway, "counted")
    after = cache_counts(gateway)

    assert after["miss"] - before.get("miss", 0) == 1
    assert after["hit"] - before.get("hit", 0) == 2


def test_a_service_that_fails_is_covered_by_what_it_said_before(
    gateway: GatewayAlone, origin: Origin
) -> None:
    origin.answers[PATH + "failing"] = {"ETag": '"1"'}
    first = ask(gateway, "failing")
    origin.answers[PATH + "failing"] = origin.answers[PATH + "never"] = None

    saved = ask(gateway, "failing")

    assert (saved.status_code, saved.content) == (200, first.content)
    assert saved.headers["Cache-Status"].endswith('; detail="stale-if-error"')
    assert ask(gateway, "never").status_code == 502


def test_a_write_is_seen_by_the_next_request_whichever_process_takes_it(tmp_path: Path) -> None:
    settings = {"GATEWAY_WORKERS": "2"}
    with Services(tmp_path / "data", settings) as services:
        read = [ask(services, "kettle").status_code for _ in range(4)]
        assert write(services, "PUT", {"title": "0"}).status_code == 201
        for number in range(1, 9):
            write(services, "PATCH", {"title": str(number)})
            assert ask(services, "kettle").json()["title"] == str(number)
            assert str(number) in titles(services)
        assert write(services, "DELETE").status_code == 204
        gone = [ask(services, "kettle").status_code for _ in range(6)]

    assert (set(read), set(gone)) == ({404}, {404})


def titles(services: Services) -> list[str]:
    url = services.gateway_url + PATH.rstrip("/")
    answer = requests.get(url, headers={"X-API-Key": services.admin_key}, timeout=30)
    return [item["title"] for item in answer.json()["items"]]


def write(services: Services, method: str, body: Any = None) -> requests.Response:
    url = services.gateway_url + PATH + "kettle"
    credential = {"X-API-Key": services.admin_key}
    return requests.request(method, url, json=body, headers=credential, timeout=30)


def metrics(services: Services) -> str:
    return requests.get(services.admin_url + "/metrics", timeout=30).text


def in_flight(services: Services) -> int:
    pattern = r'doorstep_http_requests_in_flight\{service="gateway"\} (\S+)'
    found = re.search(pattern, metrics(services))
    assert found
    return int(float(found[1]))


def cache_counts(services: Services) -> dict[str, float]:
    pattern = (
        r'doorstep_cache_requests_total\{operation_id="get_device_type",outcome="(\w+)",'
        r'service="gateway"\} (\S+)'
    )
    return {outcome: float(count) for outcome, count in re.findall(pattern, metrics(services))}
