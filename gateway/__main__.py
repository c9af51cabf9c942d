"""``python -m gateway keys …``: makes, lists and revokes API keys on the gateway's machine."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from gateway.api_keys import ApiKeys
from gateway.settings import SettingFault, read_settings
from openapi import CONTRACT
from openapi.document import load_document
from openapi.selection import scopes_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; 0, or 1 with a word on what was wrong."""
    options = _parser().parse_args(arguments)
    try:
        settings = read_settings(os.environ)
    except SettingFault as exc:
        return _fail(str(exc))
    keys = ApiKeys(settings.database)
    try:
        return int(options.run(keys, options))
    finally:
        keys.close()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gateway", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="keys")
    keys = commands.add_parser("keys", help="API keys").add_subparsers(required=True)
    create = keys.add_parser("create", help="make a key and show it, this once")
    create.add_argument("--name", required=True, help="who or what it is for")
    scopes = create.add_mutually_exclusive_group(required=True)
    scopes.add_argument("--scope", action="append", help="may be given several times")
    scopes.add_argument("--all-scopes", action="store_true")
    create.set_defaults(run=_create)
    keys.add_parser("list", help="show all keys, without secrets").set_defaults(run=_list)
    revoke = keys.add_parser("revoke", help="end a key; workers see it within a second")
    revoke.add_argument("id")
    revoke.set_defaults(run=_revoke)
    return parser


def _create(keys: ApiKeys, options: argparse.Namespace) -> int:
    known = scopes_of(load_document(CONTRACT))
    wanted = known if options.all_scopes else frozenset(options.scope)
    unknown = sorted(wanted - known)
    if unknown:
        return _fail(f"there is no scope {unknown[0]}; there are: {', '.join(sorted(known))}")
    return _say(keys.create(options.name, wanted))


def _list(keys: ApiKeys, _options: argparse.Namespace) -> int:
    for key in keys.all():
        _say(json.dumps(key))
    return 0


def _revoke(keys: ApiKeys, options: argparse.Namespace) -> int:
    if not keys.revoke(options.id):
        return _fail(f"there is no key {options.id} that could be revoked")
    return _say(f"{options.id} is revoked")


def _say(line: str) -> int:
    sys.stdout.write(line + "\n")
    return 0


def _fail(message: str) -> int:
    sys.stderr.write(f"gateway: {message}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
