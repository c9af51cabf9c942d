"""The table: every operation with every credential, and for everybody's things."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from contracts.authorisation import tenancy
from contracts.authorisation.cases import Case, cell, judge
from contracts.authorisation.credentials import Kind
from contracts.authorisation.expected import LET_IN, Expected
from contracts.authorisation.owners import NOBODY, A, B, Owners
from contracts.authorisation.tenancy import Reach, Tenancy
from contracts.authorisation.things import JobOf, Things
from contracts.contract import Contract
from contracts.door import Credential, Door
from contracts.findings import Result, Table
from contracts.samples.making import Samples
from contracts.samples.place import Place, kind_of
from contracts.samples.sample import Sample
from contracts.wire import Request
from openapi.document import Operation

NOTHING = "-"  # to ask: a cell of the table
# Who asks, and why the expected answer is right.
_WORDS: Mapping[str, tuple[str, str]] = {
    tenancy.OWN: ("{} of a customer, asking for that customer's thing,", "the thing is its own"),
    tenancy.ANOTHERS: (
        "{} of one customer, asking for another customer's thing,",
        "to it there is no such thing",
    ),
    tenancy.NOBODYS: ("{} of a customer, asking for what is no customer's,", "it is not its own"),
    tenancy.NOT_THERE: ("{} of a customer, asking for what does not exist,", "nothing is there"),
    tenancy.REFERS: (
        "{} of one customer, whose body names another customer's thing,",
        "to it there is no such thing",
    ),
    tenancy.TAKES: (
        "{} of one customer, making something by the identifier of another's,",
        "the identifier is taken",
    ),
    tenancy.UNBOUND: ("{} of no customer, asking for a customer's thing,", "it is for everybody's"),
    tenancy.UNBOUND_NOT_THERE: (
        "{} of no customer, asking for what does not exist,",
        "nothing is there",
    ),
}


@dataclass(frozen=True, slots=True)
class Asker:
    """One form that credentials have: keys, tokens, identities.

    ``columns``: those of the table that it is asked in.
    """

    name: str
    words: str
    doors: Mapping[str, Door]  # owner to the door of who is bound to it; NOBODY's sees everything
    columns: Sequence[str]

    def heading(self, column: str) -> str:
        """The column's name in the table."""
        return f"{column}, {self.name}" if self.name else column


