"""``python -m gateway check``: what would keep the gateway from starting, and what to know."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from gateway.app import rehearse
from gateway.services.contract import read_contract
from gateway.services.findings import Finding
from gateway.services.folder import documents_in
from gateway.settings import Settings, read_settings
from openapi.document import Document, DocumentFault
from openapi.environment import SettingFault


def check(environ: Mapping[str, str], files: Sequence[Path]) -> int:
    """Says what there is to say of the documents; 0, or 1 when the gateway would not start.

    ``files``: documents to check as if they lay in the services' folder; one that lies there under
    the same name is passed over.
    """
    try:
        settings = read_settings(environ)
        document, findings = read_contract(_with_files(settings.services, files))
    except (SettingFault, DocumentFault, OSError) as exc:
        return _told([], [str(exc)])
    # What an error left out of the document cannot be rehearsed with the rest of it.
    errors = [finding for finding in findings if finding.is_error]
    return _told(findings, [] if errors else _rehearsal_errors(settings, document))


def _with_files(folder: Path, files: Iterable[Path]) -> list[Path]:
    given = {file.stem: file for file in files}
    return [file for file in documents_in(folder) if file.stem not in given] + [*given.values()]


def _rehearsal_errors(settings: Settings, document: Document) -> list[str]:
    try:
        rehearse(settings, document)
    except (SettingFault, DocumentFault) as exc:
        return [str(exc)]
    return []


def _told(findings: Iterable[Finding], others: Sequence[str]) -> int:
    findings = sorted(findings)
    for finding in findings:
        kind = "error" if finding.is_error else "warning"
        sys.stdout.write(f"{kind}: {finding}\n")
    for text in others:
        sys.stdout.write(f"error: {text}\n")
    errors = sum(finding.is_error for finding in findings) + len(others)
    warnings = len(findings) + len(others) - errors
    sys.stderr.write(f"{errors} errors, {warnings} warnings\n")
    return 1 if errors else 0
