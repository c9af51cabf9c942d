"""The one table of the gateway's own errors: which problem each of them is."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gateway.upstreams import UpstreamBroken, UpstreamTimeout, UpstreamUnreachable
from openapi.problems import Problem, ProblemType

BAD_GATEWAY = ProblemType(
    "bad-gateway", 502, "The service behind the gateway did not answer properly"
)
GATEWAY_TIMEOUT = ProblemType(
    "gateway-timeout", 504, "The service behind the gateway did not answer in time"
)

# What exactly failed is in the logs: addresses and causes are not for clients.
TRANSLATIONS: Mapping[type[Exception], Callable[[Exception], Problem]] = {
    UpstreamUnreachable: lambda _: Problem(BAD_GATEWAY, "The service could not be reached."),
    UpstreamBroken: lambda _: Problem(BAD_GATEWAY, "The service's answer was broken."),
    UpstreamTimeout: lambda _: Problem(GATEWAY_TIMEOUT, "The service did not answer in time."),
}