class Matrix:
    """Asks everything. ``operations``: those that the service serves."""

    def __init__(
        self, contract: Contract, owners: Owners, operations: Sequence[Operation], result: Result
    ) -> None:
        self._contract = contract
        self._owners = owners
        self._things = Things(owners)
        self._samples = Samples(contract, owners.new_name)
        self._tenancy = Tenancy()
        self._operations = operations
        self._result = result
        self._cells: dict[tuple[str, str], str] = {}

    def refuse(
        self, door: Door, kinds: Sequence[Kind], askers: Sequence[Asker], jobs: Mapping[str, str]
    ) -> None:
        """All requests that must change nothing, and a look whether they did not.

        ``jobs``: a job of each owner.
        """
        places = self._things.victims(jobs)
        self._owners.named.clear()
        victims = dict(places)
        before = self._things.state(victims)
        cases = chain(
            self._refused_kinds(door, kinds, places), self._refused_askers(askers, places)
        )
        for was_done in self._judge(cases):
            if was_done:  # each is to find things as they were
                self._owners.doubt()
                places.update(self._things.victims(jobs))
        for title, detail in self._things.changes(before, self._things.state(victims)):
            self._result.find(title, detail=detail)

    def let_in(
        self,
        door: Door,
        kinds: Sequence[Kind],
        askers: Sequence[Asker],
        job_of: JobOf,
    ) -> None:
        """All requests that may change something."""
        allowed = self._let_in_kinds(door, kinds), self._let_in_askers(askers, job_of)
        for _ in self._judge(chain(*allowed)):
            pass

    def table(self, title: str, columns: Sequence[str]) -> Table:
        """What was answered, an operation a row."""
        rows = [
            [op.operation_id, *(self._cells.get((op.operation_id, c), NOTHING) for c in columns)]
            for op in self._operations
        ]
        return Table(title, ("operation", *columns), rows)

    def _judge(self, cases: Iterable[Case]) -> Iterator[bool]:
        """Asks them one by one, and tells of each whether it did what it should not have."""
        for case in cases:
            answer = judge(case, self._result)
            self._cells[case.operation.operation_id, case.column] = cell(case, answer)
            if answer is not None and answer.status == 201 and answer.header("location"):
                self._owners.note(answer.header("location") or "")
            is_wrong = answer is None or not case.expected.takes(answer.status)
            yield is_wrong and case.operation.method != "get"

    # What each operation is asked with: the credentials.

    def _refused_kinds(
        self, door: Door, kinds: Sequence[Kind], places: Mapping[str, Place]
    ) -> Iterator[Case]:
        for operation in self._operations:
            for kind in kinds:
                if kind.answer != LET_IN and self._is_secured(operation):
                    place = {**places[NOBODY], **places[A]}
                    yield from self._of_kind(door, operation, kind, place)

    def _let_in_kinds(self, door: Door, kinds: Sequence[Kind]) -> Iterator[Case]:
        for operation in self._operations:
            for kind in kinds:
                if kind.answer == LET_IN or not self._is_secured(operation):
                    yield from self._of_kind(door, operation, kind, self._owners.nowhere())

    def _of_kind(
        self, door: Door, operation: Operation, kind: Kind, place: Place
    ) -> Iterator[Case]:
        credential = kind.of(operation)
        if credential is None:
            return
        expected, why = self._by_contract(operation, kind)
        sample = self._samples.of(operation, place)
        request = self._tenancy.reach(operation).with_query(sample, place).request()
        yield Case(
            operation, kind.name, kind.words, why, expected, door.with_credential(credential),
            request,
        )  # fmt: skip

    def _by_contract(self, operation: Operation, kind: Kind) -> tuple[Expected, str]:
        if not self._is_secured(operation):
            return Expected((LET_IN,)), "the contract wants no credential"
        scopes = " ".join(sorted(self._contract.scopes(operation))) or "a valid client"
        if kind.answer == LET_IN:
            return Expected((LET_IN,)), f"the contract wants {scopes} and no more"
        why = f"the contract wants {scopes}" if kind.answer == 403 else "it is no valid credential"
        return Expected((kind.answer,)), why

    def _is_secured(self, operation: Operation) -> bool:
        return bool(self._contract.schemes(operation))

    # Whose things each operation is asked for.

    def _refused_askers(
        self, askers: Sequence[Asker], places: Mapping[str, Place]
    ) -> Iterator[Case]:
        for asker, operation, reach, column in self._asked(askers):
            request = self._refused(operation, reach, column, places)
            if request is not None:
                owner = A if column == tenancy.NOBODYS else B
                yield self._of_asker(asker, owner, operation, reach, column, request)

    def _refused(
        self, operation: Operation, reach: Reach, column: str, places: Mapping[str, Place]
    ) -> Request | None:
        """What A asks for nobody's things, or B for A's; None where there is nothing to ask."""
        kinds = _kinds(operation, reach)
        if column in (tenancy.ANOTHERS, tenancy.NOBODYS):
            place = places[A if column == tenancy.ANOTHERS else NOBODY]
            is_asked = kinds <= place.keys() and (kinds or operation.method == "get")
            return self._sample(operation, reach, place).request() if is_asked else None
        if column == tenancy.REFERS:
            named = places[A][_REFERRED[reach.member]]
            sample = self._sample(operation, reach, places[B])
            return sample.with_member(reach.member, named).request()
        if column == tenancy.TAKES:
            taken = {**places[NOBODY], **places[A]}[operation.path.split("/")[2]]
            sample = self._sample(operation, reach, places[B])
            return sample.with_member("identifier", taken).request()
        return None

    def _let_in_askers(self, askers: Sequence[Asker], job_of: JobOf) -> Iterator[Case]:
        for asker, operation, reach, column in self._asked(askers):
            kinds = _kinds(operation, reach)
            owner = NOBODY if column in (tenancy.UNBOUND, tenancy.UNBOUND_NOT_THERE) else A
            if column in (tenancy.NOT_THERE, tenancy.UNBOUND_NOT_THERE):
                place = self._things.without(kinds)
            elif column in (tenancy.OWN, tenancy.UNBOUND):
                place = self._things.fresh(operation, kinds, owner, job_of)
            else:
                continue
            if kinds <= place.keys():
                request = self._sample(operation, reach, place).request()
                if operation.method == "put":
                    self._owners.note(request.target)
                yield self._of_asker(asker, owner, operation, reach, column, request)

    def _asked(self, askers: Sequence[Asker]) -> Iterator[tuple[Asker, Operation, Reach, str]]:
        for operation in self._operations:
            if not self._contract.scopes(operation):
                continue  # it is about nobody's things
            reach = self._tenancy.reach(operation)
            for asker in askers:
                for column in asker.columns:
                    if column in reach.answers:
                        yield asker, operation, reach, column

    def _of_asker(
        self, asker: Asker, owner: str, operation: Operation, reach: Reach, column: str,
        request: Request,
    ) -> Case:  # fmt: skip
        words, why = _WORDS[column]
        if reach.answers[column].takes(403):
            why = "only who is bound to no customer changes this"
        others = [o for o in (A, B, NOBODY) if o != owner]
        if owner == NOBODY or reach.shares or "device-types" in operation.path:
            others = []
        marks = "|".join(self._owners.mark(o) for o in others)
        contents = "|".join(self._owners.content_mark(o) for o in others)
        is_list = operation.method == "get" and not kind_of(operation) and bool(others)
        if is_list:
            words = "{} of a customer"
        return Case(
            operation, asker.heading(column), words.format(asker.words), why,
            reach.answers[column], asker.doors[owner], request,
            shown=self._owners.mark(owner) if is_list else "",
            hidden=rf"(?:{marks})[\w.-]*" if others else "",
            content=rf"(?:{contents})\b" if others else "",
        )  # fmt: skip

    def _sample(self, operation: Operation, reach: Reach, place: Place) -> Sample:
        sample = self._samples.of(operation, place)
        return reach.with_body(reach.with_query(sample, place), place)


_REFERRED = {
    "customer_id": "customers",
    "home_id": "homes",
    "area_id": "areas",
    "via_device": "devices",
    "duplicate": "devices",
}


def _kinds(operation: Operation, reach: Reach) -> frozenset[str]:
    """What the operation asks for; nothing where it lists, or makes something new."""
    in_path = {kind_of(operation)} if kind_of(operation) else set()
    return frozenset(in_path | reach.placeholders)


def tenants(
    name: str, words: str, door: Door, credentials: Mapping[str, Credential], columns: Sequence[str]
) -> Asker:
    """Those who ask with this form of credential."""
    doors = {owner: door.with_credential(each) for owner, each in credentials.items()}
    return Asker(name, words, doors, columns)
