"""The time of day, passed in wherever it is needed, so that a test can set it."""

import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Returns the current time in Unix milliseconds."""


def wall_clock() -> int:
    """The current time in Unix milliseconds."""
    return time.time_ns() // 1_000_000
