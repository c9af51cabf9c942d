"""Runs wrk against a contender and reads what it says."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from dataclasses import dataclass
from pathlib import Path

import requests

from benchmarks.contenders import Contender

SCRIPT = Path(__file__).with_name("wrk.lua")
SEEDED = 1000
PATHS = {
    "get": "/v1/devices/seed-0500",
    "list": "/v1/devices?limit=50",
    "create": "/v1/devices",
}
DEVICE = {
    "identifier": "%s",
    "name": "Hall light",
    "device_type": "light",
    "manufacturer": "Signify",
    "model": "Hue white lamp",
    "sw_version": "1.108.4",
    "serial_number": "00178801020304050b",
    "identifiers": [{"domain": "hue", "value": "00:17:88:01:02:03:04:05-0b"}],
    "connections": [{"type": "mac", "value": "00:17:88:0a:0b:0c"}],
    "labels": ["guest-wing", "ground-floor"],
    "attributes": {"color_temperature": {"min": 2200, "max": 6500}},
}


@dataclass(frozen=True, slots=True)
class Measurement:
    """One run of wrk. ``faults``: answers that were not 2xx, and broken connections."""

    rate: float
    p50_ms: float
    p99_ms: float
    faults: int


def seed(contender: Contender) -> None:
    """Creates the devices that are read, through the contender's own API."""
    with requests.Session() as session:
        session.headers["X-API-Key"] = contender.key
        for number in range(SEEDED):
            device = DEVICE | {"identifier": f"seed-{number:04}"}
            answer = session.post(contender.url + "/v1/devices", json=device, timeout=30)
            if answer.status_code != 201:
                raise RuntimeError(f"{contender.name}: {answer.status_code} {answer.text}")


def measure(contender: Contender, scenario: str, seconds: int, connections: int) -> Measurement:
    """Loads one operation of the contender for so many seconds."""
    command = [
        "wrk",
        "--threads=1",
        f"--connections={connections}",
        f"--duration={seconds}s",
        "--timeout=10s",
        f"--script={SCRIPT}",
        f"--header=X-API-Key: {contender.key}",
        contender.url + PATHS[scenario],
        "--",
        f"b{secrets.token_hex(4)}",
        scenario,
    ]
    environ = {**os.environ, "BENCH_DEVICE": json.dumps(DEVICE)}
    output = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
    return parse(output.stdout)


def parse(output: str) -> Measurement:
    """The measurement in wrk's output, from the line of JSON that our script adds."""
    said = json.loads(output.strip().splitlines()[-1])
    return Measurement(
        rate=said["requests"] / said["seconds"],
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
        faults=said["refused"] + said["broken"],
    )
