"""Lists: items of all pages, with how many there are."""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")


class Listing(AsyncIterator[Item], Generic[Item]):
    """Iterates over the items of all pages of a list; fetches each page on demand.

    total_size: how many items there are, 10,001 for more than 10,000; None before the first item, and for lists that
        are not counted.
    """

    def __init__(self, pages: AsyncIterator[Any], items: Callable[[Any], Iterable[Item]]) -> None:
        self._pages = pages
        self._items_of = items
        self._items: deque[Item] = deque()
        self.total_size: int | None = None

    async def __anext__(self) -> Item:
        while not self._items:
            page = await anext(self._pages)
            if self.total_size is None:
                self.total_size = getattr(page, "total_size", None)
            self._items.extend(self._items_of(page))
        return self._items.popleft()
