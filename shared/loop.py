"""The event loop of a server process: uvloop where it exists, which saves a busy server a tenth of its time."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_GARBAGE = (10_000, 20, 50)
"""The thresholds of garbage collection. By default the interpreter collects after every 700 new objects, and each
collection visits the hundreds of conversations under way."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Like asyncio.run, on this loop."""
    # Imported modules stay, so no collection has to visit them.
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)
