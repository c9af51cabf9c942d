"""The docs name what there is, and their links lead somewhere."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

import gateway.problems
import gateway.settings
import inventory.problems
import inventory.settings
import openapi.problems
from contracts.parts import PARTS
from openapi import CONTRACT
from openapi.components import compile_component
from openapi.document import load_document
from openapi.problems import ProblemType
from telemetry.exposition import _process
from telemetry.metrics import Metrics

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "contracts").glob("*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\((?!https?:)([^)#]+)")


def problem_types() -> list[ProblemType]:
    modules = (openapi.problems, inventory.problems, gateway.problems)
    return [kind for m in modules for kind in vars(m).values() if isinstance(kind, ProblemType)]


@pytest.mark.parametrize("kind", problem_types(), ids=lambda kind: kind.slug)
def test_every_problem_type_stands_in_the_docs_with_its_status(kind: ProblemType) -> None:
    text = (ROOT / "docs/problems.md").read_text()

    assert f"| `{kind.slug}` | {kind.status} |" in text


def test_the_docs_name_no_problem_that_does_not_exist() -> None:
    text = (ROOT / "docs/problems.md").read_text()
    named = set(re.findall(r"^\| `([a-z-]+)` \|", text, re.MULTILINE))

    assert named == {kind.slug for kind in problem_types()}


@pytest.mark.parametrize("name", gateway.settings.KNOWN + inventory.settings.KNOWN)
def test_every_setting_stands_in_the_docs(name: str) -> None:
    assert f"| `{name}` |" in (ROOT / "docs/settings.md").read_text()


def test_every_problem_type_of_the_contracts_examples_exists() -> None:
    text = CONTRACT.read_text()
    named = set(re.findall(r"urn:doorstep:problem:([a-z-]+)", text))

    assert named <= {kind.slug for kind in problem_types()}


def test_the_problems_of_the_contracts_examples_have_their_titles() -> None:
    titles = {kind.uri: {k.title for k in problem_types() if k.uri == kind.uri}
              for kind in problem_types()}  # fmt: skip
    examples = load_document(CONTRACT).content["components"]["examples"].items()
    problems = {
        name: each["value"]
        for name, each in examples
        if isinstance(each["value"], dict) and each["value"].get("type") in titles
    }

    assert problems
    wrong = [name for name, p in problems.items() if p["title"] not in titles[p["type"]]]
    assert wrong == []


def test_the_contracts_example_of_an_event_has_a_whole_change() -> None:
    content = load_document(CONTRACT).content
    event = content["components"]["examples"]["ChangeEvent"]["value"]

    assert compile_component(content, "Change").is_valid(json.loads(event["data"]))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not (page.parent / link).exists()]

    assert broken == []


def test_every_operation_has_a_summary_and_a_description() -> None:
    lacking = [
        op.operation_id
        for op in load_document(CONTRACT).operations
        if not (op.spec.get("summary") and op.spec.get("description"))
    ]

    assert lacking == []


def test_every_tox_environment_says_what_it_is_for() -> None:
    text = (ROOT / "tox.ini").read_text()
    sections = re.split(r"^\[testenv:", text, flags=re.MULTILINE)[1:]

    assert [s.split("]")[0] for s in sections if "description =" not in s] == []


def test_every_part_of_the_contract_suite_stands_in_its_docs_and_no_other() -> None:
    text = (ROOT / "contracts/README.md").read_text()
    table = text.partition("<!-- parts:")[2].partition("\n\n")[0]

    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == [part.name for part in PARTS]


def test_every_metric_stands_in_the_docs_and_no_other() -> None:
    metrics = Metrics("gateway", [("get", "get", (200,))])
    collected = [*metrics.registry.collect(), *_process(os.getpid())]
    there_are = {f"{m.name}_total" if m.type == "counter" else m.name for m in collected}
    text = (ROOT / "docs/metrics.md").read_text()

    assert set(re.findall(r"^\| `(doorstep_\w+)` \|", text, re.MULTILINE)) == there_are
