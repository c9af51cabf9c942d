"""A DNS server of its own for a test, over UDP and a real socket."""

from __future__ import annotations

import socket
import threading
from types import TracebackType

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

Key = tuple[str, str]


class NameServer:
    """Answers out of ``records``: ``(name, type)`` to the records' texts.

    A context manager. ``ttl`` holds for all; ``is_silent``: it does not answer at all.
    """

    def __init__(self, ttl: int = 1) -> None:
        self.records: dict[Key, list[str]] = {}
        self.ttl = ttl
        self.is_silent = False
        self.asked: list[Key] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, client = self._socket.recvfrom(4096)
            if not query:
                return
            message = dns.message.from_wire(query)
            self.asked.append(_key(message))
            if not self.is_silent:
                self._socket.sendto(self._answer(message).to_wire(), client)

    def _answer(self, query: dns.message.Message) -> dns.message.Message:
        name, kind = _key(query)
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        if alias := self.records.get((name, "CNAME")):
            response.answer.append(self._rrset(name, "CNAME", alias))
            name = alias[0].rstrip(".")
        if found := self.records.get((name, kind)):
            response.answer.append(self._rrset(name, kind, found))
        elif not any(known == name for known, _ in self.records):
            response.set_rcode(dns.rcode.NXDOMAIN)
        return response

    def _rrset(self, name: str, kind: str, texts: list[str]) -> dns.rrset.RRset:
        return dns.rrset.from_text(f"{name}.", self.ttl, "IN", kind, *texts)


def _key(query: dns.message.Message) -> Key:
    question = query.question[0]
    return question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
