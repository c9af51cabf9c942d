"""What is read of a run of Schemathesis: its reports, and how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.findings import Result
from contracts.fuzzing.growth import Growth
from contracts.fuzzing.reports import failures_of
from contracts.fuzzing.targets import Target
from contracts.ledger import Entry, Ledger

REPORT = """\
<testsuites><testsuite>
<testcase name="GET /v1/homes"><failure>1. Test Case ID: abc

- ST107 Missing required response headers

    The following required headers are missing from the response:

        - `{0}`

[200] OK:

    `{{"name": "Birch Lane 4"}}`

Reproduce with:

    curl -X GET -H 'X-API-Key: [Filtered]' 'http://127.0.0.1:1/v1/homes'
</failure></testcase>
<testcase name="GET /v1/areas"><failure>1. Test Case ID: def

- ST107 Missing required response headers

    The following required headers are missing from the response:

        - `{1}`

[200] OK:

    `{{"name": "Hall"}}`

Reproduce with:

    curl -X GET 'http://127.0.0.1:1/v1/areas'
</failure></testcase>
</testsuite></testsuites>
"""
TARGET = Target(
    service="gateway",
    url="http://127.0.0.1:1",
    shown="$DOORSTEP_GATEWAY_URL",
    document=Path("openapi.yaml"),
    config=Path("schemathesis.toml"),
    environ={},
    credential="X-API-Key: $DOORSTEP_API_KEY",
    operation_ids={"GET /v1/homes": "list_homes", "GET /v1/areas": "list_areas"},
)


def written(folder: Path, *missing: str) -> Path:
    file = folder / "junit.xml"
    file.write_text(REPORT.format(*missing))
    return file


def test_a_failure_is_told_with_what_is_wrong_and_a_line_without_secrets(tmp_path: Path) -> None:
    finding, _ = failures_of(written(tmp_path, "ETag", "Link"), TARGET)

    assert (finding.operation, finding.title) == ("list_homes", "Missing required response headers")
    assert finding.detail.splitlines() == [
        "The following required headers are missing from the response:",
        "- `ETag`",
        "[200] OK:",
        '`{"name": "Birch Lane 4"}`',
    ]
    assert finding.curl == (
        'curl -X GET -H "X-API-Key: $DOORSTEP_API_KEY" "$DOORSTEP_GATEWAY_URL"\'/v1/homes\''
    )


@pytest.mark.parametrize(("missing", "causes"), [(("ETag", "ETag"), 1), (("ETag", "Link"), 2)])
def test_what_is_wrong_is_the_cause_whatever_the_answer_has(
    tmp_path: Path, missing: tuple[str, str], causes: int
) -> None:
    result = Result("fuzz-gateway", "Fuzzing: the gateway")
    result.findings += failures_of(written(tmp_path, *missing), TARGET)

    assert len(result.causes) == causes


def test_a_part_is_as_far_as_its_whole_lines_in_the_ledger(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    of_before = Entry("fuzz-gateway", "gateway", "get_home", 200)
    ledger.add(of_before)
    growth = Growth(ledger.file, Ledger.start("fuzz-gateway"))

    assert growth.lines() == 0
    for part in ("fuzz-gateway", "fuzz-inventory", "fuzz-gateway", "fuzz"):
        ledger.add(Entry(part, "gateway", "get_home", 200))
    with ledger.file.open("ab") as file:
        file.write(Ledger.start("fuzz-gateway"))
    assert growth.lines() == 2
    with ledger.file.open("ab") as file:
        file.write(b"\n")
    assert [growth.lines(), growth.lines()] == [1, 0]


def test_what_has_not_begun_to_write_is_nowhere(tmp_path: Path) -> None:
    assert Growth(tmp_path / "cassette.jsonl").lines() == 0
