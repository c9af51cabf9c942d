"""One request of the table, and what is wrong with its answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.authorisation import limits
from contracts.authorisation.expected import LET_IN, Expected
from contracts.door import Door
from contracts.findings import Result
from contracts.wire import Answer, NoAnswer, Request
from openapi.document import Operation


@dataclass(frozen=True, slots=True)
class Case:
    """A request, and what it has to be answered.

    ``words``: who asks, for a person; ``why``: the reason of the expected answer. ``shown``: what
    has to stand in an answer that is well. ``hidden``: what no such answer has; ``content``: what
    no answer at all has. Both are regular expressions.
    """

    operation: Operation
    column: str
    words: str
    why: str
    expected: Expected
    door: Door
    request: Request
    shown: str = ""
    hidden: str = ""
    content: str = ""


def judge(case: Case, result: Result) -> Answer | None:
    """Asks, and adds what is wrong to the result; the answer, if there is one."""
    result.cases += 1
    try:
        answer = limits.ask(case.door, case.request)
    except NoAnswer as exc:
        _find(case, result, f"{case.words} was not answered", str(exc))
        return None
    seen = f"{answer.status} {answer.text[:1000]}"
    for title in _wrong(case, answer):
        _find(case, result, title, seen)
    for fault in _malformed(case, answer):  # whoever asks
        _find(case, result, f"the {answer.status} to {case.words} {fault}", seen, cause=fault)
    return answer


def cell(case: Case, answer: Answer | None) -> str:
    """The same for the table."""
    if answer is None:
        return "no answer"
    right = case.expected.takes(answer.status)
    return str(answer.status) if right else f"{answer.status} (not {case.expected})"


def _find(case: Case, result: Result, title: str, detail: str, cause: str = "") -> None:
    result.find(title, case.operation.operation_id, detail, case.door.curl(case.request), cause)


def _wrong(case: Case, answer: Answer) -> Iterator[str]:
    if not case.expected.takes(answer.status):
        yield _wrong_status(case, answer.status)
    yield from _wrong_rows(case, answer)
    yield from _leaks(case, answer)


def _malformed(case: Case, answer: Answer) -> Iterator[str]:
    if answer.status == 401 and not answer.header("www-authenticate"):
        yield "has no WWW-Authenticate, which says what is wanted"
    if fault := case.door.fault(case.request, answer):
        yield f"is not as the contract declares: {fault}"


def _wrong_status(case: Case, status: int) -> str:
    if LET_IN in case.expected.statuses:
        return f"{case.words} was refused ({status}), though {case.why}"
    was_let_in = {401, 403} & set(case.expected.statuses) and status not in (401, 403)
    was = f"let in ({status})" if was_let_in and status < 500 else f"answered {status}"
    return f"{case.words} was {was}; {case.why}, so {case.expected} is right"


def _wrong_rows(case: Case, answer: Answer) -> Iterator[str]:
    if case.expected.rows is None or answer.status >= 300:
        return
    body = answer.json()
    rows = [row["status"] for row in body.get("results", ())]
    rows += [row["result"] for row in body.get("rows", ())]
    if tuple(rows) != case.expected.rows:
        yield f"{case.words} got rows {rows}; {case.why}, so {list(case.expected.rows)} is right"


def _leaks(case: Case, answer: Answer) -> Iterator[str]:
    found = re.findall(case.content, answer.text) if case.content else []
    is_list = answer.status < 300 and case.expected.rows is None
    if case.hidden and is_list:
        found += re.findall(case.hidden, answer.text)
    if found:
        names = ", ".join(sorted(set(found))[:5])
        yield f"{case.words} was shown what is not its customer's: {names}"
    if case.shown and is_list and not re.search(case.shown, answer.text):
        yield f"{case.words} was not shown its customer's own things"
