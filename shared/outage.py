"""Logs an outage when it begins, once a minute while it lasts, and when it is over."""

import time
from collections.abc import Callable

import structlog

WARN_EVERY = 60.0
"""Seconds between two warnings of one outage."""


class Outage:
    """The outages of one thing, such as a store.

    begun, over: the events to log. Each warning after the first has the count of failures as `times`.
    clock: returns seconds.
    """

    def __init__(
        self, log: structlog.stdlib.BoundLogger, begun: str, over: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._begun = begun
        self._over = over
        self._clock = clock
        self._times = 0
        self._warned = 0.0

    def met(self, **facts: object) -> None:
        """Report a failure, with facts for the log."""
        self._times += 1
        if self._times == 1:
            self._log.warning(self._begun, **facts)
        elif self._clock() - self._warned < WARN_EVERY:
            return
        else:
            self._log.warning(self._begun, times=self._times, **facts)
        self._warned = self._clock()

    def over(self) -> None:
        """Report a success; it is logged if it ends an outage."""
        if self._times:
            self._log.info(self._over, times=self._times)
        self._times = 0
