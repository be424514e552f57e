"""The event loop of a server process: uvloop where there is one, which gives a busy server a tenth of its time back."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run main to its end on a loop of its own, as asyncio.run."""
    if sys.platform == "win32":
        return asyncio.run(main)
    import uvloop

    return uvloop.run(main)
