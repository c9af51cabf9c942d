"""What is fuzzed: a service, the document it has to keep, and the credential that it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from contracts.changes.releases import latest_release
from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.seeds.names import NEIGHBOUR, SEEDED
from contracts.services import ROOT
from openapi.document import METHODS, Operation
from openapi.selection import operations_of, scopes_of

CONFIG = ROOT / "schemathesis.toml"


@dataclass(frozen=True, slots=True)
class Target:
    """One service under test.

    ``environ`` holds the credentials that ``config`` refers to; ``credential`` is the header for a
    person, without its secret. ``operation_ids``: by what Schemathesis calls the operations, as
    ``GET /v1/devices``.
    """

    service: str
    url: str
    shown: str  # the same for a person
    document: Path
    config: Path
    environ: Mapping[str, str]
    credential: str
    operation_ids: Mapping[str, str]


def gateway(deployment: Deployment, contract: Contract, _folder: Path) -> Target:
    """The gateway with the admin's key and the whole contract."""
    _, client_id, secret = deployment.key.split("_", 2)
    return Target(
        service="gateway",
        url=deployment.gateway_url,
        shown=deployment.gateway_shown,
        document=contract.file,
        config=CONFIG,
        environ=_helpers(deployment)
        | {"DOORSTEP_CLIENT_ID": client_id, "DOORSTEP_CLIENT_SECRET": secret},
        credential=deployment.admin.shown,
        operation_ids=_labels(contract.operations.values()),
    )


def inventory(deployment: Deployment, contract: Contract, folder: Path) -> Target:
    """The inventory without the gateway: its own operations, by the gateway's identity alone."""
    operations = operations_of(contract.document, "inventory")
    identity = deployment.identity(sorted(scopes_of(contract.document)))
    token = str(identity.header[1]).partition(" ")[2] if identity.header else ""
    return Target(
        service="inventory",
        url=deployment.inventory_url,
        shown=deployment.inventory_shown,
        document=_with_bearer_alone(contract, operations, folder / "inventory.yaml"),
        config=_config(folder, '[auth.openapi.OAuth2]\nbearer = "${DOORSTEP_IDENTITY}"\n'),
        environ=_helpers(deployment) | {"DOORSTEP_IDENTITY": token},
        credential=identity.shown,
        operation_ids=_labels(operations),
    )


def tenants(deployment: Deployment, contract: Contract, folder: Path) -> Target:
    """The gateway as two customers with tokens see it; neither may see the other's things."""
    operations = [op for op in contract.operations.values() if "OAuth2" in contract.schemes(op)]
    scopes = sorted(scopes_of(contract.document))
    names = {"owner": SEEDED["customer_id"], "neighbour": NEIGHBOUR}
    keys = {name: deployment.make_key(name, scopes, customer) for name, customer in names.items()}
    users = [_user(name, deployment.issue_token(key)) for name, key in keys.items()]
    file = folder / "tenants.json"
    file.write_text(json.dumps({"auth": users}))
    wfc = f"[auth.wfc]\npath = {json.dumps(str(file))}\npeers = {json.dumps(list(names))}\n"
    return Target(
        service="gateway",
        url=deployment.gateway_url,
        shown=deployment.gateway_shown,
        document=_with_bearer_alone(contract, operations, folder / "tenants.yaml"),
        config=_config(folder, wfc, warnings=False),
        environ=_helpers(deployment),
        credential="Authorization: Bearer $DOORSTEP_TOKEN",
        operation_ids=_labels(operations),
    )


def released(deployment: Deployment, contract: Contract, folder: Path) -> Target:
    """The gateway, and what the contract said of it when it was last released."""
    file = latest_release()
    operations = Contract(file).operations.values()
    return replace(
        gateway(deployment, contract, folder), document=file, operation_ids=_labels(operations)
    )


def forwarded(deployment: Deployment, contract: Contract, folder: Path) -> Target:
    """The gateway with the admin's key, and what it sends on alone; nothing is made beside it."""
    whole = gateway(deployment, contract, folder)
    file = folder / "forwarded.yaml"
    content = _of_operations(contract, contract.forwarded)
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    key = '[auth.openapi.ApiKey]\napi_key = "${DOORSTEP_API_KEY}"\n'
    return replace(
        whole,
        document=file,
        config=_config(folder, key, warnings=False),
        environ={"DOORSTEP_API_KEY": deployment.key},
        operation_ids=_labels(contract.forwarded),
    )


TargetOf = Callable[[Deployment, Contract, Path], Target]


def _helpers(deployment: Deployment) -> dict[str, str]:
    """What the hooks make things with that requests need."""
    return {"DOORSTEP_API_KEY": deployment.key, "DOORSTEP_GATEWAY_URL": deployment.gateway_url}


def _user(name: str, token: str) -> dict[str, Any]:
    return {"name": name, "fixedHeaders": [{"name": "Authorization", "value": f"Bearer {token}"}]}


def _labels(operations: Iterable[Operation]) -> dict[str, str]:
    return {f"{op.method.upper()} {op.path}": op.operation_id for op in operations}


def _with_bearer_alone(contract: Contract, operations: Iterable[Operation], file: Path) -> Path:
    """A file with these operations, references kept, where a bearer token is the one credential."""
    content = _of_operations(contract, operations)
    # To Schemathesis, whose configuration has no word for OAuth 2.0, it is what it is on the wire.
    content["components"]["securitySchemes"] = {"OAuth2": {"type": "http", "scheme": "bearer"}}
    content["security"] = [{"OAuth2": []}]
    for item in content["paths"].values():
        for method in [m for m in METHODS if m in item]:
            item[method]["security"] = [{"OAuth2": []}]
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def _of_operations(contract: Contract, operations: Iterable[Operation]) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(contract.file.read_text())
    served = {(op.path, op.method) for op in operations}
    for path, item in list(content["paths"].items()):
        for method in [m for m in METHODS if m in item and (path, m) not in served]:
            del item[method]
        if not any(method in item for method in METHODS):
            del content["paths"][path]
    return content


def _config(folder: Path, credential: str, *, warnings: bool = True) -> Path:
    """The gateway's configuration with another credential.

    ``warnings``: False where much is refused that is valid, as it is another's.
    """
    head, _, rest = CONFIG.read_text().partition("[auth.")
    tail = f"[warnings]{rest.partition('[warnings]')[2]}"
    if not warnings:
        tail = f"[warnings]\nenabled = false\n\n[generation]{rest.partition('[generation]')[2]}"
    file = folder / "schemathesis.toml"
    file.write_text(f"{head}{credential}\n{tail}")
    return file
