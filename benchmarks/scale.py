"""``python -m benchmarks.scale``: reads beside many devices, and how long those take to come in.

Exit codes: 0 measured, 1 something was answered with a fault.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.contenders import Contender, contenders

HOMES = 1000
PER_PAGE = 50
DEEP = 1000  # the page of a cursor that is measured
TIMES = 20  # that each read is measured
CHUNK = 1000  # rows that are sent at once
MAKERS = ("Signify", "Aqara", "Shelly", "IKEA of Sweden", "Bosch")
TYPES = ("light", "plug", "motion_sensor", "thermostat", "lock", "leak_sensor")


class Fault(RuntimeError):
    """An answer was not what it should be."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What was measured with so many devices; times in milliseconds."""

    devices: int
    import_seconds: float
    reads: dict[str, float]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures each scale on an inventory of its own, and prints them side by side."""
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--devices", type=int, nargs="*", default=[1000, 1_000_000])
    options = parser.parse_args(arguments)
    try:
        scales = [_measure(devices) for devices in options.devices]
    except Fault as exc:
        sys.stderr.write(f"FAULT {exc}\n")
        return 1
    sys.stdout.write(_table(scales))
    return 0


def _measure(devices: int) -> Scale:
    with tempfile.TemporaryDirectory(prefix="scale-") as folder:
        doorstep = contenders(Path(folder))["doorstep"]
        doorstep.start()
        try:
            with requests.Session() as session:
                session.headers["X-API-Key"] = doorstep.key
                seconds = _fill(session, doorstep, devices)
                reads = {n: _p50(read) for n, read in _reads(session, doorstep, devices).items()}
        finally:
            doorstep.stop()
    return Scale(devices, seconds, reads)


def _fill(session: requests.Session, doorstep: Contender, devices: int) -> float:
    """Imports so many devices through the gateway as one job; how long it took in seconds."""
    _checked(session.put(f"{doorstep.url}/v1/customers/c", json={"name": "Customer"}))
    for number in range(min(HOMES, devices)):
        home = {"name": f"Home {number}", "customer_id": "c"}
        _checked(session.put(f"{doorstep.url}/v1/homes/h{number}", json=home))
    started = time.monotonic()
    job = _checked(
        session.post(
            f"{doorstep.url}/v1/imports/devices",
            data=_rows(devices),
            headers={"Content-Type": "application/x-ndjson", "Prefer": "respond-async"},
        )
    ).json()
    url = f"{doorstep.url}/v1/jobs/{job['identifier']}"
    while job["status"] in ("waiting", "running"):
        time.sleep(0.5)  # between looks
        job = _checked(session.get(url)).json()
    sys.stderr.write(f"{devices} devices are in\n")
    if job["counts"]["created"] != devices:
        raise Fault(f"the job {job['status']}: {job['counts']} {job['errors'][:3]}")
    return time.monotonic() - started


def _rows(devices: int) -> Iterator[bytes]:
    rows = []
    for number in range(devices):
        home = number % min(HOMES, devices)
        device = {
            "identifier": f"d{number:07}",
            "name": f"Device {number} in home {home}",
            "device_type": TYPES[number % len(TYPES)],
            "manufacturer": MAKERS[number % len(MAKERS)],
            "model": f"M-{number % 97}",
            "serial_number": f"S{number:09}",
            "sw_version": f"1.{number % 13}.0",
            "home_id": f"h{home}",
            "connections": [{"type": "mac", "value": f"02:00:{number:08x}"}],
            "labels": ["even" if number % 2 == 0 else "odd"],
        }
        rows.append(json.dumps(device))
        if len(rows) == CHUNK or number == devices - 1:
            yield ("\n".join(rows) + "\n").encode()
            rows.clear()


def _reads(
    session: requests.Session, doorstep: Contender, devices: int
) -> dict[str, Callable[[], object]]:
    base = f"{doorstep.url}/v1/"
    deep = _cursor(session, f"{base}devices", min(DEEP, devices // PER_PAGE - 1))

    def read(path: str, **parameters: str) -> Callable[[], object]:
        return lambda: _checked(session.get(base + path, params=parameters))

    return {
        "get": read("devices/d0000500"),
        "list of a home": read("devices", home_id="h7", limit="50"),
        "list of a home and a type, by name": read(
            "devices", home_id="h7", device_type="light", sort="name", limit="50"
        ),
        f"page {DEEP} of a cursor": read("devices", limit=str(PER_PAGE), cursor=deep),
        "summary of a home by type": read("summaries/devices", by="device_type", home_id="h7"),
        "summary of all by type and status": read("summaries/devices", by="device_type,status"),
        "changes": read("changes", limit="50"),
    }


def _cursor(session: requests.Session, url: str, page: int) -> str:
    cursor = "start"
    for _ in range(page):
        parameters = {"limit": str(PER_PAGE), "cursor": cursor, "fields": "name"}
        following = _checked(session.get(url, params=parameters)).json()["next"]
        if following is None:
            break
        cursor = following
    # A cursor is of its own list: the same without `fields`, which make no difference to it.
    return cursor


def _p50(read: Callable[[], object]) -> float:
    times = []
    for _ in range(TIMES):
        started = time.perf_counter()
        read()
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)


def _checked(answer: requests.Response) -> requests.Response:
    if answer.status_code >= 400:
        raise Fault(
            f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text[:200]}"
        )
    return answer


def _table(scales: list[Scale]) -> str:
    lines = [f"{'':<36}" + "".join(f"{scale.devices:>16,}" for scale in scales)]
    rate = "".join(f"{scale.devices / scale.import_seconds:>14,.0f}/s" for scale in scales)
    lines.append(f"{'import through the gateway':<36}{rate}")
    for name in scales[0].reads:
        times = "".join(f"{scale.reads[name]:>13.1f} ms" for scale in scales)
        lines.append(f"{name + ', p50':<36}{times}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
