"""A page of a list: cut to its size and to what fits into one message."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from google.protobuf.message import Message

from shared.lists import Part
from shared.rpc.cursors import CursorExpired, Position, malformed, number
from shared.rpc.paging import Page

M = TypeVar("M", bound=Message)

_FIELD = "page_token"
_LATEST_MS = 253_402_300_799_999
"""The last millisecond of the year 9999."""

PAGE_BYTES = 3 << 20
"""The most bytes of rows in a page, well below the 4 MiB of a message; a larger row is a page of its own."""


def after_number(page: Page, start: int) -> int:
    """The number after which a page of numbered rows starts; `start` for the first page. Raises CursorMalformed."""
    return start if page.after is None else number(page.after, field=_FIELD, least=start)


def list_part(request: Any, page: Page) -> Part:
    """The part of a list that a List request asks for, and one item more.

    Raises CursorMalformed, and CursorExpired for a token of version 0.1, which listed the oldest first.
    """
    limit, short_id = page.size + 1, request.short_id
    match page.after:
        case None:
            return Part(limit, short_id=short_id)
        case ["before", str(item), int(time)] if item.isprintable() and 0 <= time <= _LATEST_MS:
            return Part(limit, item, time, short_id)
        case str(name) if name.isprintable():
            raise CursorExpired
        case _:
            raise malformed(_FIELD)


def before(message: Any, time: int = 0) -> Position:
    """The position of a resource in a list, for `list_part`. time: its create_time in milliseconds, if it is needed."""
    return ["before", message.name.partition("/")[2], time]


def cut(rows: Sequence[M], page: Page, position: Callable[[M], Position], *, used: int = 0) -> tuple[Sequence[M], str]:
    """(the rows of the page, the token of the next page or "")

    rows: one more than the size of the page, if there are that many. used: bytes already in the message.
    """
    shown = 0
    for row in rows[: page.size]:
        used += row.ByteSize()
        if shown and used > PAGE_BYTES:
            break
        shown += 1
    return rows[:shown], page.token(position(rows[shown - 1])) if shown < len(rows) else ""
