"""A copy of the gateway with little patience: what is waited for is waited for shortly."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from openapi import CONTRACT
from openapi.document import METHODS
from openapi.policy import DEFAULT_TIMEOUT, KEY

_COPIED = ("gateway", "openapi", "telemetry")
_POLICY = "timeout"


def copy_with_patience(source: Path, folder: Path, seconds: float) -> Path:
    """The gateway's code with a contract by which no service may take longer than this.

    ``source``: the checkout. Everything else in the contract stays as it is.
    """
    for name in _COPIED:
        shutil.copytree(source / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    file = folder / "openapi" / CONTRACT.name
    content = yaml.safe_load(file.read_text())
    content.setdefault(KEY, {}).setdefault(_POLICY, dict(DEFAULT_TIMEOUT))
    for policy in _policies(content):
        if _POLICY in policy:
            policy[_POLICY]["total"] = min(policy[_POLICY]["total"], seconds)
    file.write_text(json.dumps(content))  # which is YAML too, and sooner read
    return folder


def _policies(content: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for level in (content, *content["paths"].values()):
        yield level.get(KEY, {})
        for method in METHODS:
            if method in level:
                yield level[method].get(KEY, {})
