"""Prints lists: the newest first, and how many there are."""

from collections.abc import Callable, Sequence
from typing import Annotated, TypeVar

import typer
from google.protobuf.message import Message
from rich.text import Text

from cli.kit.render import Rows, console, print_json
from cli.kit.run import first
from greenroom.client import Listing

M = TypeVar("M", bound=Message)

Limit = Annotated[int | None, typer.Option(min=1, help="Show this many at most; 50 unless told.")]
Revision = Annotated[int | None, typer.Option(min=1, help="Only of this revision of --procedure.")]
All = Annotated[bool, typer.Option("--all", help="Show all.")]

_SHOWN = 50
_COUNTED = 10_000
"""The service counts up to this number."""


async def print_list(
    listing: Listing[M],
    rows: Rows,
    row: Callable[[M], Sequence[str | Text]],
    *,
    limit: int | None,
    every: bool,
    json: bool,
) -> None:
    """Print a table, or all as JSON. row: the cells of an item. every: show all unless there is a limit.

    Say how many there are on stderr, if not all are shown.
    """
    shown = 0
    async for one in first(listing, limit or (0 if every or json else _SHOWN)):
        shown += 1
        if json:
            print_json(one)
        else:
            rows.add(*row(one))
    if json:
        return
    console().print(rows)
    total = listing.total_size or 0
    if total > shown:
        size = f"{total:,}" if total <= _COUNTED else f"more than {_COUNTED:,}"
        console(stderr=True).print(f"{shown:,} of {size}; --all shows them", soft_wrap=True)
