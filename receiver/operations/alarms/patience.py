"""A limit on how long the database may take: a server that hangs answers nothing and closes no connection."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from storage import StoreUnavailableError

Result = TypeVar("Result")

PATIENCE_SECONDS = 5.0
"""Alarms are said within this time while the database hangs."""


async def in_time(work: Awaitable[Result]) -> Result:
    """The result, within PATIENCE_SECONDS. Raises StoreUnavailableError after that; the work may still be done."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):  # `wait_for` of Python 3.11 may ignore a cancellation
            return await work
    except TimeoutError as error:
        raise StoreUnavailableError(f"the database did not answer within {PATIENCE_SECONDS:g} s") from error
