"""Bounds of calls to a provider: how many are in flight, and how much starts in a minute."""

import math
from collections import deque
from dataclasses import dataclass

WINDOW_SECONDS = 61.0
"""The minute of a rate, and a second more, because a call may reach the provider later than it was sent."""

_HALVE_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class Share:
    """What one call counts in a rate.

    at: the seconds when it started. place: all units that had started by then, its own included. counts: False once
    `at` is over a minute ago.
    """

    at: float
    units: int
    place: int
    counts: bool


class Rate:
    """Lets at most `limit` units start in any minute, and no more than the provider says are left.

    It keeps one Share of each call of the last minute, so that the bound is exact. limit: None is no limit. All times
    are seconds of one clock.
    """

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._shares: deque[Share] = deque()
        self._units = 0
        self._started = 0
        self._told = -1
        self._bound = 0
        self._reset = 0.0

    @property
    def bounded(self) -> bool:
        """True if there is a limit, or the provider said what is left."""
        return self._limit is not None or self._told >= 0

    def delay(self, units: int, now: float) -> float:
        """The seconds until it is worth another look whether these units may start; 0 if they may start now.

        Units that exceed the limit by themselves start when nothing else counts.
        """
        while self._shares and self._shares[0].at <= now - WINDOW_SECONDS:
            old = self._shares.popleft()
            old.counts = False
            self._units -= old.units
        delay = 0.0
        if self._limit is not None and self._units > 0 and self._units + units > self._limit:
            delay = self._shares[0].at + WINDOW_SECONDS - now
        if now < self._reset and self._started + units > self._bound:
            delay = max(delay, self._reset - now)
        return delay

    def start(self, units: int, now: float) -> Share:
        """Count a call that starts."""
        self._started += units
        share = Share(now, units, self._started, counts=self._limit is not None)
        if share.counts:
            self._shares.append(share)
            self._units += units
        return share

    def end(self, share: Share, units: int) -> None:
        """The call is over, and was worth these units."""
        if share.counts:
            self._units += units - share.units
        share.units = units

    def tell(self, share: Share, left: int | None, reset: float | None, now: float) -> None:
        """The provider said to this call how much is left until it resets in `reset` seconds.

        Calls that started later count against what is left. What the provider said to earlier calls is out of date.
        """
        if left is None or reset is None or share.place < self._told:
            return
        self._told, self._bound, self._reset = share.place, share.place + left, now + reset


class Room:
    """How many calls may be in flight: at most `most`, and fewer after the provider refused some for their number.

    A refusal halves the calls, once a second at most. Answers let them grow again, by one for each round of calls. This
    is the rule of TCP (additive increase, multiplicative decrease; Chiu and Jain 1989), by which independent clients
    share a resource evenly. most: None is no limit.
    """

    def __init__(self, most: int | None) -> None:
        self._most = math.inf if most is None else float(most)
        self._allowed = self._most
        self._halved = -math.inf
        self._in_flight = 0

    @property
    def free(self) -> bool:
        """True if one more call may start."""
        return self._in_flight + 1 <= self._allowed

    def enter(self) -> None:
        """Count a call that starts."""
        self._in_flight += 1

    def leave(self) -> None:
        """A call is over."""
        self._in_flight -= 1

    def answered(self) -> None:
        """The provider answered a call."""
        self._allowed = min(self._most, self._allowed + 1 / self._allowed)

    def refused(self, now: float) -> None:
        """The provider refused a call because there were too many."""
        if now - self._halved >= _HALVE_SECONDS:
            self._allowed = max(1.0, min(self._allowed, self._in_flight) / 2)
            self._halved = now
