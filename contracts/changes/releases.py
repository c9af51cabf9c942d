"""The contracts that were released: ``<folder>/<version>/openapi.yaml``, byte for byte."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contracts.changes.versions import NoVersion, Version, parse
from openapi.document import form_faults
from openapi.policy import KEY
from openapi.source import Source

RELEASED = Path(__file__).parents[1] / "released"
NAME = "openapi.yaml"


class NotReleased(Exception):
    """There is no release, or none could be made. The message says why and what would be right."""


def read(file: Path) -> dict[str, Any]:
    """The document in the file; ``DocumentFault``, with file and line, when it is none.

    An old release need not keep today's rules of ``x-gateway``: it was served by older ones.
    """
    source = Source(file)
    for place, message in form_faults(source):
        if KEY not in place:
            raise source.fault(place, message)
    try:
        version_of(source.content)
    except NoVersion as exc:
        raise source.fault(("info", "version"), str(exc)) from exc
    content: dict[str, Any] = source.content
    return content


def version_of(document: dict[str, Any]) -> Version:
    """The document's ``info.version``, or ``NoVersion``."""
    info = document.get("info")
    return parse(info.get("version") if isinstance(info, dict) else None)


def latest_release(folder: Path = RELEASED) -> Path:
    """The file of the highest version that was released, or ``NotReleased``."""
    versions = {}
    for file in folder.glob(f"*/{NAME}"):
        try:
            versions[parse(file.parent.name)] = file
        except NoVersion as exc:
            raise NotReleased(f"{file.parent} is not named by a version such as 1.4.0") from exc
    if not versions:
        raise NotReleased(f"{folder} has no release; it should have <version>/{NAME}")
    return versions[max(versions)]


def release(contract: Path, folder: Path = RELEASED) -> Path:
    """Keeps the contract as a release, and tells where.

    Raises ``NotReleased`` when another contract was released by its version, or by a later one. To
    release the same again changes nothing.
    """
    document = read(contract)
    version = str(version_of(document))
    if document["info"]["version"] != version:
        raise NotReleased(f"{document['info']['version']} leads to {version}, and is no release")
    content = contract.read_bytes()
    target = folder / version / NAME
    if target.exists():
        if target.read_bytes() != content:
            raise NotReleased(f"{version} was released with other content: raise info.version")
        return target
    _check_order(version, folder)
    target.parent.mkdir(parents=True)
    target.write_bytes(content)
    return target


def _check_order(version: str, folder: Path) -> None:
    if not any(folder.glob(f"*/{NAME}")):
        return
    last = latest_release(folder).parent.name
    if parse(version) < parse(last):
        raise NotReleased(f"{last} was released already, and {version} comes before it")
