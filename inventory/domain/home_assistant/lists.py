"""The lists of a registry item: pairs of a scheme and a value, and labels."""

from __future__ import annotations

import re
import unicodedata
from string import ascii_lowercase, ascii_uppercase
from typing import TypeVar

from inventory.domain.home_assistant.fault import MemberFault
from inventory.domain.home_assistant.text import TEXT_LIMIT, read_text

LIST_LIMIT = 50

T = TypeVar("T")

_LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_NOT_IN_LABELS = re.compile(r"[^a-z0-9_-]+")
# Devices that do not know their own address announce zeros; many of them share it.
_ALL_ZERO = re.compile(r"(?:uuid:)?[-:.]*0[-:.0]*", re.IGNORECASE)
_ADDRESSES_OF_ONE_DEVICE = ("mac", "upnp")
# str.lower() makes some letters two, and with them a text too long.
_LOWER = str.maketrans(ascii_uppercase, ascii_lowercase)


def read_identifiers(value: object) -> list[dict[str, str]]:
    """A device's ``identifiers`` as the contract has them, each once, or ``MemberFault``."""
    pairs = _read_pairs(value, "/identifiers")
    return [{"domain": domain, "value": text} for domain, text in _few(pairs, "/identifiers")]


def read_connections(value: object) -> list[dict[str, str]]:
    """A device's ``connections`` as the contract has them, each once, or ``MemberFault``."""
    found = ((kind.translate(_LOWER), text) for kind, text in _read_pairs(value, "/connections"))
    pairs = [pair for pair in dict.fromkeys(found) if not _is_all_zero(*pair)]
    return [{"type": kind, "value": text} for kind, text in _few(pairs, "/connections")]


def read_labels(value: object) -> list[str]:
    """A device's label ids as labels of the contract, each once, or ``MemberFault``."""
    items = _read_list(value, "/labels")
    found = [_read_label(item, f"/labels/{index}") for index, item in enumerate(items)]
    return _few(list(dict.fromkeys(label for label in found if label)), "/labels")


def _read_pairs(value: object, path: str) -> list[tuple[str, str]]:
    items = _read_list(value, path)
    found = [_read_pair(item, f"{path}/{index}") for index, item in enumerate(items)]
    return list(dict.fromkeys(pair for pair in found if pair))


def _read_pair(item: object, path: str) -> tuple[str, str] | None:
    """Home Assistant promises pairs; integrations have stored lists of one and of three."""
    if not isinstance(item, list) or not item:
        raise MemberFault(path, "this has to be a list of two texts")
    parts = [read_text(part, f"{path}/{index}") or "" for index, part in enumerate(item)]
    scheme, *rest = parts if len(parts) > 1 else ("", *parts)
    if not any(rest):
        return None  # a scheme without a value tells nothing of the device
    value = ":".join(rest)
    if len(value) > TEXT_LIMIT:
        raise MemberFault(path, f"joined by colons, this is longer than {TEXT_LIMIT} characters")
    return scheme or "unknown", value


def _read_label(item: object, path: str) -> str | None:
    text = read_text(item, path)
    if text is None or _LABEL.fullmatch(text):
        return text
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    label = _NOT_IN_LABELS.sub("_", plain).strip("_-")[:64]
    if not label:
        raise MemberFault(path, "this has no letter a-z and no digit to make a label of")
    return label


def _read_list(value: object, path: str) -> list[object]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise MemberFault(path, "this has to be a list")
    return value


def _few(items: list[T], path: str) -> list[T]:
    if len(items) > LIST_LIMIT:
        raise MemberFault(path, f"these are {len(items)}; a device has {LIST_LIMIT} at the most")
    return items


def _is_all_zero(kind: str, value: str) -> bool:
    return kind in _ADDRESSES_OF_ONE_DEVICE and _ALL_ZERO.fullmatch(value) is not None
