"""The document that the gateway serves: the contract, and the services that are plugged in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway import pages
from gateway.services.adapting import Service, adapt
from gateway.services.findings import Finding
from gateway.services.folder import documents_in, name_findings
from gateway.services.merging import collisions, merge
from gateway.services.reading import read_service
from openapi import CONTRACT
from openapi.document import Document, DocumentFault, load_document
from openapi.selection import WITH_SCOPES, scopes_of


def load_contract(folder: Path) -> Document:
    """The contract with the services of the folder's documents, or ``DocumentFault``."""
    document, findings = read_contract(documents_in(folder))
    errors = [finding for finding in findings if finding.is_error]
    if errors:
        raise DocumentFault("\n".join(map(str, errors)))
    return document


def read_contract(files: Sequence[Path]) -> tuple[Document, list[Finding]]:
    """The contract with the services of these files, and all that there is to say of them.

    A file with an error is not in the document.
    """
    contract = load_document(CONTRACT)
    findings = list(name_findings(files, upstreams_of(contract)))
    misnamed = {finding.file for finding in findings}
    services: list[Service] = []
    for file in files:
        if file not in misnamed:
            source, errors = read_service(file, scopes_of(contract))
            findings += errors
            if source is not None and not errors:
                services.append(adapt(source, _alternatives(contract)))
    colliding = list(collisions(contract, services, pages.METHODS))
    findings += [*colliding, *(each for service in services for each in service.warnings)]
    sound = [s for s in services if s.source.file not in {finding.file for finding in colliding}]
    return merge(contract, sound), findings


def upstreams_of(document: Document) -> set[str]:
    """The services that serve operations of the document."""
    return {op.policy.upstream for op in document.operations if op.policy.upstream}


def plugged_in(document: Document) -> set[str]:
    """Those of them that have documents of their own."""
    return {
        op.policy.upstream
        for op in document.operations
        if op.policy.upstream and op.path in document.files
    }


def _alternatives(contract: Document) -> list[Mapping[str, bool]]:
    schemes = contract.content["components"]["securitySchemes"]
    return [
        {name: schemes[name]["type"] in WITH_SCOPES for name in option}
        for option in contract.content["security"]
    ]
