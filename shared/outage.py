"""Outages as they are logged: when one begins, once a minute while it lasts, and when it is over."""

import time
from collections.abc import Callable

import structlog

TOLD_EVERY = 60.0
"""Seconds from one warning of an outage to the next."""


class Outage:
    """Something that others keep asking for and that may be out of order for a while.

    begun, over: the events to log; each warning but the first has how many `times` it was met.
    clock: seconds.
    """

    def __init__(
        self, log: structlog.stdlib.BoundLogger, begun: str, over: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._begun = begun
        self._over = over
        self._clock = clock
        self._times = 0
        self._told = 0.0

    def met(self, **facts: object) -> None:
        """It is out of order, again or still; facts: what the log is to say of it."""
        self._times += 1
        if self._times == 1:
            self._log.warning(self._begun, **facts)
        elif self._clock() - self._told < TOLD_EVERY:
            return
        else:
            self._log.warning(self._begun, times=self._times, **facts)
        self._told = self._clock()

    def over(self) -> None:
        """It is in order; nothing is said if it was."""
        if self._times:
            self._log.info(self._over, times=self._times)
        self._times = 0
