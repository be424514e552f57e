"""Repairs the broken JSON of models in another process, because some short texts take minutes."""

import asyncio
from collections.abc import Awaitable, Callable

import json_repair

from shared.compute import Compute
from shared.compute.errors import TooMuchMemory, WorkerCrashed, WorkFailed
from shared.model.events import Json

MOST = 64 * 1024
"""The most characters of a text that is repaired."""
_SECONDS = 10.0

Repair = Callable[[str], Awaitable[Json]]
"""The value in a broken JSON text; None if there is none, or finding it takes too long."""


def repairing(compute: Compute) -> Repair:
    """Repair in the processes of `compute`."""

    async def repair(text: str) -> Json:
        if len(text) > MOST:
            return None
        try:
            async with asyncio.timeout(_SECONDS):
                return await compute.run(repaired, text)
        except (TimeoutError, WorkerCrashed, WorkFailed, TooMuchMemory):
            return None

    return repair


def repaired(text: str) -> Json:
    """The value in a broken JSON text, None if there is none."""
    try:
        return json_repair.loads(text, skip_json_loads=True)
    except (ValueError, RecursionError):
        return None
