"""What is fuzzed: a service, the document it has to keep, and the credential that it takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from contracts.identity import sign_identity
from contracts.services import ROOT, Services
from openapi import CONTRACT
from openapi.document import METHODS, Document, load_document
from openapi.selection import operations_of, scopes_of

CONFIG = ROOT / "schemathesis.toml"


@dataclass(frozen=True, slots=True)
class Target:
    """One service under test. ``environ`` holds the credentials that ``config`` refers to."""

    name: str
    url: str
    document: Path
    config: Path
    environ: Mapping[str, str]
    operation_ids: frozenset[str]


def gateway(services: Services, _folder: Path) -> Target:
    """The gateway with the admin's key and the whole contract."""
    key = services.admin_key
    _, client_id, secret = key.split("_", 2)
    operations = load_document(CONTRACT).operations
    return Target(
        name="gateway",
        url=services.gateway_url,
        document=CONTRACT,
        config=CONFIG,
        environ={
            "DOORSTEP_API_KEY": key,
            "DOORSTEP_GATEWAY_URL": services.gateway_url,
            "DOORSTEP_CLIENT_ID": client_id,
            "DOORSTEP_CLIENT_SECRET": secret,
        },
        operation_ids=frozenset(op.operation_id for op in operations),
    )


def inventory(services: Services, folder: Path) -> Target:
    """The inventory without the gateway: its own operations, by the gateway's identity alone."""
    document = load_document(CONTRACT)
    operations = operations_of(document, "inventory")
    file = folder / "inventory.yaml"
    file.write_text(yaml.safe_dump(_without_api_keys(document), sort_keys=False))
    token = sign_identity(
        services.data / "gateway.key", audience="inventory", scopes=sorted(scopes_of(document))
    )
    return Target(
        name="inventory",
        url=services.inventory_url,
        document=file,
        config=_config(folder),
        environ={
            "DOORSTEP_IDENTITY": token,
            "DOORSTEP_API_KEY": services.admin_key,
            "DOORSTEP_GATEWAY_URL": services.gateway_url,
        },
        operation_ids=frozenset(op.operation_id for op in operations),
    )


TARGETS: Mapping[str, Callable[[Services, Path], Target]] = {
    "gateway": gateway,
    "inventory": inventory,
}


def _without_api_keys(document: Document) -> dict[str, Any]:
    """The inventory's operations, references kept; an API key is no credential there."""
    content = yaml.safe_load(CONTRACT.read_text())
    served = {(op.path, op.method) for op in operations_of(document, "inventory")}
    for path, item in list(content["paths"].items()):
        for method in [m for m in METHODS if m in item and (path, m) not in served]:
            del item[method]
        if not any(method in item for method in METHODS):
            del content["paths"][path]
    # To Schemathesis, whose configuration has no word for OAuth 2.0, it is what it is on the wire.
    content["components"]["securitySchemes"] = {"OAuth2": {"type": "http", "scheme": "bearer"}}
    content["security"] = [{"OAuth2": []}]
    for item in content["paths"].values():
        for method in [m for m in METHODS if m in item]:
            item[method]["security"] = [{"OAuth2": []}]
    return dict(content)


def _config(folder: Path) -> Path:
    """The gateway's configuration with the other credential."""
    head, _, rest = CONFIG.read_text().partition("[auth.")
    file = folder / "inventory.toml"
    credential = '[auth.openapi.OAuth2]\nbearer = "${DOORSTEP_IDENTITY}"\n\n'
    file.write_text(f"{head}{credential}[warnings]{rest.partition('[warnings]')[2]}")
    return file
