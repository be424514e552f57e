"""One work budget for everything that users write and Greenroom executes: templates, conditions, schemas, patterns.

Work is counted, never timed, so the same input has the same outcome on every machine.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

MAX_WORK = 1_000_000
"""Units that one step of a conversation may spend; a unit is about a microsecond of one core."""
MAX_CALL = 50_000
"""Units that one call into native code may spend: it holds the interpreter until it returns."""


class TooMuchWork(Exception):
    """A template, condition, schema or pattern takes more work than one step may spend."""


@dataclass(slots=True)
class Budget:
    """The units that are left. pause: called whenever units are spent, outside of native code."""

    left: int
    pause: Callable[[], None] | None = None


_budget: ContextVar[Budget] = ContextVar("budget")


@contextmanager
def work_budget(units: int = MAX_WORK, pause: Callable[[], None] | None = None) -> Iterator[Budget]:
    """Let everything within spend up to `units` together; inside another budget, share that one."""
    if (shared := _budget.get(None)) is not None:
        yield shared
        return
    budget = Budget(units, pause)
    token = _budget.set(budget)
    try:
        yield budget
    finally:
        _budget.reset(token)


def spend(units: int) -> None:
    """Take units from the budget. Raises TooMuchWork once it is exhausted; outside a budget nothing is counted."""
    budget = _budget.get(None)
    if budget is not None:
        budget.left -= units
        if budget.left < 0:
            raise TooMuchWork
        if budget.pause is not None:
            budget.pause()


def spend_call(units: int) -> None:
    """Take the units of one call into native code, before the call. Raises TooMuchWork, also beyond MAX_CALL."""
    if units > MAX_CALL:
        spend(MAX_WORK + 1)
    spend(units)
