from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts.changes import compare
from contracts.changes.acceptance import (
    ACCEPTED,
    Acceptance,
    BadAcceptance,
    entry_for,
    read_acceptances,
)
from contracts.changes.command import add_arguments, run
from contracts.changes.judgement import judged
from contracts.changes.part import judge
from contracts.changes.releases import RELEASED, NotReleased, latest_release, release
from contracts.changes.versions import NoVersion, Version, needed, parse
from contracts.findings import Result
from openapi import CONTRACT

NARROW, WIDE = {"maxLength": 8}, {"maxLength": 9}
READ, NOTHING = [{"Token": ["read"]}], [{"Token": []}]
SCHEMES = {"securitySchemes": {"Token": {"type": "oauth2", "flows": {}}}}


@pytest.fixture
def files(a_document: Any, write: Any) -> Any:
    """Writes the old and the new document, with other bodies, versions or guards."""

    def to_files(
        was: Any = WIDE, now: Any = WIDE, old: str = "1.2.3", new: str = "1.2.3", **guard: Any
    ) -> tuple[Path, Path]:
        def of(version: str, schema: Any, security: Any) -> Any:
            content = {"application/json": {"schema": schema}}
            return a_document(
                version, requestBody={"content": content}, security=security, components=SCHEMES
            )

        first = write("released/1.2.3/openapi.yaml", of(old, was, READ))
        return first, write("openapi.yaml", of(new, now, guard.get("guard", READ)))

    return to_files


@pytest.mark.parametrize(
    ("was", "now", "version", "titles"),
    [
        (WIDE, NARROW, "1.2.3", 1),
        (WIDE, NARROW, "1.3.0", 1),
        (WIDE, NARROW, "2.0.0", 0),
        (NARROW, WIDE, "1.2.3", 1),
        (NARROW, WIDE, "1.2.4", 1),
        (NARROW, WIDE, "1.3.0", 0),
        (NARROW, WIDE, "1.3.0-rc.1", 0),
        (WIDE, WIDE, "1.2.3", 0),
        (WIDE, WIDE, "1.2.2", 1),
    ],
)
def test_a_change_needs_its_version(
    files: Any, was: Any, now: Any, version: str, titles: int
) -> None:
    assert len(judged(*files(was, now, new=version)).findings) == titles


def test_a_breaking_change_is_a_finding_that_says_who_breaks_and_what_to_do(files: Any) -> None:
    (finding,) = judged(*files(WIDE, NARROW)).findings

    assert finding.operation == "switch_lamp"
    assert finding.title == (
        "A client that sends the body of more than 8 characters was served, and is now refused"
        " with 400. That breaks clients of the released contract 1.2.3"
    )
    assert "raise info.version to 2.0.0" in finding.detail


def test_a_dropped_scope_fails_by_any_version(files: Any) -> None:
    (finding,) = judged(*files(new="2.0.0", guard=NOTHING)).findings

    assert "without the scope read was refused with 403, and is now let in" in finding.title


def test_what_is_accepted_with_a_reason_passes(files: Any, tmp_path: Path) -> None:
    old, new = files(new="1.3.0", guard=NOTHING)
    (change,) = [c for c in judged(old, new).changes if c.operations]
    accepted = tmp_path / "accepted.yaml"
    entries = yaml.safe_load(entry_for(change))
    accepted.write_text(yaml.safe_dump({"changes": entries}))
    with pytest.raises(BadAcceptance, match="has to say why no client is let down"):
        read_acceptances(accepted)
    entries[0]["reason"] = "No key was ever made without it."
    accepted.write_text(yaml.safe_dump({"changes": entries}))

    assert judged(old, new, read_acceptances(accepted)).findings == []


def test_what_is_accepted_for_one_operation_is_not_for_another(files: Any) -> None:
    old, new = files(new="1.3.0", guard=NOTHING)
    (change,) = [c for c in judged(old, new).changes if c.operations]
    other = Acceptance(change.place, change.was, change.now, frozenset({"see_lamp"}), "why")

    titles = [finding.title for finding in judged(old, new, [other]).findings]

    assert len(titles) == 2 and titles[1].startswith("A change was accepted that there is not")


@pytest.mark.parametrize(
    "text", ["[]", "changes: {}", "changes: [{place: a}]", "{changes: [], more: 1}", "{",
             "changes: [{place: a, was: 1, now: b, reason: c}]"]
)  # fmt: skip
def test_acceptances_that_cannot_be_read_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "accepted.yaml"
    file.write_text(text)

    with pytest.raises(BadAcceptance, match=r"accepted\.yaml"):
        read_acceptances(file)


