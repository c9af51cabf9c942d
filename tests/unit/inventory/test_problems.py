"""Which problem a rule's refusal is."""

from __future__ import annotations

from inventory.domain.errors import NotYours
from inventory.problems import problem_of


def test_who_is_bound_to_a_customer_is_told_what_kind_of_credential_it_takes() -> None:
    problem = problem_of(NotYours("ada", "device types"))

    assert problem.status == 403
    assert problem.headers["WWW-Authenticate"].startswith('Bearer realm="doorstep"')
