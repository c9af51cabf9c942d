"""``python -m gateway check``, ``… keys``, ``… signing-keys``: on the gateway's own machine."""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gateway import moments
from gateway.api_keys import ApiKeys
from gateway.key_database import EVERY_SCOPE, MAX_NAME, KeyDatabaseFault
from gateway.private_files import replace_private
from gateway.services.folder import documents_in
from gateway.settings import Settings, read_settings
from gateway.signing_keys import KeyFiles, SigningKeyFault
from openapi.environment import SettingFault
from openapi.selection import scopes_of

DEFAULT_OVERLAP = 3600  # seconds; an access token lives for a quarter of it
MAX_OVERLAP = 30 * 24 * 3600  # seconds
# What the contract calls a key's columns, where it has another word.
_NAMES = {
    "id": "identifier", "customer": "customer_id", "previous_until": "previous_secret_until",
}  # fmt: skip
CUSTOMER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 1 with a word on what was wrong."""
    options = _parser().parse_args(arguments)
    if options.run is _check:
        return int(options.run(options.files))
    try:
        settings = read_settings(os.environ)
        if options.run in (_rotate_signing, _retire_signing, _list_signing):
            files = KeyFiles(settings.signing_key, settings.key_set)
            return int(options.run(files, options))
        _check_place(settings, options)
        options.admin_key = settings.admin_key
        keys = ApiKeys(settings.database)
    except (SettingFault, KeyDatabaseFault, SigningKeyFault, OSError) as exc:
        return _fail(str(exc))
    try:
        return int(options.run(keys, options))
    finally:
        keys.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="check|keys|signing-keys")
    check = commands.add_parser("check", help="say what is wrong with the services' documents")
    check.add_argument("files", nargs="*", type=Path, metavar="FILE", help="one to be plugged in")
    check.set_defaults(run=_check)
    keys = commands.add_parser("keys", help="API keys").add_subparsers(required=True)
    create = keys.add_parser("create", help="make a key and show it, this once")
    create.add_argument("--name", required=True, help="who or what it is for")
    scopes = create.add_mutually_exclusive_group(required=True)
    scopes.add_argument("--scope", action="append", help="may be given several times")
    scopes.add_argument("--all-scopes", action="store_true")
    create.add_argument("--customer", help="the identifier of the only customer it is good for")
    create.add_argument("--no-rate-limit", action="store_true", help="it may ask without limits")
    create.add_argument("--expires-at", help="when it ends by itself, such as 2030-01-31T12:00:00Z")
    create.set_defaults(run=_create)
    keys.add_parser("list", help="show all keys, without secrets").set_defaults(run=_list)
    revoke = keys.add_parser("revoke", help="end a key; workers see it within a second")
    revoke.add_argument("id")
    revoke.set_defaults(run=_revoke)
    rotate = keys.add_parser("rotate", help="give a key a new secret and show it, this once")
    rotate.add_argument("id")
    rotate.add_argument(
        "--overlap", type=int, default=0, help="seconds for which the old secret stays good (0)"
    )
    rotate.set_defaults(run=_rotate)
    _add_signing_keys(commands)
    return parser


def _add_signing_keys(commands: Any) -> None:
    keys = commands.add_parser("signing-keys", help="the keys that tokens are signed with")
    actions = keys.add_subparsers(required=True)
    rotate = actions.add_parser("rotate", help="sign with a new key; running workers take it up")
    rotate.add_argument(
        "--overlap",
        type=int,
        default=DEFAULT_OVERLAP,
        help=f"seconds for which the key before still verifies ({DEFAULT_OVERLAP})",
    )
    rotate.set_defaults(run=_rotate_signing)
    retire = actions.add_parser("retire", help="end an earlier key before its overlap is over")
    retire.add_argument("kid")
    retire.set_defaults(run=_retire_signing)
    actions.add_parser("list", help="show the public keys").set_defaults(run=_list_signing)


def _check_place(settings: Settings, options: argparse.Namespace) -> None:
    """A key that is made in a new database would open no door but that database's."""
    if not settings.database.exists():
        if options.run is not _create:
            raise SettingFault(f"there are no keys in {settings.data}: is DOORSTEP_DATA right?")
        sys.stderr.write(f"gateway: made {settings.database}\n")


