"""What is there for one request alone, made when it is asked for: jobs to cancel, keys to revoke.

``DOORSTEP_GATEWAY_URL`` and ``DOORSTEP_API_KEY`` say where and by whom; without them there is none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import requests

from contracts.seeds.names import CANCELLED


def running_jobs() -> Iterator[str]:
    """Identifiers of some jobs that are still waiting or running when they are told of."""
    url = os.environ.get("DOORSTEP_GATEWAY_URL")
    rows = "".join(f'{{"identifier":"job-{n}","name":"Job","device_type":"light"}}\n'
                   for n in range(5000))  # fmt: skip
    for _ in range(CANCELLED if url else 0):
        answer = requests.post(
            f"{url}/v1/imports/devices",
            data=rows,
            headers={
                "X-API-Key": os.environ["DOORSTEP_API_KEY"],
                "Content-Type": "application/x-ndjson",
                "Prefer": "respond-async",
            },
            timeout=60,
        )
        if not answer.ok:
            return
        yield answer.json()["identifier"]


def keys() -> Iterator[str]:
    """Identifiers of API keys to change, rotate and revoke; never the suite's own."""
    url = os.environ.get("DOORSTEP_GATEWAY_URL")
    while url:
        answer = requests.post(
            f"{url}/v1/api-keys",
            json={"name": "spare", "scopes": ["devices:read"]},
            headers={"X-API-Key": os.environ["DOORSTEP_API_KEY"]},
            timeout=60,
        )
        if not answer.ok:
            return
        yield answer.json()["identifier"]
