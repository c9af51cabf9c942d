"""Writes down in the background when keys were last used."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from gateway.api_keys import USES_WRITTEN, ApiKeys

logger = logging.getLogger(__name__)


@asynccontextmanager
async def writing_uses(keys: ApiKeys) -> AsyncIterator[None]:
    """Writes the uses once a minute, off the event loop, and what is left when it ends."""
    task = asyncio.create_task(_write_again_and_again(keys))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.to_thread(_write, keys)


async def _write_again_and_again(keys: ApiKeys) -> None:
    while True:
        await asyncio.sleep(USES_WRITTEN)
        await asyncio.to_thread(_write, keys)


def _write(keys: ApiKeys) -> None:
    try:
        keys.write_uses()
    except SQLAlchemyError as exc:
        # A convenience for people: no request fails for it.
        logger.warning(
            "when keys were last used could not be written: %s", getattr(exc, "orig", exc)
        )
