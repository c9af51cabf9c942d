"""Makes the scopes of services known to the contract: keys and tokens can be given them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.services.adapting import Service

Components = dict[str, dict[str, Any]]


def with_scopes(components: Components, services: Sequence[Service]) -> Components:
    """The components with each service's scopes where the contract lists its own.

    These places are the flow of its OAuth 2.0 scheme, the schema ``Scope`` of API keys, and the
    pattern of ``TokenRequest.scope``; a contract may lack the latter two.
    """
    told = {scope: _told(scope, service) for service in services for scope in service.scopes}
    schemes = {name: _with_flows(scheme, told) for name, scheme in _schemes(components)}
    schemas = dict(components.get("schemas", {}))
    if "Scope" in schemas:
        every = sorted({*schemas["Scope"]["enum"], *told})
        schemas["Scope"] = {**schemas["Scope"], "enum": every}
        if "TokenRequest" in schemas:
            schemas["TokenRequest"] = _with_pattern(schemas["TokenRequest"], every)
    return {**components, "securitySchemes": schemes, "schemas": schemas}


def _schemes(components: Components) -> Iterable[tuple[str, Any]]:
    return components["securitySchemes"].items()


def _told(scope: str, service: Service) -> str:
    title = service.source.content.get("info", {}).get("title", service.name)
    what = {f"{service.name}:read": "Read from", f"{service.name}:write": "Write to"}
    return f"{what.get(scope, 'Use')} {title}."


def _with_flows(scheme: Mapping[str, Any], told: Mapping[str, str]) -> Mapping[str, Any]:
    if "flows" not in scheme:
        return scheme
    flows = {
        name: {**flow, "scopes": {**flow.get("scopes", {}), **told}}
        for name, flow in scheme["flows"].items()
    }
    return {**scheme, "flows": flows}


def _with_pattern(request: Mapping[str, Any], every: Sequence[str]) -> dict[str, Any]:
    one = "|".join(map(re.escape, every)).replace("\\-", "-")
    scope = {
        **request["properties"]["scope"],
        "pattern": f"^({one})( ({one})){{0,{len(every)}}}$",
    }
    return {**request, "properties": {**request["properties"], "scope": scope}}
