"""Runs short work on the event loop, and longer work in a thread, so that the event loop never waits for it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.model.work_budget import TooMuchWork, work_budget

T = TypeVar("T")

INLINE_WORK = 5_000
"""Units that may be spent on the event loop, some five milliseconds."""


class Offload:
    """Runs templates, conditions and schemas of users. It has one thread; more would only slow the event loop down."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="user-programs")

    async def __call__(self, work: Callable[[], T], in_thread: Callable[[], T] | None = None) -> T:
        """The result of work, which may run twice and so has no effects. Raises TooMuchWork and what work raises.

        in_thread: the same work for the thread, if it uses objects that two threads must not share.
        """
        try:
            with work_budget(INLINE_WORK):
                return work()
        except TooMuchWork:
            return await asyncio.get_running_loop().run_in_executor(self._thread, _budgeted, in_thread or work)

    async def close(self) -> None:
        """Let the thread end after its current work."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _budgeted(work: Callable[[], T]) -> T:
    with work_budget():
        return work()