def _check(files: Sequence[Path]) -> int:
    from gateway.check import check  # it needs much that the keys do not

    logging.getLogger("connexion").setLevel(logging.ERROR)  # it has a word on each media type
    return check(os.environ, files)


def _create(keys: ApiKeys, options: argparse.Namespace) -> int:
    known = _known_scopes()
    if not 1 <= len(options.name) <= MAX_NAME:
        return _fail(f"a name has 1 to {MAX_NAME} characters")
    wanted = frozenset([EVERY_SCOPE]) if options.all_scopes else frozenset(options.scope)
    unknown = [] if options.all_scopes else sorted(wanted - known)
    if unknown:
        return _fail(f"there is no scope {unknown[0]}; there are: {', '.join(sorted(known))}")
    if options.customer is not None and not CUSTOMER.fullmatch(options.customer):
        return _fail("--customer is no identifier of a customer")
    try:
        expires_at = moments.normalised(options.expires_at) if options.expires_at else None
    except moments.NoMoment as exc:
        return _fail(f"--expires-at is no moment: {exc}")
    if expires_at is not None and expires_at <= moments.now():
        return _fail("--expires-at is over: the key would never be good")
    key = keys.create(
        options.name, wanted, options.customer, expires_at, unlimited=options.no_rate_limit
    )
    return _say(key)


def _known_scopes() -> frozenset[str]:
    from gateway.services.contract import read_contract  # as above

    # A service whose document is wrong just now has no say; the rest does.
    document, _ = read_contract(documents_in(read_settings(os.environ).services))
    return scopes_of(document)


def _list(keys: ApiKeys, _options: argparse.Namespace) -> int:
    for row in keys.all():
        key = {_NAMES.get(column, column): value for column, value in row.items()}
        _say(json.dumps(key | {"scopes": row["scopes"].split()}))
    return 0


def _revoke(keys: ApiKeys, options: argparse.Namespace) -> int:
    if not keys.revoke(options.id):
        # Not told by its name: it may be a whole key that was pasted here.
        return _fail("there is no key of this id that could be revoked; `keys list` has the ids")
    return _say(f"{options.id} is revoked")


def _rotate(keys: ApiKeys, options: argparse.Namespace) -> int:
    if not 0 <= options.overlap <= MAX_OVERLAP:
        return _fail(f"--overlap has 0 to {MAX_OVERLAP} seconds")
    key = keys.rotate(options.id, options.overlap)
    if key is None:
        return _fail("there is no key of this id that could be rotated; `keys list` has the ids")
    _say(key)
    record = keys.record(options.id)
    if record is not None and record.first and options.admin_key.exists():
        _write_first(options.admin_key, key)
    return 0


def _write_first(file: Path, key: str) -> None:
    """Only where it still is: who moved the first key elsewhere does not want it here."""
    replace_private(file, f"{key}\n".encode())
    sys.stderr.write(f"gateway: it was written to {file} as well\n")


def _rotate_signing(files: KeyFiles, options: argparse.Namespace) -> int:
    if not 0 <= options.overlap <= MAX_OVERLAP:
        return _fail(f"--overlap has 0 to {MAX_OVERLAP} seconds")
    return _say(f"{files.rotate(options.overlap)} signs from now on")


def _retire_signing(files: KeyFiles, options: argparse.Namespace) -> int:
    files.retire(options.kid)
    return _say(f"{options.kid} verifies nothing more")


def _list_signing(files: KeyFiles, _options: argparse.Namespace) -> int:
    files.read()  # a fault is told
    for key in files.published():
        _say(json.dumps(key))
    return 0


def _say(line: str) -> int:
    sys.stdout.write(line + "\n")
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"gateway: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
