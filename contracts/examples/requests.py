"""The requests that a contract's examples make: one for each body, one for all parameters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote, urlencode

from contracts.contract import Contract
from contracts.examples.places import Example, followed, of_content, of_value
from contracts.samples.sample import as_text, body_of
from contracts.wire import Header, Request
from openapi.document import Operation
from openapi.source import Place

KEY = "Idempotency-Key"
_SEPARATORS = {"spaceDelimited": " ", "pipeDelimited": "|"}


@dataclass(frozen=True, slots=True)
class Given:
    """A parameter's value from an example."""

    location: str
    name: str
    value: Any
    at: Place
    separator: str | None = None  # between the values of an array; None: each has the name


@dataclass(frozen=True, slots=True)
class Case:
    """A request that is made of examples alone, which stand at ``places``."""

    operation: Operation
    parameters: tuple[Given, ...] = ()
    body: Example | None = None
    path: Mapping[str, str] = field(default_factory=dict)  # instead of those of the examples

    @property
    def places(self) -> list[Place]:
        """Where its examples stand, the body's first."""
        return [*([self.body.at] if self.body else []), *(each.at for each in self.parameters)]

    @property
    def own_path(self) -> str:
        """The path with its parameters' values."""
        path = self.operation.path
        for each in self._of("path"):
            value = self.path.get(each.name, str(each.value))
            path = path.replace(f"{{{each.name}}}", quote(value, safe=":"))
        return path

    @property
    def request(self) -> Request:
        """The request, without a credential."""
        query = urlencode([pair for each in self._of("query") for pair in _pairs(each)])
        target = self.own_path + (f"?{query}" if query else "")
        headers: list[Header] = [(each.name, as_text(each.value)) for each in self._of("header")]
        method = self.operation.method.upper()
        if self.body is None:
            return Request(method, target, tuple(headers))
        headers.append(("Content-Type", self.body.media_type))
        return Request(
            method, target, tuple(headers), body_of(self.body.value, self.body.media_type)
        )

    def sends(self, name: str) -> bool:
        """Whether it has a parameter of this name."""
        return any(each.name.lower() == name.lower() for each in self.parameters)

    def without(self, name: str) -> Case:
        """The same without the parameter of this name."""
        kept = tuple(each for each in self.parameters if each.name.lower() != name.lower())
        return replace(self, parameters=kept)

    def _of(self, location: str) -> list[Given]:
        return [each for each in self.parameters if each.location == location]


def cases(contract: Contract, operation: Operation) -> Iterator[Case]:
    """The requests that the operation's examples make, whole in themselves.

    The first one has all parameters that have an example; then comes each example of a body, with
    no parameter but those that are required.
    """
    given = list(_parameters(contract, operation))
    bodies = list(_bodies(contract, operation))
    yield Case(operation, tuple(given), bodies[0] if bodies else None)
    needed = tuple(each for each in given if _is_required(contract, operation, each))
    for body in bodies:
        yield Case(operation, needed, body)


def _parameters(contract: Contract, operation: Operation) -> Iterator[Given]:
    content = contract.document.content
    item = content["paths"][operation.path]
    holders = ((item, ("paths", operation.path)),
               (operation.spec, ("paths", operation.path, operation.method)))  # fmt: skip
    for holder, place in holders:
        for index, part in enumerate(holder.get("parameters", ())):
            at = (*place, "parameters", str(index))
            parameter, at = followed(content, part, at)
            if example := next(_own(content, parameter, at), None):
                separator = _separator(parameter)
                where, name = parameter["in"], parameter["name"]
                yield Given(where, name, example.value, example.at, separator)


def _own(content: Mapping[str, Any], parameter: Mapping[str, Any], at: Place) -> Iterator[Example]:
    """The parameter's examples; its schema's only where it cannot be left out."""
    stated = {key: part for key, part in parameter.items() if key != "schema"}
    yield from of_value(content, stated, at)
    schema, below = followed(content, parameter.get("schema", {}), (*at, "schema"))
    if parameter.get("required") and "example" in schema:
        yield Example((*below, "example"), schema["example"], schema)


def _bodies(contract: Contract, operation: Operation) -> Iterator[Example]:
    content = contract.document.content
    if "requestBody" in operation.spec:
        at: Place = ("paths", operation.path, operation.method, "requestBody")
        body, at = followed(content, operation.spec["requestBody"], at)
        # Those of its schema have no media type: they are no bodies.
        yield from (e for e in of_content(content, body, at, is_sent=True) if e.media_type)


def _is_required(contract: Contract, operation: Operation, given: Given) -> bool:
    return any(
        p.get("required") and (p["in"], p["name"]) == (given.location, given.name)
        for p in contract.parameters(operation)
    )


def _separator(parameter: Mapping[str, Any]) -> str | None:
    style = parameter.get("style", "form" if parameter["in"] == "query" else "simple")
    if style == "form" and parameter.get("explode", True):
        return None
    return _SEPARATORS.get(style, ",")


def _pairs(given: Given) -> Iterator[tuple[str, str]]:
    if not isinstance(given.value, list):
        yield given.name, as_text(given.value)
    elif given.separator is None:
        yield from ((given.name, as_text(value)) for value in given.value)
    else:
        yield given.name, given.separator.join(map(as_text, given.value))
