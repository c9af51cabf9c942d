"""The one table of the gateway's own errors: which problem each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.upstreams import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from openapi.problems import Problem, ProblemType

TOO_MANY_REQUESTS = ProblemType(
    "too-many-requests", 429, "There were more requests than there may be"
)
MISDIRECTED_REQUEST = ProblemType(
    "misdirected-request", 421, "The request is for a host that is not served here"
)
BAD_GATEWAY = ProblemType(
    "bad-gateway", 502, "The service behind the gateway did not answer properly"
)
INVALID_RESPONSE = ProblemType(
    "invalid-response", 502, "The service behind the gateway did not answer as the contract says"
)
GATEWAY_TIMEOUT = ProblemType(
    "gateway-timeout", 504, "The service behind the gateway did not answer in time"
)
TOO_MANY_UNDER_WAY = ProblemType(
    "too-many-under-way", 429, "There are too many requests under way already"
)
TOO_MANY_STREAMS = ProblemType("too-many-streams", 429, "There are too many streams already")
NOT_YOURS = ProblemType("not-yours", 403, "The credential is bound to a customer")
OUTLIVES_YOURS = ProblemType("outlives-yours", 403, "The key would outlive the one that was sent")
FIRST_KEY = ProblemType("first-key", 409, "The first key is kept on the gateway's machine")
ALREADY_EXPIRED = ProblemType("already-expired", 409, "The key would never be good")

# What exactly failed is in the logs: addresses and causes are not for clients.
TRANSLATIONS: Mapping[type[Exception], Callable[[Exception], Problem]] = {
    UpstreamUnreachable: lambda _: Problem(BAD_GATEWAY, "The service could not be reached."),
    UpstreamBroken: lambda _: Problem(BAD_GATEWAY, "The service's answer was broken."),
    UpstreamTimeout: lambda _: Problem(GATEWAY_TIMEOUT, "The service did not answer in time."),
}
