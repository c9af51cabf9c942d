"""Every kind of credential: what it is in words, and what an operation has to answer to it."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from contracts.authorisation.expected import LET_IN
from contracts.authorisation.keyring import Keyring, client_of
from contracts.contract import Contract
from contracts.deployment import Deployment
from contracts.door import NOBODY, Credential, api_key, bearer
from contracts.identity import identity_claims, sign
from openapi.document import Operation
from openapi.selection import scopes_of

# Of the form of a key, so that it is looked up; it is nobody's.
UNKNOWN_KEY = "dsk_0123456789abcdef_" + "A" * 43
_ACCESS, _IDENTITY = "doorstep", "inventory"  # audiences of tokens


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of credential. ``words``: in a sentence; ``answer``: 401, 403 or ``LET_IN``.

    ``of``: the credential for an operation, None where there is none of this kind.
    """

    name: str
    words: str
    answer: int | str
    of: Callable[[Operation], Credential | None]


def at_the_gateway(contract: Contract, keyring: Keyring) -> list[Kind]:
    """The kinds of credentials that clients may send."""
    every = scopes_of(contract.document)
    good = keyring.key(every)
    wrong = [
        *_bad_keys(contract, keyring, every),
        *_other_schemes(contract, good),
        *_bad_tokens(),
        *_forged_with_the_public_key(keyring, good, every),
        *_almost_right_tokens(keyring, good, every),
    ]
    return [*wrong, *_by_scope(contract, keyring, every)]


def at_the_inventory(contract: Contract, deployment: Deployment, keyring: Keyring) -> list[Kind]:
    """The kinds that the inventory may be sent, which takes the gateway's identity alone."""
    every = scopes_of(contract.document)
    almost = _forger(deployment, _IDENTITY, "contracts", every)
    identity = deployment.identity
    return [
        _always("no credential", "no credential", NOBODY),
        _always("API key", "an API key that the gateway takes", deployment.admin),
        _always("garbage token", "a bearer token that is garbage", _literal_bearer("garbage")),
        _always("access token", "an access token that the gateway takes",
                bearer("access", keyring.token(keyring.key(every)), "ACCESS_TOKEN")),
        _always("wrong audience", "an identity for somebody else", almost(aud=_ACCESS)),
        _always("wrong issuer", "an identity of another issuer", almost(iss="somebody")),
        _always("expired", "an identity that expired", almost(exp=int(time.time()) - 60)),
        _always("no key id", "an identity that does not name its key", almost(names_key=False)),
        *_forged_with_the_public_key(keyring, "", every, _IDENTITY),
        Kind("no scopes", "an identity without scopes", 403,
             lambda op: identity([]) if contract.scopes(op) else None),
        Kind("other scopes", "an identity with all scopes but the operation's", 403,
             lambda op: identity(sorted(every - contract.scopes(op)))),
        Kind("right", "an identity with the operation's scopes", LET_IN,
             lambda op: identity(sorted(contract.scopes(op)))),
    ]  # fmt: skip


def _bad_keys(contract: Contract, keyring: Keyring, every: Collection[str]) -> list[Kind]:
    revoked = keyring.key(every, name="revoked")
    keyring.token(revoked)
    keyring.revoke(revoked)
    expired = keyring.short_key(every)
    keyring.token(expired)
    keyring.wait_until_refused(api_key("revoked", revoked), api_key("expired", expired))
    keyring.wait_until_refused(*(bearer("", keyring.token(key)) for key in (revoked, expired)))

    def kind(name: str, words: str, key: str, variable: str = "") -> Kind:
        return Kind(name, words, 401, lambda op: _carried(contract, op, key, variable))

    return [
        _always("no credential", "no credential", NOBODY),
        kind("empty key", "an empty key", ""),
        kind("garbage key", "a key that is garbage", "garbage"),
        kind("unknown key", "a key that does not exist", UNKNOWN_KEY),
        kind("revoked key", "a key that was revoked", revoked, "REVOKED_KEY"),
        kind("expired key", "a key that has expired", expired, "EXPIRED_KEY"),
        _always("revoked key's token", "the access token of a key that was revoked",
                bearer("revoked", keyring.token(revoked), "TOKEN_OF_A_REVOKED_KEY")),
        _always("expired key's token", "the access token of a key that has expired",
                bearer("expired", keyring.token(expired), "TOKEN_OF_AN_EXPIRED_KEY")),
    ]  # fmt: skip


def _other_schemes(contract: Contract, good: str) -> list[Kind]:
    def basic_where_it_is_wrong(operation: Operation) -> Credential | None:
        if _takes_basic(contract, operation):
            return None
        return _basic(good, "KEY_AS_BASIC")

    digest = Credential("digest", ("Authorization", "Digest x"), "Authorization: Digest x")
    return [
        Kind("Basic", "a good key sent as HTTP Basic", 401, basic_where_it_is_wrong),
        _always("Digest", "HTTP Digest", digest),
    ]


def _bad_tokens() -> list[Kind]:
    return [
        _always("garbage token", "a bearer token that is garbage", _literal_bearer("garbage")),
        _always("a.b.c", "a bearer token that only looks like a JWT", _literal_bearer("a.b.c")),
    ]


