"""A stream of changes has its client's own alone, also of what changes while it is read."""

from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import product

from contracts.authorisation import limits
from contracts.authorisation.owners import Owners
from contracts.door import Door
from contracts.findings import Result
from contracts.samples.place import Place
from contracts.wire import Answer, NoAnswer, Request, json_request

OPERATION = "stream_changes"
SECONDS = 2  # for which a stream is read
_PAUSE = 0.1  # seconds between two changes
_KIND = "devices"
_DATA = re.compile(r"^data: ?(.*)$", re.MULTILINE)


def judge(
    admin: Door, client: Door, owners: Owners, names: tuple[str, str], result: Result
) -> None:
    """Reads a stream as ``client``, while the admin changes things of both owners.

    ``names``: the owners, the client's first.
    """
    places = [owners.plant(name) for name in names]
    request = Request("GET", f"/v1/changes/stream?duration={SECONDS}&kind={_KIND}")
    result.cases += 1
    try:
        told = _read(admin, client, request, places)
    except NoAnswer as exc:
        _find(result, client, request, f"a stream of changes broke off: {exc}", "")
        return
    if told.status == 200:
        _judge(told, places, client, request, result)
    else:
        _find(result, client, request, f"a stream of changes was answered {told.status}", told.text)


def _read(admin: Door, client: Door, request: Request, places: list[dict[str, str]]) -> Answer:
    """What the stream has. Changes go on until it ends: nobody can see when it has begun."""
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(limits.ask, client, request)
        number = 0
        while not reading.done():
            number += 1
            for kind, place in product((_KIND, "homes"), places):
                body = {"name": f"Change {number}"}
                limits.ask(admin, json_request("PATCH", f"/v1/{kind}/{place[kind]}", body))
            time.sleep(_PAUSE)
        return reading.result()


def _judge(
    told: Answer, places: list[dict[str, str]], client: Door, request: Request, result: Result
) -> None:
    events = [json.loads(data) for data in _DATA.findall(told.text)]
    changed = {(event["data"]["kind"], event["subject"]) for event in events}
    own, others = places
    if (_KIND, own[_KIND]) not in changed:
        _find(result, client, request, "a stream of changes has not what changed meanwhile",
              f"It has {sorted(changed)}, and {own[_KIND]} changed all the time.")  # fmt: skip
    if foreign := [what for what in changed if _is_of(others, what)]:
        _find(result, client, request, "a key of one customer was streamed another's changes",
              f"It has {sorted(foreign)}, which are another customer's.")  # fmt: skip
    if odd := [what for what in changed if what[0] != _KIND]:
        _find(result, client, request, f"a stream of {_KIND} has changes of something else",
              f"It has {sorted(odd)}.")  # fmt: skip


def _is_of(place: Place, what: tuple[str, str]) -> bool:
    return what[1] in place.values()


def _find(result: Result, client: Door, request: Request, title: str, detail: str) -> None:
    result.find(title, OPERATION, detail, client.curl(request))
