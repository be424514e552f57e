"""A display that changes in place."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from rich.console import Console, RenderableType
from rich.live import Live

_FRAME_SECONDS = 0.125


@asynccontextmanager
async def in_place(out: Console, frame: Callable[[], RenderableType]) -> AsyncIterator[None]:
    """Show the newest frame on the terminal until the block's end, then nothing.

    A frame's last line should be short: a terminal writes ^C behind it, and a line that grows too long leaves the frame
    one line lower than it is taken away.
    """
    # Refreshed from the loop: Live's own thread would read what is shown while it changes.
    with Live(console=out, auto_refresh=False, transient=True, get_renderable=frame) as live:
        refreshing = asyncio.create_task(_refresh(live))
        try:
            yield
        finally:
            refreshing.cancel()
            with suppress(asyncio.CancelledError):
                await refreshing


async def _refresh(live: Live) -> None:
    while True:
        live.refresh()
        await asyncio.sleep(_FRAME_SECONDS)
