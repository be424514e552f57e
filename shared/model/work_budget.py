"""One work budget for everything that users write and Greenroom executes: templates, conditions, schemas, patterns.

Work is counted, never timed, so the same input has the same outcome on every machine.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

MAX_WORK = 1_000_000
"""Units that one step of a conversation may spend; a unit is about a microsecond of one core."""
MAX_CALL = 50_000
"""Units that one call into native code may spend: it holds the interpreter until it returns."""


class TooMuchWork(Exception):
    """A template, condition, schema or pattern takes more work than one step may spend."""


_left: ContextVar[list[int]] = ContextVar("left")


@contextmanager
def work_budget(units: int = MAX_WORK) -> Iterator[None]:
    """Let everything within spend up to `units` together; inside another budget, share that one."""
    if _left.get(None) is not None:
        yield
        return
    token = _left.set([units])
    try:
        yield
    finally:
        _left.reset(token)


def spend(units: int) -> None:
    """Take units from the budget. Raises TooMuchWork once it is exhausted; outside a budget nothing is counted."""
    left = _left.get(None)
    if left is not None:
        left[0] -= units
        if left[0] < 0:
            raise TooMuchWork


def spend_call(units: int) -> None:
    """Take the units of one call into native code, before the call. Raises TooMuchWork, also beyond MAX_CALL."""
    if units > MAX_CALL:
        spend(MAX_WORK + 1)
    spend(units)
