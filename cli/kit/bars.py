"""Shows the progress of long work: a bar on a terminal, otherwise one line per step."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, TypeVar

import typer
from google.protobuf.message import Message
from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cli.kit.live import Connected, in_place, lost, lost_in_lines
from cli.kit.render import console, print_json, say_it_goes_on
from greenroom.client import Watch

Following = Annotated[
    bool, typer.Option("--follow/--detach", help="Show progress until it is over, or return at once.")
]

Item = TypeVar("Item", bound=Message)
Summary = TypeVar("Summary")


class Bar:
    """Progress in steps, with a short text. total: 0 while it is unknown."""

    def __init__(self, total: int, unit: str, words: str = "begins") -> None:
        self.total = total
        self.done = 0
        self.words = words
        self._unit = unit
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        """Seconds since the bar was made."""
        return time.monotonic() - self._began

    def frame(self, notice: Text) -> RenderableType:
        """The bar, and a line with its text and the notice."""
        grid = Table.grid(padding=(0, 1), expand=True)
        grid.add_column(ratio=1)
        grid.add_column(no_wrap=True)
        done = f"{self.done:,} of {self.total:,} {self._unit}" if self.total else ""
        # Before the first step the progress is unknown.
        bar = ProgressBar(self.total or None, self.done, pulse=not self.done, finished_style="green")
        grid.add_row(bar, done)
        words = [Text(f"{self.words} · {self.seconds:.0f} s", "dim"), *([notice] if notice else [])]
        return Group(grid, Text(" · ").join(words))


async def follow(
    opened: Watch[Item, Summary],
    name: str,
    bar: Bar,
    apply: Callable[[Item], str],
    *,
    under: str = "",
    json: bool = False,
    each: bool = False,
) -> Summary:
    """Show the progress of long work until it is over, and return it as it ended.

    opened: a watch that has not begun. name, under: what `say_it_goes_on` says if the user stops watching.
    apply: applies an item to the bar, and returns a line to print, if any. json: show no progress; each: print items.
    """
    out = console()
    try:
        async with opened as watch:
            if json:
                async with lost_in_lines(watch):
                    async for item in watch:
                        if each:
                            print_json(item)
            else:
                async with shown(bar, watch):
                    async for item in watch:
                        told = apply(item)
                        if told and not out.is_terminal:
                            out.print(told, soft_wrap=True)
    except BaseException:
        say_it_goes_on(name, under)
        raise
    assert watch.summary is not None
    return watch.summary


@asynccontextmanager
async def shown(bar: Bar, link: Connected | None = None) -> AsyncIterator[None]:
    """Show the bar, if this is a terminal, until the block ends, and say when the connection is lost."""
    out = console(stderr=True)
    if out.is_terminal:
        async with in_place(out, lambda: bar.frame(lost(link) if link else Text())):
            yield
    elif link:
        async with lost_in_lines(link):
            yield
    else:
        yield


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1_000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1_000
    return f"{count:.1f} TB"


def pace(count: int, seconds: float) -> str:
    """A number of calls in a number of seconds, as a rate."""
    rate = count / max(seconds, 1e-3)
    return f"{rate / 1e6:.1f} M calls/s" if rate >= 1e6 else f"{rate:,.0f} calls/s"
