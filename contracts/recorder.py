"""Finds out which operation of the contract a request was for, and writes it into the ledger."""

from __future__ import annotations

from collections.abc import Mapping

from contracts.contract import Contract
from contracts.ledger import Entry, Ledger


class Recorder:
    """Writes down what one part asks of one service."""

    def __init__(self, contract: Contract, ledger: Ledger, *, part: str, service: str) -> None:
        self._contract = contract
        self._ledger = ledger
        self._part = part
        self._service = service

    def note(self, method: str, target: str, headers: Mapping[str, str], status: int) -> None:
        """A request and the status that answered it; one that is for no operation is left out."""
        operation = self._contract.find(method, target)
        if operation is None:
            return
        self._ledger.add(
            Entry(
                part=self._part,
                service=self._service,
                operation=operation.operation_id,
                status=status,
                parameters=tuple(sorted(self._contract.sent(operation, target, headers))),
                scheme=self._contract.scheme_of(operation, headers),
            )
        )
