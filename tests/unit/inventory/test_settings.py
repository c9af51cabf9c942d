"""The inventory's settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from inventory.settings import read_settings
from openapi.environment import SettingFault


def test_without_any_variable_everything_has_a_default() -> None:
    settings = read_settings({})

    data = Path(".data").absolute()
    assert (settings.host, settings.port, settings.threads) == ("127.0.0.1", 8081, 16)
    assert settings.database_url == f"sqlite:///{data / 'inventory.db'}"
    assert settings.key_set == data / "gateway.jwks.json"
    assert settings.secret == data / "inventory.secret"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("INVENTORY_PORT", "80a"),
        ("INVENTORY_THREADS", "0"),
        ("INVENTORY_WORKRES", "2"),
        ("LOG_LEVEL", "LOUD"),
        ("DOORSTEP_DATA", "/dev/null"),
        ("DATABASE_URL", "mysql://user:secret@host/db"),
        ("DATABASE_URL", "shelve:"),
        ("DATABASE_URL", "sqlite:///"),
    ],
)
def test_an_unknown_or_bad_variable_stops_the_start_with_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingFault, match=name) as told:
        read_settings({name: value})

    assert "secret" not in str(told.value)


def test_the_shelve_store_has_one_process() -> None:
    shelve = {"DATABASE_URL": "shelve:/somewhere"}

    assert read_settings(shelve).workers == 1
    with pytest.raises(SettingFault, match="INVENTORY_WORKERS=1"):
        read_settings(shelve | {"INVENTORY_WORKERS": "2"})
