"""Methods besides those that a path declares."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from contracts.probes.probe import NOT_ALLOWED, Probe
from contracts.samples.sample import Sample

NO_CONTENT = frozenset((204,))
_OTHERS = ("GET", "PUT", "POST", "PATCH", "DELETE", "TRACE", "PROPFIND")


def method_probes(sample: Sample, declared: frozenset[str]) -> Iterator[Probe]:
    """HEAD, OPTIONS, and methods that the path does not have.

    ``declared``: the methods of the path, in capital letters.
    """
    bare = replace(sample, media_type="", headers=()).request()
    if sample.operation.method == "get":
        yield Probe("HEAD", replace(bare, method="HEAD"))
    elif "GET" not in declared:
        yield Probe("HEAD", replace(bare, method="HEAD"), NOT_ALLOWED, "it is GET without a body")
    yield Probe("OPTIONS", replace(bare, method="OPTIONS"), NO_CONTENT,
                "Allow says which methods there are (RFC 9110 §9.3.7)")  # fmt: skip
    for method in _OTHERS:
        if method not in declared:
            yield Probe(method, replace(bare, method=method), NOT_ALLOWED,
                        "the contract does not have this method here")  # fmt: skip
