"""Waits up to three seconds until what was cancelled is over. A job ends it, so Cancel returns before."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cli.kit.render import console

M = TypeVar("M", bound=Any)

_LOOK_SECONDS = 0.1
_LOOKS = 30


async def when_over(cancelled: M, get: Callable[[str], Awaitable[M]]) -> M:
    """The cancelled resource when it is over; after three seconds as it is, with a line on standard error."""
    for _ in range(_LOOKS):
        if cancelled.HasField("end_time"):
            return cancelled
        await asyncio.sleep(_LOOK_SECONDS)
        cancelled = await get(cancelled.name)
    console(stderr=True).print(f"{cancelled.name} will be cancelled, but what runs of it has not stopped yet.")
    return cancelled
