"""Adds what the gateway itself may answer to the responses that a service's document declares.

A client of the published contract meets the gateway's problem details as well as the service's own
answers: what is published has both.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from openapi.components import resolve
from openapi.problems import MEDIA_TYPE

PROBLEM = {"$ref": "#/components/schemas/Problem"}
# The contract's responses by status.
_COMPONENTS: Mapping[str, str] = {
    "400": "BadRequest",
    "401": "Unauthorized",
    "403": "Forbidden",
    "413": "ContentTooLarge",
    "415": "UnsupportedMediaType",
    "429": "TooManyRequests",
    "500": "InternalServerError",
    "502": "BadGateway",
    "503": "ServiceUnavailable",
    "504": "GatewayTimeout",
}
_OF_SECURITY = ("401", "403")
_OF_BODIES = ("413", "415")


def gateway_statuses(operation: Mapping[str, Any], is_public: bool) -> Iterator[str]:
    """The statuses that the gateway may answer for an operation by itself."""
    for status in _COMPONENTS:
        if status in _OF_SECURITY and is_public:
            continue
        if status in _OF_BODIES and "requestBody" not in operation:
            continue
        yield status


def undeclared(responses: Mapping[str, Any], statuses: Iterable[str]) -> list[str]:
    """Those that the responses say nothing of, not by a range or ``default`` either."""
    return [status for status in statuses if _declared(responses, status) is None]


def with_answers(
    content: Mapping[str, Any], responses: Mapping[str, Any], statuses: Iterable[str]
) -> dict[str, Any]:
    """The responses with those of the gateway; ``content``: where their references lead."""
    both = dict(responses)
    for status in statuses:
        declared = _declared(responses, status)
        if declared is None:
            both[status] = {"$ref": f"#/components/responses/{_COMPONENTS[status]}"}
        else:
            both[status] = _with_problem(resolve(content, declared))
    return both


def _declared(responses: Mapping[str, Any], status: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = (
        responses.get(status) or responses.get(f"{status[0]}XX") or responses.get("default")
    )
    return found


def _with_problem(response: Mapping[str, Any]) -> dict[str, Any]:
    answer = copy.deepcopy(dict(response))
    if "content" not in answer:
        return answer  # which says nothing of what the body is
    own = answer["content"].get(MEDIA_TYPE)
    schema = {"anyOf": [own["schema"], PROBLEM]} if own and "schema" in own else PROBLEM
    answer["content"][MEDIA_TYPE] = {"schema": schema}
    return answer
