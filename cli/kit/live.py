"""Displays that update in place, and what they say while there is no connection."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

from rich.console import Console, RenderableType
from rich.live import Live
from rich.text import Text

from cli.kit.render import console

_FRAME_SECONDS = 0.125
_LOST_SECONDS = 1.0
"""After how long a lost connection is mentioned."""


class Connected(Protocol):
    """A watch, or a client for its exports and streams."""

    @property
    def lost_seconds(self) -> float: ...


@asynccontextmanager
async def in_place(out: Console, frame: Callable[[], RenderableType]) -> AsyncIterator[None]:
    """Show the newest frame on the terminal until the end of the block, then erase it.

    Keep the last line of a frame short: the terminal appends ^C to it, and a line that wraps is not erased completely.
    """
    # Refresh from the event loop: the thread of Live would read the data while it changes.
    with Live(console=out, auto_refresh=False, transient=True, get_renderable=frame) as live:
        async with meanwhile(_refresh(live)):
            yield


def lost(link: Connected) -> Text:
    """Says that a connection is lost, and for how long; empty while it is not."""
    seconds = link.lost_seconds
    return Text(f"connection lost, trying again ({seconds:.0f} s)" if seconds >= _LOST_SECONDS else "", "yellow")


@asynccontextmanager
async def lost_in_lines(link: Connected) -> AsyncIterator[None]:
    """Print to standard error when a connection is lost and when it is back, until the block ends."""
    async with meanwhile(_tell(link)):
        yield


@asynccontextmanager
async def meanwhile(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run the work until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _tell(link: Connected) -> None:
    out, told = console(stderr=True), False
    while True:
        await asyncio.sleep(_FRAME_SECONDS)
        words = lost(link)
        if bool(words) != told:
            told = bool(words)
            out.print("Connection lost, trying again." if told else "Connected again.")


async def _refresh(live: Live) -> None:
    while True:
        live.refresh()
        await asyncio.sleep(_FRAME_SECONDS)
