"""A page of a list: cut to its size and to what fits into one message."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from google.protobuf.message import Message

from shared.rpc.cursors import Position, malformed, number
from shared.rpc.paging import Page

M = TypeVar("M", bound=Message)

_FIELD = "page_token"

PAGE_BYTES = 3 << 20
"""What the rows of a page come to at most, well within the 4 MiB of a message; a larger row stands alone."""


def after_number(page: Page, start: int) -> int:
    """The number behind which a page of numbered rows begins; start for the first page. Raises CursorMalformed."""
    return start if page.after is None else number(page.after, field=_FIELD, least=start)


def after_id(page: Page) -> str:
    """The id or name behind which a page begins; "" for the first page. Raises CursorMalformed."""
    match page.after:
        case None:
            return ""
        case str(key) if key.isprintable():
            return key
        case _:
            raise malformed(_FIELD)


def cut(rows: Sequence[M], page: Page, position: Callable[[M], Position], *, used: int = 0) -> tuple[Sequence[M], str]:
    """The rows of the page, and the token behind the last of them if there are more.

    rows: one more than the page's size, if there are so many. used: bytes that the message holds already.
    """
    shown = 0
    for row in rows[: page.size]:
        used += row.ByteSize()
        if shown and used > PAGE_BYTES:
            break
        shown += 1
    return rows[:shown], page.token(position(rows[shown - 1])) if shown < len(rows) else ""
