"""Samples among the things that ``contracts.seeds`` puts into the inventory."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from contracts.contract import Contract
from contracts.samples.making import Samples
from contracts.samples.place import DELETED, TWIN, Place, kind_of
from contracts.samples.sample import Sample
from contracts.seeds.names import BY_KIND
from openapi.document import Operation

# Device types are there from the start.
PLACE: Place = {**BY_KIND, "device-types": "light", TWIN: BY_KIND["devices"]}
_ENDS: Mapping[str, Mapping[str, str]] = {"/v1/changes/stream": {"duration": "0"}}  # at once


class SeededSamples:
    """Makes them. ``prefix``: what the names of all that they make begin with."""

    def __init__(self, contract: Contract, prefix: str) -> None:
        self._samples = Samples(contract, self._new_name)
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def of(self, operation: Operation, media_type: str = "") -> Sample:
        """A new sample of the operation; ``media_type``: of its body, as ``Samples`` takes it."""
        sample = self._samples.of(operation, self._place(operation), media_type)
        return replace(sample, query={**sample.query, **_ENDS.get(operation.path, {})})

    def _place(self, operation: Operation) -> Place:
        """What exists is read and patched; what is put is new, what is taken away is not there."""
        kind = kind_of(operation) or operation.path.rpartition("/")[2]
        if operation.method in ("get", "patch") or kind not in (*PLACE, DELETED):
            return PLACE
        return {**PLACE, kind: self._new_name(kind)}

    def _new_name(self, kind: str) -> str:
        mark = "_" if kind == "device-types" else "-"  # a device type's has no hyphen
        return f"{self._prefix}{mark}{next(self._numbers)}"
