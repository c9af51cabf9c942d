"""Who may do what: each operation with each credential, and for each owner's things."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence

from contracts.authorisation import credentials, streams, tenancy
from contracts.authorisation.credentials import Kind
from contracts.authorisation.keyring import Keyring
from contracts.authorisation.matrix import Asker, Matrix, tenants
from contracts.authorisation.owners import NOBODY, A, B, Owners
from contracts.door import Credential, Door, api_key, bearer
from contracts.findings import Result, Table
from contracts.suite import NO_INVENTORY, Part, Stage
from openapi.document import Operation
from openapi.selection import scopes_of

NAME = "authorisation"


def judge(stage: Stage, result: Result) -> None:
    """Asks both services everything that the table has."""
    door = stage.gateway(NAME)
    prefix = f"auth-{stage.options.seed}-{secrets.token_hex(3)}"
    owners = Owners(door, prefix)
    with Keyring(stage.deployment, door) as keyring:
        try:
            _Judge(stage, owners, keyring, result).judge()
        finally:
            if stage.deployment.services is None:
                owners.clear()  # they are somebody's, and go on


class _Judge:
    """One run, at both doors."""

    def __init__(self, stage: Stage, owners: Owners, keyring: Keyring, result: Result) -> None:
        self._stage = stage
        self._owners = owners
        self._keyring = keyring
        self._result = result
        every = scopes_of(stage.contract.document)
        customers = {owner: owners.customer(owner) for owner in (A, B)}
        self._customers: Mapping[str, str | None] = {**customers, NOBODY: None}
        self._keys = {o: keyring.key(every, c) for o, c in self._customers.items()}

    def judge(self) -> None:
        """The gateway with all operations, and the inventory with its own."""
        contract, stage = self._stage.contract, self._stage
        door = stage.gateway(NAME)
        kinds = credentials.at_the_gateway(contract, self._keyring)
        self._ask("at the gateway", door, contract.document.operations, kinds, self._clients(door))
        client = door.with_credential(api_key(_NAMES[A], self._keys[A], _VARIABLES[A]))
        streams.judge(door, client, self._owners, (A, B), self._result)
        if not stage.deployment.has_inventory:
            self._result.tables.append(
                Table(_title("at the inventory"), ("not asked",), ((NO_INVENTORY,),))
            )
            return
        door = stage.inventory(NAME)
        kinds = credentials.at_the_inventory(contract, stage.deployment, self._keyring)
        self._ask("at the inventory", door, contract.forwarded, kinds, self._identities(door))

    def _ask(
        self, where: str, door: Door, operations: Sequence[Operation], kinds: Sequence[Kind],
        askers: Sequence[Asker],
    ) -> None:  # fmt: skip
        matrix = Matrix(self._stage.contract, self._owners, operations, self._result)
        jobs = {owner: self._job_of(owner)["jobs"] for owner in self._keys}
        for job in jobs.values():
            self._owners.wait_for(job)
        matrix.refuse(door, kinds, askers, jobs)
        matrix.let_in(door, kinds, askers, self._job_of)
        by_owner = [a.heading(c) for a in askers for c in a.columns]
        self._result.tables += [
            matrix.table(_title(f"{where}, by credential"), [kind.name for kind in kinds]),
            matrix.table(_title(f"{where}, by whose things"), by_owner),
        ]

    def _clients(self, door: Door) -> list[Asker]:
        keys = {o: api_key(_NAMES[o], k, _VARIABLES[o]) for o, k in self._keys.items()}
        tokens = {
            owner: bearer(_NAMES[owner], self._keyring.token(key), _VARIABLES[owner])
            for owner, key in self._keys.items()
        }
        main = (tenancy.OWN, tenancy.ANOTHERS, tenancy.UNBOUND)
        return [
            tenants("key", "a key", door, keys, tenancy.COLUMNS),
            tenants("token", "an access token", door, tokens, main),
        ]

    def _identities(self, door: Door) -> list[Asker]:
        every = scopes_of(self._stage.contract.document)
        sign = self._stage.deployment.identity
        identities: Mapping[str, Credential] = {
            owner: sign(every, customer) for owner, customer in self._customers.items()
        }
        return [tenants("identity", "an identity", door, identities, tenancy.COLUMNS)]

    def _job_of(self, owner: str) -> dict[str, str]:
        return self._owners.import_as(owner, api_key(owner, self._keys[owner]))


_NAMES = {A: "a customer's", B: "another customer's", NOBODY: "no customer's"}
_VARIABLES = {A: "CREDENTIAL_OF_A", B: "CREDENTIAL_OF_B", NOBODY: "CREDENTIAL_OF_NO_CUSTOMER"}


def _title(which: str) -> str:
    return f"What is answered {which}"


PART = Part(NAME, "Who may do what", judge)
