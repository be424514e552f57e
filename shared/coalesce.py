"""Answers many equal questions with one query."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class Coalesced(Generic[V]):
    """Questions about one key that are asked while a query about it runs share the next query.

    So no answer is older than its question.
    """

    def __init__(self) -> None:
        self._running: dict[Hashable, asyncio.Task[V]] = {}
        self._next: dict[Hashable, asyncio.Task[V]] = {}

    async def ask(self, key: Hashable, query: Callable[[], Awaitable[V]]) -> V:
        """The answer of a query that began after this call. query: equal for all questions about the key."""
        if (task := self._next.get(key)) is None:
            task = self._next[key] = asyncio.create_task(self._after(key, query))
        # A question that is cancelled takes no answer away from the others.
        return await asyncio.shield(task)

    async def _after(self, key: Hashable, query: Callable[[], Awaitable[V]]) -> V:
        if (before := self._running.get(key)) is not None:
            await asyncio.wait({before})
        task = self._running[key] = self._next.pop(key)
        try:
            return await query()
        finally:
            if self._running.get(key) is task:
                del self._running[key]
