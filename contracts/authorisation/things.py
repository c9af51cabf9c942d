"""What the owners have: what has to stay as it is, and what may be changed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cached_property

from contracts.authorisation.owners import NOBODY, A, B, Owners
from contracts.samples.place import DELETED, TWIN, Place
from openapi.document import Operation

JobOf = Callable[[str], Place]  # makes a job of an owner
_COLLECTIONS = {TWIN: "devices", DELETED: "devices"}
_LISTED = ("homes", "devices")


class Things:
    """Has the owners' things made, and looks at them."""

    def __init__(self, owners: Owners) -> None:
        self._owners = owners

    def victims(self, jobs: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """New things of each owner, with a job of each."""
        places = {owner: self._owners.plant(owner) for owner in (A, B)}
        places[NOBODY] = self._owners.plant_without_customer(NOBODY)
        for owner, job in jobs.items():
            places[owner]["jobs"] = job
        return places

    def fresh(
        self, operation: Operation, kinds: frozenset[str], owner: str, job_of: JobOf
    ) -> Place:
        """Things of A that the operation may change; ``owner``: of who asks."""
        if operation.method == "get" and not kinds & {"jobs", "device-types"}:
            return self._kept
        place = dict(self._kept)
        for kind in kinds | ({TWIN} if operation.path.endswith("/merge") else set()):
            if kind == "device-types":
                return {kind: self._owners.device_type(NOBODY)} if owner == NOBODY else {}
            if kind == "customers":
                is_own = owner == A
                place[kind] = place[kind] if is_own else self._owners.empty_customer(A)
            elif kind == "jobs":
                place |= job_of(A)
            else:
                place[kind] = self._owners.plant_one(A, kind, self._kept)
        return place

    @cached_property
    def _kept(self) -> Place:
        """Things of A that nothing is done to."""
        return self._owners.plant(A)

    def without(self, kinds: Collection[str]) -> Place:
        """Things of A, but for some that do not exist."""
        nowhere = self._owners.nowhere()
        return {**self._kept, **{kind: nowhere[kind] for kind in kinds}}

    def state(self, places: Mapping[str, Place]) -> dict[str, str]:
        """How the victims stand, what else their customers have, and whether anything is new."""
        targets = [
            f"/v1/{_COLLECTIONS.get(kind, kind)}/{name}"
            for place in places.values()
            for kind, name in place.items()
            if kind != "jobs"  # it goes on by itself
        ]
        for owner in (A, B):
            customer = places[owner]["customers"]
            targets += [f"/v1/{kind}?customer_id={customer}&limit=1000" for kind in _LISTED]
        return {target: self._owners.text(target) for target in targets}

    def changes(
        self, before: Mapping[str, str], after: Mapping[str, str]
    ) -> Iterator[tuple[str, str]]:
        """What is another than it was, and what is new: in words, and what can be seen."""
        for target, text in before.items():
            if after[target] != text:
                title = f"{target} is not what it was, though every request for it was refused"
                yield title, f"before:\n{text}\nafter:\n{after[target]}"
        for target in self._owners.named:
            if self._owners.text(target):
                yield f"{target} was made, though every request for it was refused", ""
