"""What consumers rely on: how it is written down, and when an answer is as it is relied on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.door import Door
from contracts.exchanges.matching import ABSENT, MatcherFault, check_matcher, mismatches
from contracts.exchanges.playing import differences, play
from contracts.exchanges.reading import ExchangeFault, read, read_all
from contracts.services import ROOT
from contracts.wire import Answer, Request


@pytest.mark.parametrize(
    ("matcher", "value", "fits"),
    [
        ("a", "a", True),
        ("a", "b", False),
        (1, 1, True),
        (1, True, False),
        (None, None, True),
        (None, ABSENT, False),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1}, {"b": 2}, False),
        ({"a": 1}, [1], False),
        ({"a": {"$absent": True}}, {"b": 2}, True),
        ({"a": {"$absent": True}}, {"a": None}, False),
        ([1, 2], [1, 2], True),
        ([1], [1, 2], False),
        ({"$any": True}, None, True),
        ({"$any": True}, ABSENT, False),
        ({"$type": "integer"}, 1, True),
        ({"$type": "integer"}, True, False),
        ({"$type": "string"}, ABSENT, False),
        ({"$regex": "[0-9]+"}, "42", True),
        ({"$regex": "[0-9]+"}, "42a", False),
        ({"$regex": "[0-9]+"}, 42, False),
        ({"$one_of": ["a", "b"]}, "b", True),
        ({"$one_of": ["a", "b"]}, "c", False),
        ({"$each": {"$type": "string"}}, ["a", "b"], True),
        ({"$each": {"$type": "string"}}, ["a", 1], False),
        ({"$each": {"$any": True}, "$min": 1}, [], False),
        ({"$contains": {"a": 1}}, [{"a": 2}, {"a": 1}], True),
        ({"$contains": {"a": 1}}, [{"a": 2}], False),
    ],
)
def test_a_value_is_matched(matcher: Any, value: Any, fits: bool) -> None:
    check_matcher(matcher)

    assert (list(mismatches(matcher, value)) == []) == fits


def test_a_mismatch_says_where_and_what_would_be_right() -> None:
    found = list(mismatches({"items": [{"name": "a"}]}, {"items": [{"name": "b"}]}))

    assert found == [("/items/0/name", '"b" is there, not "a"')]


@pytest.mark.parametrize(
    ("matcher", "told"),
    [
        ({"$like": 1}, "there is no matcher $like; there are: $any"),
        ({"$type": "text"}, "there is no type text; there are: string"),
        ({"$regex": "("}, "is no regular expression"),
        ({"a": [{"$each": {"$like": 1}}]}, "there is no matcher $like"),
        ({"$any": True, "a": 1}, "stands beside names of members"),
    ],
)
def test_what_is_no_matcher_is_refused(matcher: Any, told: str) -> None:
    with pytest.raises(MatcherFault, match=told.replace("$", r"\$")):
        check_matcher(matcher)


def test_an_answer_is_compared_by_status_headers_and_body() -> None:
    answer = Answer(200, (("content-type", "application/json"), ("etag", '"a"')), b'{"a": 1}')

    assert list(differences({"status": 200, "body": {"a": 1}}, answer)) == []
    expected = {"status": 201, "headers": {"ETag": '"b"', "Link": {"$any": True}}, "body": {"a": 2}}
    assert [each.partition(":")[0] for each in differences(expected, answer)] == [
        "The status is 200, not 201",
        "The header ETag",
        "The header Link",
        "The body, /a",
    ]


def test_lines_are_compared_each_as_json() -> None:
    answer = Answer(200, (), b'{"a": 1}\n{"a": 2}\n')

    assert list(differences({"status": 200, "lines": [{"a": 1}, {"a": 2}]}, answer)) == []
    assert list(differences({"status": 200, "lines": [{"a": 1}]}, answer)) != []


def written(folder: Path, **changed: Any) -> Path:
    exchange = {
        "description": "It is there",
        "why": "It is needed.",
        "request": {"method": "GET", "path": "/v1/devices/{new}"},
        "answer": {"status": 200},
    }
    content = {"consumer": "x", "asks": "gateway", "exchanges": [exchange | changed]}
    file = folder / "x.json"
    file.write_text(json.dumps(content, indent=1))
    return file


def test_a_file_is_read_with_the_lines_of_its_exchanges(tmp_path: Path) -> None:
    consumer = read(written(tmp_path))

    (exchange,) = consumer.exchanges
    assert (consumer.name, consumer.asks) == ("x", "gateway")
    assert exchange.description == "It is there"
    assert exchange.place == "x.json:5"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (
            {"request": {"method": "GET", "path": "/", "bodi": 1}},
            "/request/bodi: is not known",
        ),
        ({"answer": {"status": 200, "body": {"$like": 1}}}, "/answer/body: there is no matcher"),
        (
            {"request": {"method": "GET", "path": "/{etag}"}},
            r"/request: \{etag\} was not captured before; there are: \{new\}",
        ),
        ({"why": ""}, "/why: "),
        ({"alsso": []}, "/alsso: is not known here"),
        (
            {"also": [{"request": {"method": "GET", "path": "/"}}]},
            '/also/0: "answer" is a required',
        ),
        (
            {"also": [{"request": {"method": "GET", "path": "/"}, "answr": {"status": 200}}]},
            "/also/0/answr: is not known here; there are: answer, request",
        ),
        (
            {"also": [{"request": {"method": "GET", "path": "/{a}"}, "answer": {"status": 200}}]},
            r"/also: \{a\} was not captured before",
        ),
        (
            {
                "also": [
                    {
                        "request": {"method": "GET", "path": "/"},
                        "answer": {"status": 200, "text": {"$like": 1}},
                    }
                ]
            },
            "/also/0/answer/text: there is no matcher",
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_told_with_its_line(
    tmp_path: Path, changed: dict[str, Any], told: str
) -> None:
    with pytest.raises(ExchangeFault, match=rf"x\.json:[0-9]+: .*{told}"):
        read(written(tmp_path, **changed))


class Saying(Door):
    """A service that gives the same answer whatever it is asked, and keeps what that was."""

    def __init__(self, status: int) -> None:
        self.status = status
        self.asked: list[str] = []

    def door(self, who: Any) -> Door:
        return self

    def ask(self, request: Request) -> Answer:
        self.asked.append(request.target)
        return Answer(self.status, (), b"")

    def curl(self, request: Request) -> str:
        return request.target


def test_all_that_is_asked_beside_has_to_be_answered_so(tmp_path: Path) -> None:
    beside = [
        {"request": {"method": "GET", "path": f"/{status}"}, "answer": {"status": status}}
        for status in (200, 204, 200)
    ]
    (exchange,) = read(written(tmp_path, also=beside)).exchanges
    service = Saying(200)

    broken = play(exchange, service)

    assert broken is not None
    assert broken.how.startswith("The status is 200, not 204")
    assert broken.curl == "/204"
    assert service.asked[1:] == ["/200", "/204"]


def test_the_files_that_rely_on_something_exist() -> None:
    exchanges = [each for consumer in read_all() for each in consumer.exchanges]
    named = {file for each in exchanges for file in each.content.get("relied_on_in", ())}

    assert named
    assert [file for file in named if not (ROOT / file).is_file()] == []
