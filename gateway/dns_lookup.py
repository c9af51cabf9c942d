"""Asks DNS for the addresses of a name (A, AAAA), and for its services (SRV, RFC 2782)."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.resolver

from gateway.discovery import Found, LookupFailed
from gateway.dns_settings import DnsServer
from gateway.endpoints import Endpoint, Name

PATIENCE = 3.0  # seconds for an answer, of whichever server
PAYLOAD = 1232  # bytes of an answer by UDP (DNS Flag Day 2020); TCP is asked for what is longer
LEAST_WEIGHT = 0.1  # of a record with weight 0: "a very small chance" beside others (RFC 2782)


class DnsLookup:
    """Asks the servers that are given, or those of ``/etc/resolv.conf``."""

    def __init__(self, servers: Sequence[DnsServer] = ()) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        if servers:
            self._resolver.nameservers = [dns.nameserver.Do53Nameserver(*each) for each in servers]
        self._resolver.lifetime = PATIENCE
        self._resolver.timeout = PATIENCE / 3  # of one try, so that a lost packet is asked for anew
        self._resolver.use_edns(0, 0, PAYLOAD)

    async def find(self, name: Name) -> Found:
        """Where the name is; or ``LookupFailed``."""
        try:
            if name.port is None:
                return await self._find_services(name)
            addresses, ttl = await self._addresses(name.host)
        except (dns.exception.DNSException, OSError) as exc:
            raise LookupFailed(str(exc)) from exc
        if not addresses:
            raise LookupFailed("it has no address")
        return Found(tuple(name.endpoint(each, name.port) for each in addresses), ttl)

    async def _find_services(self, name: Name) -> Found:
        answer = await self._ask(name.host, "SRV")
        # The root as a target: decidedly no such service (RFC 2782).
        records = [each for each in answer or () if each.target != dns.name.root]
        hosts = await asyncio.gather(*(self._addresses(str(each.target)) for each in records))
        endpoints: list[Endpoint] = []
        for record, (addresses, _) in zip(records, hosts, strict=True):
            weight = max(record.weight, LEAST_WEIGHT) / max(len(addresses), 1)
            endpoints += (
                name.endpoint(each, record.port, record.priority, weight) for each in addresses
            )
        if answer is None or not endpoints:
            raise LookupFailed("it has no SRV record whose target has an address")
        return Found(tuple(endpoints), min(_ttl(answer), *(ttl for _, ttl in hosts)))

    async def _addresses(self, host: str) -> tuple[list[str], float]:
        """Of both families: which of them are reachable, the health checks find out."""
        asked = await asyncio.gather(
            self._ask(host, "A"), self._ask(host, "AAAA"), return_exceptions=True
        )
        faults = [each for each in asked if isinstance(each, BaseException)]
        answers = [each for each in asked if isinstance(each, dns.resolver.Answer) and each.rrset]
        if faults and not answers:
            raise faults[0]
        found = [record.address for answer in answers for record in answer]
        return found, min(map(_ttl, answers), default=0.0)

    async def _ask(self, host: str, kind: str) -> dns.resolver.Answer | None:
        try:
            return await self._resolver.resolve(host, kind, raise_on_no_answer=False, search=True)
        except dns.resolver.NXDOMAIN:
            return None


def _ttl(answer: dns.resolver.Answer) -> float:
    return float(answer.chaining_result.minimum_ttl)  # of the aliases on the way, too
