"""Judges devices that stand within something larger: items of a batch, rows of a file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jsonschema_rs

from openapi.components import compile_component
from openapi.schemas import MAX_ERRORS, Validator, faults

Fault = tuple[str, str]  # a JSON Pointer, and what is wrong there


class DeviceBodies:
    """The contract's schemas of devices, compiled once."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        """``content``: the contract."""
        self._identifier = compile_component(content, "Identifier")
        self._new = compile_component(content, "NewDevice")
        self.required: tuple[str, ...] = tuple(
            content["components"]["schemas"]["NewDevice"]["required"]
        )
        self._by_action = {
            "create": self._new,
            "replace": compile_component(content, "DeviceFields"),
            "patch": compile_component(content, "DevicePatch"),
        }

    def faults(self, action: str, device: Any) -> list[Fault]:
        """Where the device is not as ``create``, ``replace`` or ``patch`` takes it."""
        return _faults(self._by_action[action], device)

    def first_fault(self, fields: Mapping[str, Any]) -> Fault | None:
        """The first member at fault of what should be a new device, and what is wrong with it."""
        if self._new.is_valid(fields):
            return None
        where, what = _faults(self._new, fields)[0]
        return where[1:].split("/")[0], what

    def first_fault_of_change(self, fields: Mapping[str, Any]) -> Fault | None:
        """As ``first_fault``, of what a device may have already: only what is given is judged."""
        if not self.is_identifier(fields.get("identifier")):
            return self.first_fault(fields)
        given = {member: value for member, value in fields.items() if member != "identifier"}
        found = self.faults("patch", given)
        if not found:
            return None
        where, what = found[0]
        return where[1:].split("/")[0], what

    def is_identifier(self, value: Any) -> bool:
        """Whether the value can be an identifier."""
        return self._identifier.is_valid(value)


def _faults(validator: Validator, device: Any) -> list[Fault]:
    if validator.is_valid(device):
        return []
    missing = [
        (f"/{error.kind.property}", "is required")
        for error in validator.iter_errors(device)
        if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.Required)
        and not error.instance_path
    ]
    others = [fault for fault in faults(validator, device) if fault[0]]
    return [*missing, *others][:MAX_ERRORS] or faults(validator, device)
