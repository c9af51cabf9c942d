"""Builders of runs, and one run of every kind of part, as the suite might come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.findings import Finding, Result, Run, Table

# Markup, script, quotes, what acts on a terminal, what XML does not have, what is no text at all.
HOSTILE = (
    "</script><script>document.title = 'taken'</script><img src=x onerror=alert(1)>"
    " ]]> & \" ' {{ 7 * 7 }} [bold]no[/bold] \x00\x07\x1b[2J\x1b]0;taken\x07 \r\x85\u202e\u2028"
    "\ud800 \ufffe \U0001f600"
)
CURL = (
    "curl -i -X PATCH -H \"X-API-Key: $DOORSTEP_API_KEY\" -H 'Content-Type: application/json' "
    "-d '{\"name\": null}' http://127.0.0.1:8080/v1/devices/hall-lamp"
)


def a_finding(title: str = "A name may be null", **more: Any) -> Finding:
    return Finding(title, **more)


def a_table(
    title: str = "Operations", rows: Sequence[Sequence[str]] = (("get_device", "54"),)
) -> Table:
    return Table(title, ["operation", "cases"], rows)


def a_result(part: str = "fuzz", **more: Any) -> Result:
    given = {"title": "Fuzzing", "cases": 1234, "seconds": 12.34}
    return Result(part, **{**given, **more})


def a_run(*results: Result, **more: Any) -> Run:
    given: dict[str, Any] = {
        "started": "2026-01-02T03:04:05Z",
        "contract": "1.4.0",
        "subject": "both services of this checkout",
        "seed": 1,
        "command": "python -m contracts --seed 1",
        "seconds": 192.5,
    }
    return Run(**{**given, **more}, results=results)


def a_whole_run() -> Run:
    """Parts of each verdict, a matrix of 54 by 20, a table of 3,000 rows, hostile texts."""
    return a_run(
        a_result(part="lint", title="Linters", cases=4, seconds=3.1),
        _fuzz(),
        _authorisation(),
        _coverage(),
        a_result(
            part="diff",
            title="Changes since the release",
            cases=0,
            seconds=0.0,
            skipped="there is no released contract to compare with",
        ),
        a_result(
            part="wire",
            title=HOSTILE,
            findings=[a_finding(HOSTILE, detail=HOSTILE, operation=HOSTILE, curl=HOSTILE)],
            tables=[a_table(HOSTILE, [[HOSTILE, HOSTILE]])],
        ),
    )


def _fuzz() -> Result:
    return a_result(
        cases=5120,
        seconds=98.7,
        findings=[
            a_finding(
                "A request that the contract allows is refused",
                operation="update_device",
                detail='sent:  PATCH /v1/devices/hall-lamp  {"name": null}\n'
                "seen:  400 Bad Request\n"
                "right: 200, as the schema DevicePatch says nullable: true",
                curl=CURL,
            ),
            *(
                a_finding(
                    "A request that the contract allows is refused",
                    operation=f"update_thing_{number}",
                    curl=CURL,
                )
                for number in range(60)
            ),
            a_finding(
                "No request was ever accepted, so fuzzing it proved nothing",
                operation="restore_device",
            ),
            a_finding(
                "The service logged an error of its own",
                detail="Traceback (most recent call last):\n"
                + '  File "inventory/handlers.py", line 12, in get_device\n' * 200
                + "KeyError: "
                + "a" * 3000,
            ),
        ],
        tables=[
            Table(
                "Operations, as fuzzed",
                ["operation", "cases", "accepted", "slowest"],
                [
                    ["get_device", "1,204", "98.2 %", "12 ms"],
                    ["list_devices", "987", "100 %", "1.2 s"],
                    ["create_device", "98", "7.25 %", "840 ms"],
                    ["restore_device", "12", "0 %", ""],
                ],
            )
        ],
    )


def _authorisation() -> Result:
    who = ["nobody", "expired", "revoked", *(f"scope {number}" for number in range(1, 17))]
    rows = [
        [f"operation_{number}", *("✓ 200" if (number + n) % 3 else "✗ 403" for n in range(19))]
        for number in range(54)
    ]
    return a_result(
        part="authorisation",
        title="Who may do what",
        cases=1026,
        seconds=21.4,
        tables=[Table("Each operation for each credential", ["operation", *who], rows)],
    )


def _coverage() -> Result:
    rows = [
        [f"operation_{n % 54}", f"/components/schemas/Device/properties/p{n}", "enum", str(n % 97)]
        for n in range(3000)
    ]
    table = Table("Each branch of the contract", ["operation", "place", "kind", "hits"], rows)
    return a_result(part="coverage", title="Coverage of the contract", cases=3000, tables=[table])
