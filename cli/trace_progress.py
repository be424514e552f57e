"""How a dataset or a learning is watched: a bar on a terminal, a line for each step elsewhere."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.live import in_place
from cli.render import console

Item = TypeVar("Item")


class Bar:
    """How far something is, in steps, with a few words on it. total: 0 while nobody knows."""

    def __init__(self, total: int, unit: str, words: str = "begins") -> None:
        self.total = total
        self.done = 0
        self.words = words
        self._unit = unit
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since it began."""
        return time.monotonic() - self._began

    def __rich__(self) -> RenderableType:
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        done = f"{self.done:,} of {self.total:,} {self._unit}" if self.total else ""
        # Without a first step there is no knowing how far it is.
        bar = ProgressBar(self.total or None, self.done, pulse=not self.done, finished_style="green")
        grid.add_row(bar, done)
        return Group(grid, Text(f"{self.words} · {self.seconds:.0f} s", "dim"))


async def follow(items: AsyncIterator[Item], bar: Bar, apply: Callable[[Item], str]) -> None:
    """Show progress until there are no items. apply: takes an item into the bar, and says what a line tells if any."""
    out = console()
    async with shown(bar):
        async for item in items:
            told = apply(item)
            if told and not out.is_terminal:
                out.print(told, soft_wrap=True)


@asynccontextmanager
async def shown(bar: Bar) -> AsyncIterator[None]:
    """Keep the bar on the terminal, if there is one, until the block's end."""
    out = console(stderr=True)
    if not out.is_terminal:
        yield
        return
    async with in_place(out, lambda: bar):
        yield


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} TB"


def pace(count: int, seconds: float) -> str:
    """So many calls in so many seconds, as a rate."""
    rate = count / max(seconds, 1e-3)
    return f"{rate / 1e6:.1f} M calls/s" if rate >= 1e6 else f"{rate:,.0f} calls/s"
