"""Operators see sums over all workers, and what is theirs cannot be reached by the public port."""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from contracts.services import NotReady, Services, free_port, wait_for

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]
READS = 60
ADMIN_PATHS = ("/metrics", "/admin/upstreams", "/admin/explain?method=GET&path=/v1/devices")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Two workers of each service, the gateway's for everybody."""
    settings = {"GATEWAY_WORKERS": "2", "INVENTORY_WORKERS": "2", "GATEWAY_HOST": "0.0.0.0"}
    with Services(tmp_path_factory.mktemp("pair"), settings) as services:
        yield services


def metrics(url: str) -> Samples:
    answer = requests.get(url + "/metrics", timeout=30)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    """The sum of the series that have these labels."""
    return sum(
        v for (n, ls), v in samples.items() if n == name and labels.items() <= dict(ls).items()
    )


def workers(services: Services, name: str) -> list[int]:
    children = psutil.Process(services.processes[name].pid).children()
    return sorted(child.pid for child in children)


def read(services: Services, path: str = "/v1/devices/lamp") -> requests.Response:
    # A connection each, for whichever worker takes it.
    headers = {"X-API-Key": services.admin_key, "Connection": "close"}
    return requests.get(services.gateway_url + path, headers=headers, timeout=30)


def read_by_all_but(services: Services, pid: int) -> list[requests.Response]:
    """Half of the reads, while this worker stands still."""
    os.kill(pid, signal.SIGSTOP)
    try:
        wait_for(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, "it to stand still")
        return [read(services) for _ in range(READS // 2)]
    finally:
        os.kill(pid, signal.SIGCONT)


def test_the_counters_of_both_workers_add_up_exactly(pair: Services) -> None:
    before, before_behind = metrics(pair.admin_url), metrics(pair.inventory_url)

    answers = [answer for pid in workers(pair, "gateway") for answer in read_by_all_but(pair, pid)]

    gateway, inventory = metrics(pair.admin_url), metrics(pair.inventory_url)
    found = {"operation_id": "get_device", "method": "GET"}

    def grown(name: str, **labels: str) -> float:
        return value(gateway, name, **labels) - value(before, name, **labels)

    assert grown("doorstep_http_requests_total", **found, status="404") == READS
    assert grown("doorstep_http_requests_total", **found) == READS
    assert grown("doorstep_http_request_duration_seconds_count", **found) == READS
    sent = sum(len(answer.content) for answer in answers)
    assert grown("doorstep_http_response_body_bytes_total", **found) == sent
    called = {"upstream": "inventory", "outcome": "4xx"}
    assert grown("doorstep_upstream_duration_seconds_count", **called) == READS
    whole = grown("doorstep_http_request_duration_seconds_sum", **found)
    assert 0 < grown("doorstep_upstream_duration_seconds_sum", **called) < whole
    name = "doorstep_http_requests_total"
    labels = found | {"service": "inventory", "status": "404"}
    assert value(inventory, name, **labels) - value(before_behind, name, **labels) == READS


def test_the_processes_are_the_workers(pair: Services) -> None:
    for name, url in (("gateway", pair.admin_url), ("inventory", pair.inventory_url)):
        samples = metrics(url)
        seen = {
            int(dict(labels)["pid"]): v
            for (metric, labels), v in samples.items()
            if metric == "doorstep_process_resident_memory_bytes"
        }

        assert sorted(seen) == workers(pair, name)
        assert min(seen.values()) > 1_000_000


def test_paths_and_methods_that_clients_make_up_make_no_series(pair: Services) -> None:
    read(pair, "/nowhere/0")
    before = metrics(pair.admin_url)

    for number in range(20):
        assert read(pair, f"/nowhere/{number}").status_code == 404
        url = f"{pair.gateway_url}/nowhere/{number}"
        assert requests.request("PROPFIND", url, timeout=30).status_code in (404, 405)

    after = metrics(pair.admin_url)
    made = {dict(labels).get("method") for name, labels in after.keys() - before.keys()
            if name.startswith("doorstep_http")}  # fmt: skip
    assert made <= {"other"}
    unmatched = {"operation_id": "unmatched"}
    name = "doorstep_http_requests_total"
    assert value(after, name, **unmatched) - value(before, name, **unmatched) == 40


def test_a_request_in_flight_is_seen_and_forgotten(pair: Services) -> None:
    def in_flight() -> float:
        return value(metrics(pair.admin_url), "doorstep_http_requests_in_flight")

    assert in_flight() == 0
    head = (
        "POST /v1/devices HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        f"X-API-Key: {pair.admin_key}\r\nContent-Length: 10\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", pair.gateway_port)) as client:
        client.sendall(head.encode())
        wait_for(lambda: in_flight() == 1, "the request to be in flight")
    wait_for(lambda: in_flight() == 0, "the request to be over")


@pytest.mark.parametrize("path", ADMIN_PATHS)
@pytest.mark.parametrize("name", ["Host", "X-Forwarded-Host", "X-Forwarded-Port", "Forwarded"])
def test_the_public_port_has_no_admin_path(pair: Services, path: str, name: str) -> None:
    address = f"127.0.0.1:{pair.admin_port}"
    said = {"Forwarded": f"host={address}", "X-Forwarded-Port": str(pair.admin_port)}
    headers = {"X-API-Key": pair.admin_key, name: said.get(name, address)}

    answer = requests.get(pair.gateway_url + path, headers=headers, timeout=30)

    assert answer.status_code == 404
    assert answer.json()["type"] == "urn:doorstep:problem:not-found"


def test_a_whole_url_of_the_other_port_does_not_cross_over(pair: Services) -> None:
    crossings = [
        (pair.gateway_port, f"http://127.0.0.1:{pair.admin_port}/metrics"),
        (pair.admin_port, f"http://127.0.0.1:{pair.gateway_port}/health/live"),
    ]
    for port, target in crossings:
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert client.recv(12) in (b"HTTP/1.1 404", b"HTTP/1.1 400")


@pytest.mark.parametrize("path", ["/v1/devices", "/health/live", "/openapi.json", "/ui/"])
def test_the_admin_port_has_nothing_of_the_public_one(pair: Services, path: str) -> None:
    headers = {"X-API-Key": pair.admin_key, "Host": f"127.0.0.1:{pair.gateway_port}"}

    assert requests.get(pair.admin_url + path, headers=headers, timeout=30).status_code == 404


def test_the_admin_port_takes_no_name_but_loopbacks(pair: Services) -> None:
    headers = {"Host": f"rebound.example:{pair.admin_port}"}

    answer = requests.get(pair.admin_url + "/metrics", headers=headers, timeout=30)

    assert (answer.status_code, answer.json()["status"]) == (400, 400)


def test_the_admin_port_is_on_loopback_when_the_public_one_is_not(pair: Services) -> None:
    process = psutil.Process(pair.processes["gateway"].pid)
    listening = {c.laddr for c in process.net_connections("tcp") if c.status == "LISTEN"}

    assert listening == {("0.0.0.0", pair.gateway_port), ("127.0.0.1", pair.admin_port)}


def test_the_upstreams_are_told(pair: Services) -> None:
    answer = requests.get(pair.admin_url + "/admin/upstreams", timeout=30)

    (told,) = answer.json()
    assert (told["service"], told["url"]) == ("inventory", pair.inventory_url)
    assert (told["state"], told["cause"]) == ("in use", None)


def test_another_method_is_405_on_the_admin_port(pair: Services) -> None:
    for path in ("/metrics", "/admin/upstreams"):
        answer = requests.post(pair.admin_url + path, timeout=30)

        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")


def test_an_explanation_names_the_line_that_decides(pair: Services) -> None:
    query = {"method": "GET", "path": "/v1/devices/lamp"}

    answer = requests.get(pair.admin_url + "/admin/explain", params=query, timeout=30).json()

    assert answer["operation"]["operation_id"] == "get_device"
    assert answer["policy"]["upstream"]["value"] == "inventory"
    assert requests.get(pair.admin_url + "/admin/explain", timeout=30).status_code == 400


def test_the_access_log_says_what_the_upstream_took_and_no_secret(pair: Services) -> None:
    name = "a-path-that-is-logged"
    read(pair, f"/v1/devices/{name}")

    def lines() -> list[str]:
        return [line for line in pair.log("gateway").read_text().splitlines() if name in line]

    wait_for(lambda: len(lines()) == 1, "the line")
    line = json.loads(lines()[0])
    assert (line["upstream"], line["upstream_outcome"]) == ("inventory", "4xx")
    assert 0 < line["upstream_ms"] <= line["duration_ms"]
    assert line["principal"] and pair.admin_key not in pair.log("gateway").read_text()


def test_a_worker_that_is_killed_leaves_its_counts_and_nothing_in_flight(tmp_path: Path) -> None:
    with Services(tmp_path / "data") as services:
        for _ in range(5):
            read(services)
        (old,) = workers(services, "gateway")
        head = b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n"
        with socket.create_connection(("127.0.0.1", services.gateway_port)) as client:
            client.sendall(head + b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
            os.kill(old, signal.SIGKILL)
            wait_for(lambda: workers(services, "gateway") not in ([old], []), "another worker")
        services.wait_until_ready()

        samples = metrics(services.admin_url)

    assert value(samples, "doorstep_http_requests_total", operation_id="get_device") == 5
    assert value(samples, "doorstep_http_requests_in_flight") == 0
    assert not [labels for _, labels in samples if ("pid", str(old)) in labels]


def test_a_start_counts_from_nought(tmp_path: Path) -> None:
    settings = {"GATEWAY_PORT": str(free_port()), "INVENTORY_PORT": str(free_port())}
    for _ in range(2):
        with Services(tmp_path / "data", settings) as services:
            read(services)
            samples = metrics(services.admin_url)

        assert value(samples, "doorstep_http_requests_total", operation_id="get_device") == 1
        assert value(samples, "doorstep_http_requests_total", status="404") == 1


def test_requests_at_the_same_time_are_all_counted(pair: Services) -> None:
    labels = {"operation_id": "get_liveness", "status": "200"}
    name = "doorstep_http_requests_total"
    before = value(metrics(pair.admin_url), name, **labels)

    def many() -> None:
        for _ in range(50):
            requests.get(pair.gateway_url + "/health/live", timeout=30)

    threads = [threading.Thread(target=many) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert value(metrics(pair.admin_url), name, **labels) - before == 200


def test_a_taken_admin_port_stops_the_start_with_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = {"GATEWAY_ADMIN_PORT": str(taken.getsockname()[1])}

        with (
            pytest.raises(NotReady, match="is in use: set GATEWAY_ADMIN_PORT"),
            Services(tmp_path / "data", settings),
        ):
            pass
