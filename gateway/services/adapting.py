"""Puts a service's document into the gateway's words: names, paths, security, policy, answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from gateway.services.answers import gateway_statuses, undeclared, with_answers
from gateway.services.findings import Finding, warning
from gateway.services.naming import Naming
from openapi.components import resolve
from openapi.document import METHODS
from openapi.policy import KEY
from openapi.source import Place, Source

READING = ("get", "head", "options", "trace")
_VARIABLE = re.compile(r"\{([^}]*)\}")
_NO_WORD = re.compile(r"[^A-Za-z0-9]+")


@dataclass
class Service:
    """A service as it stands in the gateway's document.

    ``paths``: as the gateway serves them; ``own_paths``: those to the document's own.
    """

    name: str
    source: Source
    paths: dict[str, Any] = field(default_factory=dict)
    own_paths: dict[str, str] = field(default_factory=dict)
    components: dict[str, dict[str, Any]] = field(default_factory=dict)
    tags: list[dict[str, Any]] = field(default_factory=list)
    scopes: set[str] = field(default_factory=set)
    warnings: list[Finding] = field(default_factory=list)

    def place(self, path: str, *below: str) -> Place:
        """Where in the file it is what the gateway has at this path."""
        return ("paths", self.own_paths[path], *below)


def adapt(source: Source, alternatives: Sequence[Mapping[str, bool]]) -> Service:
    """The service of a document that has no errors.

    ``alternatives``: the contract's security, each scheme with whether it names scopes.
    """
    return _Adapter(source, alternatives).run()


class _Adapter:
    def __init__(self, source: Source, alternatives: Sequence[Mapping[str, bool]]) -> None:
        self._content = source.content
        self._policy: dict[str, Any] = {
            "prefix": "",
            "base-path": _base_path(source.content),
            # What is at fault in others' answers is rarely ours to mend: who wants it says so.
            "validation": {"response": "off"},
            **source.content.get(KEY, {}),
            "upstream": source.file.stem,
        }
        self._alternatives = alternatives
        self._naming = Naming(source.file.stem, self._policy["prefix"])
        self._service = Service(source.file.stem, source)

    def run(self) -> Service:
        service, naming = self._service, self._naming
        for kind, components in self._content.get("components", {}).items():
            if kind != "securitySchemes" and isinstance(components, dict):
                service.components[kind] = {
                    naming.name(key): self._with_links(kind, naming.rename(component))
                    for key, component in components.items()
                }
        for own, item in self._content["paths"].items():
            path = naming.path(own)
            service.own_paths[path] = own
            service.paths[path] = self._path(path, item)
        service.tags = list(self._tags())
        return service

    def _with_links(self, kind: str, component: Any) -> Any:
        if kind == "links":
            return self._link(component)
        return self._response(component) if kind == "responses" else component

    def _path(self, path: str, item: Mapping[str, Any]) -> dict[str, Any]:
        kept = {k: v for k, v in _plain(item).items() if k not in ("servers", *METHODS)}
        adapted: dict[str, Any] = self._naming.rename(kept)
        adapted[KEY] = self._policy | item.get(KEY, {})
        if "parameters" in adapted:
            adapted["parameters"] = self._parameters(item["parameters"], path, ())
        for method in METHODS:
            if method in item:
                adapted[method] = self._operation(path, method, item[method], adapted[KEY])
        return adapted

    def _operation(
        self, path: str, method: str, spec: Mapping[str, Any], around: Mapping[str, Any]
    ) -> dict[str, Any]:
        place = ("paths", self._service.own_paths[path], method)
        policy = {**around, **spec.get(KEY, {})}
        kept = {k: v for k, v in _plain(spec).items() if k not in ("servers", "security")}
        adapted: dict[str, Any] = self._naming.rename(kept)
        adapted["operationId"] = self._operation_id(place, spec)
        adapted["tags"] = [self._naming.tag(tag) for tag in spec.get("tags", ())] or [
            self._service.name
        ]
        if KEY in spec:
            adapted[KEY] = spec[KEY]
        if "parameters" in spec:
            adapted["parameters"] = self._parameters(spec["parameters"], path, (method,))
        adapted["security"] = self._security(place, adapted["operationId"], method, policy)
        adapted["responses"] = self._responses(place, adapted, not adapted["security"])
        return adapted

    def _operation_id(self, place: Place, spec: Mapping[str, Any]) -> str:
        words = _NO_WORD.sub("_", place[1]).strip("_") or "root"
        return self._naming.name(spec.get("operationId") or f"{place[2]}_{words}")

    def _security(
        self, place: Place, operation_id: str, method: str, policy: Mapping[str, Any]
    ) -> list[dict[str, list[str]]]:
        """Never what the document says: what is open there may be closed by what is around it."""
        name = self._service.name
        if policy.get("public"):
            self._warn(place, "it is open to everybody (x-gateway.public)", operation_id)
            return []
        kind = "read" if method in READING else "write"
        scopes = list(policy.get("scopes", (f"{name}:{kind}",)))
        self._service.scopes.update(scope for scope in scopes if scope.startswith(f"{name}:"))
        return [
            {scheme: scopes if names else [] for scheme, names in option.items()}
            for option in self._alternatives
        ]

    def _responses(
        self, place: Place, adapted: Mapping[str, Any], is_public: bool
    ) -> dict[str, Any]:
        responses = {
            status: self._response(response)
            for status, response in adapted["responses"].items()
            if not status.startswith("x-")
        }
        statuses = list(gateway_statuses(adapted, is_public))
        if missing := undeclared(responses, statuses):
            message = f"the gateway's own answers are added: {', '.join(missing)}"
            self._warn(place, message, adapted["operationId"])
        content = {"components": self._service.components}
        return with_answers(content, responses, statuses)

    def _response(self, response: dict[str, Any]) -> dict[str, Any]:
        if "links" not in response:
            return response
        links = {name: self._link(link) for name, link in response["links"].items()}
        return {**response, "links": {k: v for k, v in links.items() if "operationRef" not in v}}

    def _link(self, link: dict[str, Any]) -> dict[str, Any]:
        if "operationId" in link:
            return {**link, "operationId": self._naming.name(link["operationId"])}
        return link

    def _parameters(
        self, parameters: Sequence[Mapping[str, Any]], path: str, below: Place
    ) -> list[Any]:
        kept = []
        for index, parameter in enumerate(parameters):
            declared = resolve(self._content, parameter)
            place = ("paths", self._service.own_paths[path], *below, "parameters", str(index))
            if declared["in"] == "cookie":
                self._warn(place, f"the cookie {declared['name']} is not passed on, and left out")
                continue
            if declared["in"] == "header" and "_" in declared["name"]:
                message = f"a request with the header {declared['name']} is refused for its _"
                self._warn(place, message)
            kept.append(self._naming.rename(parameter))
        return kept

    def _tags(self) -> Iterator[dict[str, Any]]:
        info = self._content.get("info", {})
        yield {"name": self._service.name, "description": info.get("title", self._service.name)}
        for tag in self._content.get("tags", ()):
            yield {**_plain(tag), "name": self._naming.tag(tag["name"])}

    def _warn(self, place: Place, message: str, what: str | None = None) -> None:
        self._service.warnings.append(warning(self._service.source, place, message, what))


def _base_path(content: Mapping[str, Any]) -> str:
    """The path of the first server, where the service's own paths begin."""
    servers = content.get("servers") or [{"url": "/"}]
    variables = servers[0].get("variables", {})
    url = _VARIABLE.sub(lambda match: variables[match[1]]["default"], servers[0]["url"])
    return urlsplit(url).path.rstrip("/")


def _plain(value: Mapping[str, Any]) -> dict[str, Any]:
    """Without extensions: some steer Connexion, others are the service's own affair."""
    return {key: part for key, part in value.items() if not key.startswith("x-")}
