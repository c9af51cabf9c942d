"""Problem details (RFC 9457): the kinds that both services share, and how one is written."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Headers = list[tuple[bytes, bytes]]

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:doorstep:problem:"


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem: its stable name, its HTTP status and its title in words."""

    slug: str
    status: int
    title: str

    @property
    def uri(self) -> str:
        """The ``type`` member: stable, so clients may branch on it."""
        return TYPE_PREFIX + self.slug


INVALID_REQUEST = ProblemType("invalid-request", 400, "The request is not valid")
MALFORMED_HTTP = ProblemType("malformed-http", 400, "The request is not well-formed HTTP")
UNAUTHORIZED = ProblemType("unauthorized", 401, "A valid credential is required")
INSUFFICIENT_SCOPE = ProblemType(
    "insufficient-scope", 403, "The credential does not have the scope that is needed"
)
NOT_FOUND = ProblemType("not-found", 404, "There is no such resource")
METHOD_NOT_ALLOWED = ProblemType("method-not-allowed", 405, "The path does not have this method")
REQUEST_TIMEOUT = ProblemType("request-timeout", 408, "The request did not come whole in time")
CONTENT_TOO_LARGE = ProblemType("content-too-large", 413, "The content is too large")
URI_TOO_LONG = ProblemType("uri-too-long", 414, "The URL is too long")
UNSUPPORTED_MEDIA_TYPE = ProblemType(
    "unsupported-media-type", 415, "The media type is not supported"
)
TOO_MANY_CONNECTIONS = ProblemType(
    "too-many-connections", 429, "There are too many connections of one address"
)
HEADERS_TOO_LARGE = ProblemType("headers-too-large", 431, "The headers are too large")
INTERNAL_ERROR = ProblemType("internal-error", 500, "Something went wrong here")
SERVICE_UNAVAILABLE = ProblemType(
    "service-unavailable", 503, "The service cannot take requests just now"
)


class Problem(Exception):
    """An error as the client shall see it. Raised anywhere below ``ProblemMiddleware``.

    ``errors`` has a member for each place at fault: ``in`` (body, query, path, header), ``pointer``
    (JSON Pointer, RFC 6901) or ``name``, and ``detail``.
    """

    def __init__(
        self,
        kind: ProblemType,
        detail: str | None = None,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or kind.title)
        self.kind = kind
        self.status = kind.status  # Connexion's security prefers a 403 over a 401 by this name
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


class InsufficientScope(Problem):
    """The credential is good, but not for this. ``sub``: whose it is, for the log alone."""

    def __init__(self, sub: str | None, detail: str, challenge: str | None = None) -> None:
        headers = {"WWW-Authenticate": challenge} if challenge else None
        super().__init__(INSUFFICIENT_SCOPE, detail, headers=headers)
        self.sub = sub


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response: status, headers and body, ready to be sent."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""


def write_problem(problem: Problem, request_id: str | None = None) -> Answer:
    """The problem as an answer of type ``application/problem+json``."""
    members: dict[str, Any] = {
        "type": problem.kind.uri,
        "title": problem.kind.title,
        "status": problem.status,
    }
    if problem.detail:
        members["detail"] = problem.detail
    if request_id:
        members["request_id"] = request_id
    if problem.errors:
        members["errors"] = list(problem.errors)
    # A detail may quote what the client sent, lone surrogates included.
    body = json.dumps(members, ensure_ascii=False).encode("utf-8", "replace")
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", b"%d" % len(body))]
    headers += [(k.lower().encode(), v.encode("latin-1")) for k, v in problem.headers.items()]
    return Answer(problem.status, headers, body)
