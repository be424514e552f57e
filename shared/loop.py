"""The event loop of a server process: uvloop where there is one, which gives a busy server a tenth of its time back."""

import asyncio
import gc
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_GARBAGE = (10_000, 20, 50)
"""How many new objects there are before the interpreter looks for cycles among them, and how often it looks further.
By default it looks at every 700, and each look is at hundreds of conversations that are under way."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run main to its end on a loop of its own, as asyncio.run."""
    # What was imported stays; it need not be looked at again.
    gc.freeze()
    gc.set_threshold(*_GARBAGE)
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)
