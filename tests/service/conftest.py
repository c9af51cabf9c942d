"""Services that the tests of this folder share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from contracts.services import Services


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Both services with a data folder of their own, for tests that leave them as they are."""
    with Services(tmp_path_factory.mktemp("services")) as services:
        yield services
