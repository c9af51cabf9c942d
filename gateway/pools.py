"""The instances of a service, as its addresses and names make them."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from gateway.endpoints import Endpoint, Name, read_place
from gateway.instances import Instance, Instances

logger = logging.getLogger(__name__)


class Pool:
    """One service. Its ``instances`` change with what is found under its ``names``."""

    def __init__(self, service: str, urls: Sequence[str]) -> None:
        places = [read_place(url) for url in urls]
        self.service = service
        self.names = [place for place in places if isinstance(place, Name)]
        self._unanswered = set(self.names)
        self._endpoints: dict[Endpoint | Name, tuple[Endpoint, ...]] = {
            place: place.endpoints_at_first() if isinstance(place, Name) else (place,)
            for place in places
        }
        self.instances = Instances([Instance(service, each) for each in self._all()])

    def found(self, name: Name, endpoints: Sequence[Endpoint]) -> None:
        """Takes in where a name is now.

        What vanished gets no new requests, and ends those it has. What is new is asked when a
        health check found it ready: a record may be there before the process behind it listens.
        """
        is_first = name in self._unanswered
        self._unanswered.discard(name)
        self._endpoints[name] = tuple(endpoints)
        known = {each.address: each for each in self.instances.all}
        present = []
        for endpoint in self._all():
            instance = known.pop((endpoint.url, endpoint.host), None)
            if instance is None:
                instance = Instance(self.service, endpoint)
                if not is_first:
                    instance.wait_for_check()
                logger.info("%s is at %s", self.service, endpoint.url)
            instance.rank(endpoint)
            present.append(instance)
        for instance in known.values():
            logger.info("%s is not at %s any more", self.service, instance.url)
        self.instances.replace(present)

    def _all(self) -> list[Endpoint]:
        """Each once, though two names may lead to it."""
        every = [each for endpoints in self._endpoints.values() for each in endpoints]
        return list({(each.url, each.host): each for each in every}.values())
