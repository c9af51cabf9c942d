"""Cases for caches, by the method of the public suite http-tests/cache-tests, in words of our own.

The names are the suite's, so that results can be compared. Each case is a short talk of a client
and an origin: what the origin says if it is asked, what the client is told, and whether the origin
was asked for it. Only what the suite calls *required* is here, for shared caches that are no CDN.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.unit.gateway.caching.origin import Lines, Says, says

# What a case may find: the answer is a new one of the origin, or one that was kept, or the origin
# was asked whether that is still good, and said so.
ASKED, KEPT, BY_ETAG, BY_DATE = "asked", "kept", "if-none-match", "if-modified-since"
DATE = ("Date", 0)
LONG = ("Cache-Control", "max-age=100000")
FRESH: Lines = (LONG, ("Expires", 100000), ("Last-Modified", 0), DATE)
STALE: Lines = (("Expires", -5000), ("Last-Modified", -100000), DATE)
PAUSE = 3  # seconds after a step


@dataclass(frozen=True)
class Step:
    """One request. ``found``: how it was answered; None: that does not matter."""

    says: Says = field(default_factory=Says)
    found: str | None = None
    request: dict[str, Any] = field(default_factory=dict)
    status: int | None = None
    has: Lines = ()
    lacks: tuple[str, ...] = ()
    older_than: int | None = None
    sends: Lines = ()
    body: bytes | None = None


@dataclass(frozen=True)
class Case:
    name: str
    steps: tuple[Step, ...]


def cc(value: str) -> tuple[str, str]:
    return ("Cache-Control", value)


def twice(name: str, found: str, *headers: tuple[str, Any], **other: Any) -> Case:
    """The same request twice, the second after a pause."""
    said = says(*headers, **other)
    return Case(name, (Step(said), Step(said, found)))


def freshness() -> Iterator[Case]:
    """How long an answer is good, by Cache-Control."""
    yield twice("freshness-max-age-stale", ASKED, cc("max-age=2"))
    yield twice("freshness-max-age-0", ASKED, cc("max-age=0"))
    yield twice("freshness-max-age-age", ASKED, DATE, cc("max-age=3600"), ("Age", "7200"))
    yield twice("freshness-max-age-0-expires", ASKED, ("Expires", 3600), cc("max-age=0"), DATE)
    yield twice("freshness-max-age-negative", ASKED, cc("max-age=-3600"))
    yield twice("freshness-s-maxage-shared", KEPT, cc("s-maxage=3600"))
    longer = "freshness-max-age-s-maxage-shared-longer"
    yield twice(longer, ASKED, cc("max-age=3600, s-maxage=1"))
    yield twice(f"{longer}-reversed", ASKED, cc("s-maxage=1, max-age=3600"))
    yield twice(f"{longer}-multiple", ASKED, cc("max-age=3600"), cc("s-maxage=1"))
    quoted = "freshness-max-age-ignore-quoted"
    yield twice(quoted, ASKED, cc('extension="max-age=3600", max-age=1'))
    yield twice(f"{quoted}-rev", ASKED, cc('max-age=1, extension="max-age=3600"'))
    yield twice("freshness-max-age-leading-zero", KEPT, cc("max-age=003600"))
    yield twice("freshness-max-age-single-quoted", ASKED, cc("max-age='3600'"))


def ages() -> Iterator[Case]:
    """What ``Age`` may look like."""
    forms: dict[str, tuple[str, ...]] = {
        "nonnumeric": (KEPT, "abc"),
        "negative": (KEPT, "-7200"),
        "float": (KEPT, "7200.0"),
        "large-minus-one": (ASKED, "2147483647"),
        "large": (ASKED, "2147483648"),
        "larger": (ASKED, "2147483649"),
        "suffix": (ASKED, "7200, 0"),
        "prefix": (KEPT, "0, 7200"),
        "suffix-twoline": (ASKED, "7200", "0"),
        "prefix-twoline": (KEPT, "0", "7200"),
        "dup-0": (KEPT, "0, 0"),
        "dup-0-twoline": (KEPT, "0", "0"),
    }
    for name, (found, *lines) in forms.items():
        given = [("Age", line) for line in lines]
        yield twice(f"age-parse-{name}", found, DATE, cc("max-age=3600"), *given)
    twice_old = (("Age", "3600"), ("Age", "3600"))
    yield twice("age-parse-dup-old", KEPT, DATE, cc("max-age=10000"), *twice_old)


def expiry() -> Iterator[Case]:
    """How long an answer is good, by Expires, and what is no date."""
    month = 30 * 24 * 60 * 60
    yield twice("freshness-expires-past", ASKED, ("Expires", -month), DATE)
    yield twice("freshness-expires-present", ASKED, ("Expires", 0), DATE)
    yield twice("freshness-expires-old-date", ASKED, ("Expires", 300), ("Date", 400))
    yield twice("freshness-expires-invalid", ASKED, ("Expires", "0"), DATE)
    aged = (("Expires", 10), ("Date", -10), ("Age", "25"))
    yield twice("freshness-expires-age-slow-date", ASKED, *aged)
    aged = (("Expires", 20), ("Date", 10), ("Age", "15"))
    yield twice("freshness-expires-age-fast-date", ASKED, *aged)
    wrong = {
        "utc": "Thu, 18 Aug 2050 02:01:18 UTC",
        "aest": "Thu, 18 Aug 2050 02:01:18 AEST",
        "2-digit-year": "Thu, 18 Aug 50 02:01:18 GMT",
        "no-comma": "Thu 18 Aug 2050 02:01:18 GMT",
        "multiple-spaces": "Thu, 18  Aug  2050 02:01:18 GMT",
        "date-dashes": "Thu, 18-Aug-2050 02:01:18 GMT",
        "time-periods": "Thu, 18 Aug 2050 02.01.18 GMT",
        "1-digit-hour": "Thu, 18 Aug 2050 2:01:18 GMT",
    }
    for name, date in wrong.items():
        yield twice(f"freshness-expires-invalid-{name}", ASKED, ("Expires", date), DATE)
    lines = [("Expires", f"Thu, 18 Aug 2050 2:01:{second} GMT") for second in (18, 19)]
    yield twice("freshness-expires-invalid-multiple-lines", ASKED, *lines, DATE)


def directives() -> Iterator[Case]:
    """What an answer says beside how long it is good."""
    strong = ("ETag", '"abcd"')
    soon = (("Expires", 10000), DATE)
    yield twice("cc-resp-private-shared", ASKED, cc("private, max-age=3600"))
    yield twice("cc-resp-no-store", ASKED, cc("no-store"))
    yield twice("cc-resp-no-store-case-insensitive", ASKED, cc("No-StOrE"))
    yield twice("cc-resp-no-store-fresh", ASKED, cc("max-age=10000, no-store"), *soon)
    for name, later in (("old-new", "no-store"), ("old-max-age", "no-store, max-age=0")):
        first = Step(says(cc("max-age=10000"), *soon, ("A", "1")))
        second = Step(says(cc(later), DATE, ("A", "2")))
        third = Step(found=KEPT, has=(("A", "1"),))
        yield Case(f"cc-resp-no-store-{name}", (first, second, third))
    yield twice("cc-resp-no-cache", ASKED, cc("max-age=10000, no-cache"), *soon)
    mixed = cc("max-age=10000, No-CaChE")
    yield twice("cc-resp-no-cache-case-insensitive", ASKED, mixed, *soon)
    said = says(cc("max-age=4, must-revalidate"), strong)
    steps = (Step(said), Step(said, KEPT), Step(said, BY_ETAG))
    yield Case("cc-resp-must-revalidate-stale", steps)


# Name, and the value that it is stored with where that matters.
STORED = {
    "Test-Header": "x", "X-Test-Header": "x", "Content-Foo": "x", "X-Content-Foo": "x",
    "Cache-Control": "max-age=3600", "Content-Encoding": "x", "Content-Length": "10",
    "Content-Location": "/bar", "Content-MD5": "N7UdGUp1E+RbVvZSTy1R8g==", "Content-Range": "x",
    "Content-Security-Policy": "default-src 'self' cdn.example.com",
    "Content-Type": "text/plain;charset=utf-8", "Clear-Site-Data": "cookies", "ETag": '"ghijkl"',
    "Expires": "Mon, 11 Jan 2038 11:11:11 GMT", "Public-Key-Pins": "x", "Set-Cookie": "a=c",
    "Set-Cookie2": "a=c", "X-Frame-Options": "sameorigin", "X-XSS-Protection": "1; mode=block",
}  # fmt: skip
NOT_STORED = (
    "Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info",
    "Proxy-Authorization", "Proxy-Connection", "TE", "Transfer-Encoding", "Upgrade",
)  # fmt: skip
TEN = b"0123456789"


def stored_headers() -> Iterator[Case]:
    """Which headers are kept."""
    listed = (("Connection", "a, b"), ("a", "1"), ("b", "2"), ("c", "3"))
    second = Step(found=KEPT, has=(("c", "3"),), lacks=("a", "b"))
    name = "headers-omit-headers-listed-in-Connection"
    yield Case(name, (Step(says(*FRESH, *listed)), second))
    for name, value in STORED.items():
        long = () if name == "Cache-Control" else (cc("max-age=3600"),)
        said = says(DATE, (name, value), *long, body=TEN)
        second = Step(found=KEPT, has=((name, value),))
        yield Case(f"headers-store-{name}", (Step(said), second))
    for name in NOT_STORED:
        said = says(DATE, (name, "x"), cc("max-age=3600"))
        yield Case(f"headers-store-{name}", (Step(said), Step(found=KEPT, lacks=(name,))))


def statuses() -> Iterator[Case]:
    """Which statuses are kept, and for how long."""
    old = (("Last-Modified", -24 * 60 * 60), DATE)
    for code in (201, 202, 403, 502, 503, 504, 599):
        yield twice(f"heuristic-{code}-not_cached", ASKED, *old, status=code)
    for code in (
        200, 203, 204, 299, 301, 302, 303, 307, 308, 400, 404, 410, 499, 500, 502, 503, 504, 599,
    ):  # fmt: skip
        yield twice(f"status-{code}-stale", ASKED, *STALE, status=code)
    strange = cc("max-age=3600, no-store, must-understand")
    yield twice("status-599-must-understand", ASKED, strange, status=599)


def changes() -> Iterator[Case]:
    """What a change does to what is kept."""
    for method in ("POST", "PUT", "DELETE", "M-SEARCH"):
        change = Step(request={"method": method})
        steps = (Step(says(*FRESH)), change, Step(says(*FRESH), ASKED))
        yield Case(f"invalidate-{method}", steps)


def other() -> Iterator[Case]:
    """Age, Date, queries, credentials and partial answers."""
    fresh, month = says(*FRESH), 30 * 24 * 60 * 60
    expires = (("Expires", month), DATE)
    yield Case("other-age-gen", (Step(fresh), Step(found=KEPT, older_than=2)))
    aged = says(*expires, ("Age", "30"))
    yield Case("other-age-update-expires", (Step(aged), Step(found=KEPT, older_than=32)))
    aged = says(*FRESH, ("Age", "30"))
    yield Case("other-age-update-max-age", (Step(aged), Step(found=KEPT, older_than=32)))
    then = Step(found=KEPT, has=(("Date", -PAUSE),))
    yield Case("other-date-update", (Step(fresh), then))
    yield Case("other-date-update-expires", (Step(says(*expires)), then))
    one, two = (Step(fresh, request={"query": f"test={n}"}, found=ASKED) for n in (1, 2))
    yield Case("query-args-different", (one, two))
    with_credential = Step(fresh, request={"who": {"tenant": "ann", "scopes": frozenset("r")}})
    yield Case("other-authorization", (with_credential, Step(fresh, ASKED)))
    whole = Step(says(cc("max-age=3600"), ("A", "1"), body=b"01234567890"))
    part = {"request": {"headers": (("Range", "bytes=0-1"),)}, "status": 206, "body": b"01"}
    said = says(("A", "2"), status=206, body=b"01")
    yield Case("partial-use-headers", (whole, Step(said, KEPT, **part)))
    second = Step(said, KEPT, **part, has=(("A", "1"),))
    yield Case("partial-use-stored-headers", (whole, second))


def stale() -> Iterator[Case]:
    """What is given when it is no longer good."""
    waiting = says(cc("max-age=1, stale-while-revalidate=4"), ("ETag", '"abc"'))
    now = says(cc("no-cache"), ("ETag", '"def"'), status=201)
    steps = (Step(waiting), Step(now, KEPT), Step(now, ASKED))
    yield Case("stale-while-revalidate-window", steps)
    closes = Step(Says(breaks=True), status=502)
    for directive in ("must-revalidate", "proxy-revalidate", "no-cache", "s-maxage=2"):
        said = says(cc(f"max-age=2, {directive}"))
        yield Case(f"stale-close-{directive}", (Step(said), closes))


def checks() -> Iterator[Case]:
    """Conditions, and what a 304 changes."""
    tag = ("ETag", '"abcdef"')
    given: dict[str, Any] = {"headers": (("If-None-Match", '"abcdef"'),)}
    first = Step(says(*FRESH, tag))
    second = Step(found=KEPT, request=given, status=304, has=(tag,))
    yield Case("conditional-304-etag", (first, second))
    both: dict[str, Any] = {"headers": (*given["headers"], ("If-Modified-Since", -9000))}
    first = Step(says(cc("max-age=3600"), ("Last-Modified", -5000), DATE, tag))
    second = Step(found=KEPT, request=both, status=304)
    yield Case("conditional-etag-precedence", (first, second))
    chosen = Step(
        says(("Expires", 1), tag, DATE, ("Vary", "Abc")),
        request={"headers": (("Abc", "123"),)},
    )
    again = Step(chosen.says, BY_ETAG, chosen.request, sends=(("abc", "123"),))
    yield Case("conditional-etag-vary-headers", (chosen, again))
    dated = ("Last-Modified", "Wed, 01 Jan 2020 00:00:00 GMT")
    first = Step(says(cc("max-age=2"), dated, DATE, ("Test-Header", "a")))
    second = Step(says(dated, DATE), BY_DATE, has=(("Test-Header", "a"),))
    yield Case("304-lm-use-stored-Test-Header", (first, second))
    for name in ("Test-Header", "X-Test-Header", "Content-Foo", "X-Content-Foo"):
        yield updated(name, "a", "b", "b")
    yield updated("Content-Length", "10", "36", "10")
    said = [says(DATE, tag, cc(value), body=TEN) for value in ("max-age=2", "max-age=3600")]
    new = (cc("max-age=3600"),)
    steps = (Step(said[0]), Step(said[1], BY_ETAG, has=new), Step(found=KEPT, has=new))
    yield Case("304-etag-update-response-Cache-Control", steps)


def updated(name: str, old: str, new: str, expected: str) -> Case:
    tag, has = ("ETag", '"abcdef"'), ((name, expected),)
    first, second = (says(DATE, (name, v), cc("max-age=4"), tag, body=TEN) for v in (old, new))
    aged = Says((*first.headers, ("Age", "2")), body=TEN)
    steps = (Step(aged), Step(second, BY_ETAG, has=has), Step(found=KEPT, has=has))
    return Case(f"304-etag-update-response-{name}", steps)


def variants() -> Iterator[Case]:
    """What the request says, and the answer depends on."""
    base: Lines = (cc("max-age=5000"), ("Last-Modified", -3000), DATE)

    def case(name: str, vary: str | Lines, first: Lines, second: Lines) -> Case:
        lines = (("Vary", vary),) if isinstance(vary, str) else vary
        said = says(*base, *lines)
        steps = (
            Step(said, request={"headers": first}),
            Step(said, ASKED, request={"headers": second}),
        )
        return Case(name, steps)

    foo, bar, baz = ("Foo", "1"), ("Bar", "abc"), ("Baz", "789")
    both, three = "Foo, Bar", "Foo, Bar, Baz"
    yield case("vary-no-match", "Foo", (foo,), (("Foo", "2"),))
    yield case("vary-omit-stored", "Foo", (), (foo,))
    yield case("vary-omit", "Foo", (foo,), ())
    yield case("vary-2-no-match", both, (foo, bar), (("Foo", "2"), bar))
    yield case("vary-2-match-omit", both, (foo, bar), ())
    yield case("vary-3-no-match", three, (foo, bar, baz), (("Foo", "2"), bar, baz))
    yield case("vary-3-order", three, (foo, bar, baz), (foo, baz, ("Bar", "abcde")))
    lines = (("Vary", "*"), ("Vary", "*"))
    forms: dict[str, str | Lines] = {
        "vary-star": "*",
        "vary-syntax-star": "*",
        "vary-syntax-star-star": "*, *",
        "vary-syntax-star-star-lines": lines,
        "vary-syntax-empty-star": ", *",
        "vary-syntax-empty-star-lines": (("Vary", ""), ("Vary", "*")),
        "vary-syntax-star-foo": "*, Foo",
        "vary-syntax-foo-star": "Foo, *",
    }
    for name, vary in forms.items():
        yield case(name, vary, (foo, baz), (foo, baz))


FAMILIES = (
    freshness, ages, expiry, directives, stored_headers, statuses, changes, other, stale, checks,
    variants,
)  # fmt: skip
CASES = tuple(case for family in FAMILIES for case in family())
