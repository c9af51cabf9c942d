"""The page has all of the run in it, and none of it as markup. What it does is a browser's test."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

from hypothesis import given

from contracts.report.html import ALIKE, LARGE, render, write_html
from tests.unit.contracts.report.runs import (
    CURL,
    HOSTILE,
    a_finding,
    a_result,
    a_run,
    a_table,
    a_whole_run,
)
from tests.unit.contracts.report.test_words import ANY_TEXT

VOID = {"meta", "input", "link", "img", "br"}


class Page(HTMLParser):
    """What a reader of the page meets: tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.data: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.data.append(data)

    @property
    def text(self) -> str:
        return "".join(self.data)

    @property
    def ids(self) -> list[str | None]:
        return [attributes["id"] for _, attributes in self.tags if "id" in attributes]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_the_page_tells_what_was_judged_and_how_to_do_it_again() -> None:
    text = Page(render(a_run(a_result()))).text

    for told in ("All well: 1 part", "both services of this checkout", "1.4.0", "1,234",
                 "2026-01-02T03:04:05Z", "3 min 12 s", "python -m contracts --seed 1"):  # fmt: skip
        assert told in text


def test_a_run_without_parts_is_a_page_too() -> None:
    assert "Nothing was judged." in Page(render(a_run())).text


def test_a_finding_is_there_with_its_lines_as_they_are() -> None:
    finding = a_finding(operation="update_device", detail="  seen: 400\n\tright: 200", curl=CURL)

    page = Page(render(a_run(a_result(findings=[finding]))))

    for told in ("A name may be null", "update_device", "\n  seen: 400\n\tright: 200", CURL):
        assert told in page.text
    assert "part-fuzz-finding-1" in page.ids


def test_findings_of_one_cause_are_one_with_the_others_in_it() -> None:
    findings = [a_finding(operation=f"get_{n}", curl=f"curl /{n}") for n in range(ALIKE + 3)]

    page = Page(render(a_run(a_result(findings=findings))))

    assert page.text.count("A name may be null") == ALIKE + 1
    assert f"curl /{ALIKE}" in page.text
    assert f"curl /{ALIKE + 1}" not in page.text
    assert f"Seen {ALIKE + 2} times more" in page.text
    assert "The others stand in report.json." in page.text
    assert "part-fuzz-finding-2" not in page.ids


def test_hostile_texts_are_text_alone() -> None:
    harmless = Page(render(a_run(a_result("x", title="x", findings=[a_finding("x")]))))
    hostile = Page(render(a_run(a_result(HOSTILE, title=HOSTILE, findings=[a_finding(HOSTILE)]))))

    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert hostile.open == []
    assert "</script><script>document.title = 'taken'</script>" in hostile.text
    assert r"\x1b]0;taken\x07" in hostile.text


@given(ANY_TEXT)
def test_no_text_becomes_markup(text: str) -> None:
    def page(said: str) -> Page:
        finding = a_finding(said, operation="x" + said, detail="x" + said, curl="x" + said)
        table = a_table(said, [["x" + said, "x" + said]])
        result = a_result(said, title=said, findings=[finding, finding], tables=[table])
        return Page(render(a_run(result, subject=said, command=said, started=said)))

    assert [tag for tag, _ in page(text).tags] == [tag for tag, _ in page("x").tags]


def test_the_policy_lets_nothing_run_but_what_is_ours(tmp_path: Path) -> None:
    write_html(a_whole_run(), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_bytes().decode()

    policy = re.findall(r'http-equiv="Content-Security-Policy" content="(.*)"', page)
    style, script = (
        "sha256-" + base64.b64encode(hashlib.sha256(own.encode()).digest()).decode()
        for tag in ("style", "script")
        for own in re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    )
    assert policy == [
        f"default-src 'none'; style-src '{style}'; script-src '{script}';"
        " base-uri 'none'; form-action 'none'"
    ]


def test_the_page_asks_no_network_for_anything() -> None:
    page = Page(render(a_whole_run()))

    loading = {"link", "img", "iframe", "object", "embed", "source", "base"}
    assert loading.isdisjoint(tag for tag, _ in page.tags)
    assert all("src" not in attributes for _, attributes in page.tags)
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert "url(" not in render(a_whole_run())


def test_every_link_leads_to_a_place_of_its_own() -> None:
    names = ("a-b--2", "a b", "a?b", "a-b", "a-b--2")
    parts = [a_result(part, findings=[a_finding()]) for part in names]
    page = Page(render(a_run(*parts, *a_whole_run().results)))

    assert len(page.all("section")) == 1 + len(names) + len(a_whole_run().results)
    assert len(set(page.ids)) == len(page.ids)
    assert {(link["href"] or "").removeprefix("#") for link in page.all("a")} <= set(page.ids)
    labels = [attributes.get("aria-labelledby") for _, attributes in page.tags]
    assert {label for label in labels if label} <= set(page.ids)


def test_a_part_is_reached_by_its_name() -> None:
    assert "part-fuzz" in Page(render(a_run(a_result("fuzz")))).ids


def test_a_large_table_is_closed_until_it_is_asked_for() -> None:
    tables = [a_table(rows=[["x", "1"]] * rows) for rows in (LARGE // 2 - 1, LARGE // 2)]

    small, large = Page(render(a_run(a_result(tables=tables)))).all("details")

    assert "open" in small
    assert "open" not in large


def test_numbers_stand_to_the_right() -> None:
    rows = [["a", "1,204"], ["b", "98.2 %"], ["c", ""], ["d", "−7 ms"]]  # noqa: RUF001

    page = Page(render(a_run(a_result(tables=[a_table(rows=rows)]))))

    assert [cell.get("class") for cell in page.all("td")[-4:]] == ["number"] * 4


def test_a_cell_that_is_a_date_or_address_is_no_number() -> None:
    for text in ("2026-01-02", "127.0.0.1", "3/20", "✗ 403"):
        page = Page(render(a_run(a_result(tables=[a_table(rows=[["a", text]])]))))

        assert page.all("td")[-1].get("class") != "number"
