"""What each resource is found by."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from inventory.domain.kinds import CUSTOMERS, DEVICES, Kind
from inventory.domain.resource import Document, store_form
from inventory.domain.store import Entry

# Members whose words a resource is found by.
_WORDED = ("identifier", "name", "title", "manufacturer", "model", "serial_number")
_WORD = re.compile(r"\w+")


def entry_of(kind: Kind, document: Document, tenant: str | None = None) -> Entry:
    """The document with all that it is found by.

    ``tenant``: whose it is, where the document does not say so itself.
    """
    columns = {name: _text(document.get(name)) for name in kind.columns}
    keys = frozenset(device_keys(document)) if kind is DEVICES else frozenset[str]()
    owner = tenant_of(kind, document) if tenant is None else tenant
    words = f" {' '.join(dict.fromkeys(_words_of(document)))} "
    return Entry(store_form(document), document["uid"], owner, columns, keys, words)


def tenant_of(kind: Kind, document: Mapping[str, Any]) -> str:
    """The customer that a document says it belongs to, or ""."""
    return str(document.get("identifier" if kind is CUSTOMERS else "customer_id") or "")


def device_keys(document: Mapping[str, Any]) -> Iterator[str]:
    """What a device is looked up by, and what tells that two devices are one."""
    yield from (f"label:{label}" for label in document.get("labels", ()))
    yield from (f"connection:{c['type']}:{c['value']}" for c in document.get("connections", ()))
    yield from (f"identifier:{i['domain']}:{i['value']}" for i in document.get("identifiers", ()))
    yield from (f"external_ref:{r['system']}:{r['id']}" for r in document.get("external_refs", ()))
    maker, serial = document.get("manufacturer"), document.get("serial_number")
    if maker and serial:
        yield f"serial_number:{maker.casefold()}:{serial.casefold()}"


def words(text: str) -> list[str]:
    """The words of a text as they are compared: without case and compatibility forms."""
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _words_of(document: Mapping[str, Any]) -> Iterator[str]:
    texts: Iterable[str] = [document[member] for member in _WORDED if member in document]
    for text in (*texts, *(pair["value"] for pair in document.get("identifiers", ()))):
        yield from words(text)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
