"""Makes two customers with everything that they can have, and things without a customer."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from contracts.authorisation import limits
from contracts.door import Credential, Door
from contracts.findings import CouldNotRun
from contracts.samples.place import DELETED, TWIN, Place
from contracts.services import wait_for
from contracts.wire import Answer, json_request

A, B, NOBODY = "a", "b", "n"  # two customers, and who is bound to none
# The same of all devices, which makes them duplicates of one another.
_ADDRESS = {"connections": [{"type": "mac", "value": "02:00:00:00:00:01"}]}
_LIFE = timedelta(hours=1)  # of a key that is asked for: shorter than that of the asking one


class Owners:
    """Plants things, each with its owner's name in identifier and content, and clears them away.

    ``door``: the gateway with the admin's key. ``prefix``: begins every identifier.
    """

    def __init__(self, door: Door, prefix: str) -> None:
        self._door = door
        self.prefix = prefix
        self._numbers = itertools.count(1)
        self._made: list[str] = []
        self._there: set[str] = set()
        self.named: list[str] = []  # where new things would be

    def mark(self, owner: str) -> str:
        """Begins the identifiers of the owner's things."""
        return f"{self.prefix}-{owner}-"

    def content_mark(self, owner: str) -> str:
        """Stands in the content of the owner's things, and in no request for them."""
        return f"Of {self.prefix} {owner}"

    def customer(self, owner: str) -> str:
        """The customer's identifier; it is made when it is not there."""
        return self._put("customers", f"{self.mark(owner)}customer", self._named(owner))

    def plant(self, owner: str) -> dict[str, str]:
        """A new home of the owner with an area, devices, and a key."""
        place = {"customers": self.customer(owner)}
        for kind in ("homes", "areas", "devices", TWIN, DELETED, "api-keys"):
            place[kind] = self.plant_one(owner, kind, place)
        return place

    def plant_one(self, owner: str, kind: str, place: Place) -> str:
        """A new thing of the owner, in the home and area of a place."""
        name = f"{self.mark(owner)}{next(self._numbers)}"
        bound = {"customer_id": place["customers"]} if "customers" in place else {}
        body = {**self._named(owner), **bound}
        if kind == "api-keys":
            return self._key(body)
        if kind == "homes":
            return self._put(kind, name, body)
        if kind == "areas":
            return self._put(kind, name, {**self._named(owner), "home_id": place["homes"]})
        at = {"area_id": place["areas"]} if "areas" in place else bound
        self._put("devices", name, {**self._named(owner), "device_type": "light", **_ADDRESS, **at})
        if kind == DELETED:
            _well(limits.ask(self._door, json_request("DELETE", f"/v1/devices/{name}")))
        return name

    def plant_without_customer(self, owner: str) -> dict[str, str]:
        """New things that are nobody's: a type, devices, and a key."""
        place = {"device-types": self.device_type(owner)}
        kinds = ("devices", TWIN, DELETED, "api-keys")
        return place | {kind: self.plant_one(owner, kind, {}) for kind in kinds}

    def device_type(self, owner: str) -> str:
        """A new device type."""
        name = f"{self.mark(owner)}{next(self._numbers)}".replace("-", "_")
        return self._put("device-types", name, {"title": self.content_mark(owner)})

    def empty_customer(self, owner: str) -> str:
        """A new customer that has nothing."""
        return self._put(
            "customers", f"{self.mark(owner)}{next(self._numbers)}", self._named(owner)
        )

    def import_as(self, owner: str, credential: Credential) -> dict[str, str]:
        """A job, which belongs to whoever the credential is of."""
        name = f"{self.mark(owner)}{next(self._numbers)}"
        rows = {"items": [{"identifier": name, "name": name, "device_type": "light"}]}
        prefer = ("Prefer", "respond-async")
        request = json_request("POST", "/v1/imports/devices", rows, prefer)
        answer = _well(limits.ask(self._door.with_credential(credential), request))
        self._made.append(f"/v1/devices/{name}")
        return {"jobs": str(answer.json()["identifier"])}

    def wait_for(self, job: str) -> None:
        """Returns when the job is over, so that it changes nothing any more."""
        wait_for(lambda: "finished_at" in self.text(f"/v1/jobs/{job}"), f"the job {job} to be over")

    def nowhere(self) -> dict[str, str]:
        """Identifiers that nothing has."""
        name = f"{self.prefix}-none-{next(self._numbers)}"
        kinds = ("customers", "homes", "areas", "devices", TWIN, DELETED, "jobs")
        place = dict.fromkeys(kinds, name)
        return place | {"api-keys": "0123456789abcdef", "device-types": name.replace("-", "_")}

    def new_name(self, kind: str) -> str:
        """An identifier that nothing has yet; what gets it is cleared away too."""
        name = f"{self.prefix}-new-{next(self._numbers)}"
        if kind == "device-types":
            name = name.replace("-", "_")
        self.named.append(f"/v1/{kind}/{name}")
        self._made.append(f"/v1/{kind}/{name}")
        return name

    def note(self, target: str) -> None:
        """Something else that may be there, to be cleared away."""
        self._made.append(target)

    def text(self, target: str) -> str:
        """What is there now, for whoever sees everything; nothing when nothing is."""
        answer = limits.ask(self._door, json_request("GET", target))
        if answer.status == 404:
            return ""
        return _well(answer).text

    def doubt(self) -> None:
        """Somebody may have taken away what was there: it is made again when it is needed."""
        self._there.clear()

    def clear(self) -> None:
        """Deletes everything again, the last first; what is gone is gone."""
        for customer in [t for t in self._made if t.startswith("/v1/customers/")]:
            self._clear_devices(customer.rpartition("/")[2])  # imports made some too
        for target in reversed(list(dict.fromkeys(self._made))):
            limits.ask(self._door, json_request("DELETE", target))

    def _clear_devices(self, customer: str) -> None:
        listed = self.text(f"/v1/devices?customer_id={customer}&limit=1000&fields=identifier")
        for item in json.loads(listed)["items"] if listed else ():
            limits.ask(self._door, json_request("DELETE", f"/v1/devices/{item['identifier']}"))

    def _key(self, body: Mapping[str, Any]) -> str:
        end = f"{datetime.now(UTC) + _LIFE:%Y-%m-%dT%H:%M:%SZ}"
        key = {**body, "scopes": ["devices:read"], "expires_at": end}
        answer = _well(limits.ask(self._door, json_request("POST", "/v1/api-keys", key)))
        identifier = str(answer.json()["identifier"])
        self._made.append(f"/v1/api-keys/{identifier}")
        return identifier

    def _put(self, kind: str, identifier: str, body: Mapping[str, Any]) -> str:
        target = f"/v1/{kind}/{identifier}"
        if target not in self._there:
            _well(limits.ask(self._door, json_request("PUT", target, body)))
            self._there.add(target)
            self._made.append(target)
        return identifier

    def _named(self, owner: str) -> dict[str, Any]:
        return {"name": self.content_mark(owner)}


def _well(answer: Answer) -> Answer:
    if answer.status >= 300:
        raise CouldNotRun(
            f"what is asked for could not be made or looked at: {answer.status} {answer.text}"
        )
    return answer
