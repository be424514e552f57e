"""Lists that are read in parts, newest first."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

T = TypeVar("T")

COUNTED = 10_000
"""The items of a list are counted up to this number; one more means that there are more."""


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a list to read: up to `limit` items.

    before: the id of the last item of the part before; "" for the newest items. before_time: its create_time in
    milliseconds, in lists that are sorted by it. short_id: only items whose id begins or ends with it.
    """

    limit: int
    before: str = ""
    before_time: int = 0
    short_id: str = ""

    def has(self, item_id: str) -> bool:
        """True if the id begins or ends with `short_id`."""
        return item_id.startswith(self.short_id) or item_id.endswith(self.short_id)


@dataclass(frozen=True, slots=True)
class Listed(Generic[T]):
    """A part of a list. total: the size of the whole list, at most COUNTED + 1; 0 for all parts but the first."""

    items: list[T]
    total: int


async def built_in_first(
    built_in: Mapping[str, T], part: Part, own: Callable[[Part], Awaitable[Listed[T]]]
) -> Listed[T]:
    """A part of the list of the built-in items, by id, and then a company's own. own: reads a part of those."""
    ids = list(built_in)
    if part.before and part.before not in built_in:
        return await own(part)
    start = ids.index(part.before) + 1 if part.before else 0
    shown = [built_in[one] for one in ids[start:] if part.has(one)][: part.limit]
    rest = await own(replace(part, limit=part.limit - len(shown), before=""))
    return Listed(shown + rest.items, 0 if part.before else sum(map(part.has, ids)) + rest.total)
