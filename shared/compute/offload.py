"""Runs short work on the event loop, and longer work in a thread, so that the event loop never waits for it."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from shared.model.work_budget import Budget, TooMuchWork, work_budget

T = TypeVar("T")

INLINE_WORK = 5_000
"""Units that may be spent on the event loop before it looks for events again, some five milliseconds."""
_HOLD, _PAUSE = 0.001, 0.0001
"""Seconds that the thread works before it lets the event loop go on, and for which it waits then. The interpreter alone
would let the event loop wait for five milliseconds, several times for each call that it answers."""


class Offload:
    """Runs templates, conditions and schemas of users. It has one thread; more would only slow the event loop down."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="user-programs")
        self._spent = 0  # units on the event loop since it last looked for events
        self._looked = asyncio.Event()

    async def __call__(self, work: Callable[[], T], in_thread: Callable[[], T] | None = None) -> T:
        """The result of work, which may run twice and so has no effects. Raises TooMuchWork and what work raises.

        in_thread: the same work for the thread, if it uses objects that two threads must not share.
        """
        while self._spent >= INLINE_WORK:
            await self._looked.wait()
        with work_budget(INLINE_WORK) as budget:
            try:
                return work()
            except TooMuchWork:
                pass
            finally:
                self._count(budget)
        return await asyncio.get_running_loop().run_in_executor(self._thread, _budgeted, in_thread or work)

    def _count(self, budget: Budget) -> None:
        if not self._spent:
            asyncio.get_running_loop().call_soon(self._look)
            self._looked.clear()
        self._spent += INLINE_WORK - budget.left + 1

    def _look(self) -> None:
        self._spent = 0
        self._looked.set()

    async def close(self) -> None:
        """Let the thread end after its current work."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _budgeted(work: Callable[[], T]) -> T:
    with work_budget(pause=_Pauses()):
        return work()


class _Pauses:
    """Lets other threads go on."""

    def __init__(self) -> None:
        self._since = time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self._since >= _HOLD:
            time.sleep(_PAUSE)
            self._since = time.monotonic()