def test_the_part_tells_all_changes_in_a_table(files: Any, tmp_path: Path) -> None:
    _, new = files(WIDE, NARROW)
    result = Result("diff", "The released contract")

    judge(new, tmp_path / "released", result)

    assert [row[0] for row in result.tables[0].rows] == ["breaking"]
    assert len(result.findings) == 1 and result.cases == 9


def test_the_contract_keeps_what_was_released() -> None:
    result = Result("diff", "The released contract")

    judge(CONTRACT, RELEASED, result)

    assert [str(finding) for finding in result.findings] == []
    assert read_acceptances(ACCEPTED) is not None


def options(*arguments: object) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args([*map(str, arguments)])


def test_the_command_tells_text_json_and_markdown(files: Any, capsys: Any) -> None:
    old, new = files({"pattern": "^a|b$"}, {"pattern": "^a|c$"})

    assert run(options(old, new)) == 1
    assert "breaking (1)" in capsys.readouterr().out
    assert run(options(old, new, "--format", "json")) == 1
    assert json.loads(capsys.readouterr().out)["changes"][0]["grade"] == "breaking"
    assert run(options(old, new, "--format", "markdown")) == 1
    assert r"^a\|b$" in capsys.readouterr().out
    assert run(options(old, old)) == 0
    assert "nothing changed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("openapi: 3.1.0\npaths: {}\n", "openapi.yaml:1: openapi: OpenAPI 3.0.x is served"),
        ("openapi: 3.0.3\ninfo: {version: one}\npaths: {}\n", "it has to be a semantic version"),
        ("[", "openapi.yaml:"),
        ("openapi: 3.0.3\ninfo: {version: 1.0.0}\npaths: {/a: {$ref: '#/b'}}\n", "at nothing"),
    ],
)
def test_what_is_no_contract_is_told_with_its_place(
    tmp_path: Path, capsys: Any, text: str, message: str
) -> None:
    file = tmp_path / "openapi.yaml"
    file.write_text(text)

    assert run(options(file, file)) == 2
    assert message in capsys.readouterr().err
    assert run(options(tmp_path / "none.yaml", file)) == 2


def test_a_release_is_kept_as_it_is_and_never_changed(
    a_document: Any, write: Any, tmp_path: Path
) -> None:
    contract, folder = write("openapi.yaml", a_document("1.10.0")), tmp_path / "released"

    file = release(contract, folder)

    assert file == folder / "1.10.0/openapi.yaml"
    assert file.read_bytes() == contract.read_bytes()
    assert release(contract, folder) == file
    with pytest.raises(NotReleased, match=r"1\.10\.0 was released with other content"):
        release(write("other.yaml", a_document("1.10.0", summary="Other")), folder)
    with pytest.raises(NotReleased, match=r"1\.9\.0 comes before it"):
        release(write("older.yaml", a_document("1.9.0")), folder)
    with pytest.raises(NotReleased, match="is no release"):
        release(write("before.yaml", a_document("2.0.0-rc.1")), folder)


def test_the_last_release_is_the_highest_version(
    a_document: Any, write: Any, tmp_path: Path
) -> None:
    for version in ("0.9.0", "0.10.0"):
        write(f"released/{version}/openapi.yaml", a_document(version))

    assert latest_release(tmp_path / "released").parent.name == "0.10.0"
    with pytest.raises(NotReleased, match="has no release"):
        latest_release(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("released", "breaking", "other", "nothing"),
    [("1.4.2", "2.0.0", "1.5.0", "1.4.2"), ("0.4.2", "0.5.0", "0.4.3", "0.4.2")],
)
def test_versions_are_raised_by_what_changed(
    released: str, breaking: str, other: str, nothing: str, a_document: Any
) -> None:
    old = parse(released)
    worst = {c.grade for c in compare(a_document(), a_document(operationId="other"))}
    mild = {c.grade for c in compare(a_document(), a_document(deprecated=True))}

    versions = [str(needed(old, grades)) for grades in (worst, mild, set())]

    assert versions == [breaking, other, nothing]


@pytest.mark.parametrize("text", ["1", "1.0", "v1.0.0", "01.0.0", "1.0.0\n", None, 1.0])
def test_what_is_no_semantic_version_is_refused(text: object) -> None:
    with pytest.raises(NoVersion):
        parse(text)
    assert parse("1.2.3-rc.1+build") == Version(1, 2, 3)