def _forged_with_the_public_key(
    keyring: Keyring, good: str, every: Collection[str], audience: str = _ACCESS
) -> list[Kind]:
    """What everybody can make, who knows the published keys alone."""
    claims = identity_claims(audience, every, subject=client_of(good) if good else "contracts")
    public = keyring.published_key()
    header = {"kid": public["kid"]}
    secret = base64.urlsafe_b64decode(public["x"] + "==")
    unsigned = jwt.encode(claims, "", algorithm="none", headers=header)
    by_public_key = jwt.encode(claims, secret, algorithm="HS256", headers=header)
    return [
        _always("alg none", "a token without a signature (alg: none)",
                bearer("unsigned", unsigned, "UNSIGNED_TOKEN")),
        _always("HS256", "a token signed with the public key as if it were a secret (HS256)",
                bearer("HS256", by_public_key, "TOKEN_SIGNED_WITH_THE_PUBLIC_KEY")),
    ]  # fmt: skip


def _almost_right_tokens(keyring: Keyring, good: str, every: Collection[str]) -> list[Kind]:
    """What only who has the gateway's private key can make; nothing where it is not at hand."""
    if keyring.deployment.signing_key is None:
        return []
    forged = _forger(keyring.deployment, _ACCESS, client_of(good), every)
    over = int(time.time()) - 60
    kinds = [
        _always("wrong audience", "an access token for another audience", forged(aud=_IDENTITY)),
        _always("wrong issuer", "an access token of another issuer", forged(iss="somebody")),
        _always("expired token", "an access token that expired", forged(exp=over)),
        _always("no key id", "an access token that does not name its key", forged(names_key=False)),
        _always("unknown client", "the access token of a client that does not exist",
                forged(sub="0123456789abcdef")),
    ]  # fmt: skip
    keyring.check_is_taken(forged())  # or all of these would be wrong by more than they say
    return kinds


def _by_scope(contract: Contract, keyring: Keyring, every: frozenset[str]) -> list[Kind]:
    def others(operation: Operation) -> str | None:
        scopes = contract.scopes(operation)
        return keyring.key(every - scopes, name="others") if scopes else None

    def right(operation: Operation) -> str:
        return keyring.key(contract.scopes(operation) or every, name="right")

    def key(choose: Callable[[Operation], str | None], variable: str) -> Any:
        def of(operation: Operation) -> Credential | None:
            chosen = choose(operation)
            return _carried(contract, operation, chosen, variable) if chosen else None

        return of

    def token(choose: Callable[[Operation], str | None], variable: str) -> Any:
        def of(operation: Operation) -> Credential | None:
            chosen = choose(operation)
            if not chosen or _takes_basic(contract, operation):
                return None
            return bearer(variable, keyring.token(chosen), variable)

        return of

    return [
        Kind("other scopes, key", "a key with all scopes but the operation's", 403,
             key(others, "KEY_WITH_ALL_OTHER_SCOPES")),
        Kind("other scopes, token", "an access token with all scopes but the operation's", 403,
             token(others, "TOKEN_WITH_ALL_OTHER_SCOPES")),
        Kind("right key", "a key with the operation's scopes alone", LET_IN,
             key(right, "DOORSTEP_API_KEY")),
        Kind("right token", "an access token with the operation's scopes alone", LET_IN,
             token(right, "DOORSTEP_TOKEN")),
    ]  # fmt: skip


def _always(name: str, words: str, credential: Credential) -> Kind:
    return Kind(name, words, 401, lambda _: credential)


def _forger(
    deployment: Deployment, audience: str, subject: str, scopes: Collection[str]
) -> Callable[..., Credential]:
    """Signs as the gateway does, but for what is changed."""
    private = deployment.signing_key
    if private is None:
        raise ValueError("only who has the gateway's key can sign")
    claims = identity_claims(audience, scopes, subject=subject)

    def forged(names_key: bool = True, **changed: object) -> Credential:
        token = sign(private, claims | changed, names_key=names_key)
        return bearer("forged", token, "FORGED_TOKEN")

    return forged


def _takes_basic(contract: Contract, operation: Operation) -> bool:
    schemes: Mapping[str, Any] = contract.document.content["components"]["securitySchemes"]
    return any(schemes[name].get("scheme") == "basic" for name in contract.schemes(operation))


def _carried(contract: Contract, operation: Operation, key: str, variable: str) -> Credential:
    """The key as the operation takes one; without a variable it is no secret."""
    if _takes_basic(contract, operation):
        return _basic(key, variable)
    header = ("X-API-Key", key)
    shown = f"X-API-Key: {'$' + variable if variable else key}" if key else "X-API-Key;"
    return Credential(variable or key, header, shown)


def _basic(key: str, variable: str) -> Credential:
    user = ":".join(key.split("_", 2)[1:]) or key
    encoded = base64.b64encode(user.encode()).decode()
    shown = f"Authorization: Basic {'$' + variable if variable else encoded}"
    return Credential(variable, ("Authorization", f"Basic {encoded}"), shown)


def _literal_bearer(token: str) -> Credential:
    line = f"Bearer {token}"
    return Credential(token, ("Authorization", line), f"Authorization: {line}")
