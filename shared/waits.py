"""What calls of models and agents wait for, to tell those who watch."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

WORTH_TELLING = 5.0
"""Seconds after which a call without an answer is mentioned. One that was refused is mentioned at once."""


@dataclass(slots=True, eq=False)
class _Call:
    """whom: the model or agent. since: when it began. why: see Waiting. again: when it is tried again, if known.

    Times are those of `clock`, in seconds.
    """

    whom: str
    clock: Callable[[], float]
    since: float
    why: str = ""
    again: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls that wait for the same model or agent, for the same reason.

    whom: the model or agent. why: the rest of a sentence about it. seconds: since the first of them began.
    again_in: seconds until the first is tried again; None if nobody knows.
    """

    whom: str
    why: str
    calls: int
    seconds: float
    again_in: float | None


_current: ContextVar[_Call | None] = ContextVar("call", default=None)


class Waits:
    """The calls that this process has begun and not ended, by all that they belong to. clock: returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._calls: dict[str, set[_Call]] = {}

    @contextmanager
    def call(self, whom: str, *of: str) -> Iterator[None]:
        """A call for `of`, such as a conversation and its batch, which lasts until the block ends."""
        call = _Call(whom, self._clock, self._clock())
        for name in of:
            self._calls.setdefault(name, set()).add(call)
        before = _current.set(call)
        try:
            yield
        finally:
            _current.reset(before)
            for name in of:
                self._calls[name].discard(call)
                if not self._calls[name]:
                    del self._calls[name]

    def of(self, name: str) -> Sequence[Waiting]:
        """What the calls for `name` wait for, the most calls first; nothing for those that began a moment ago."""
        now, alike = self._clock(), dict[tuple[str, str], list[_Call]]()
        for call in self._calls.get(name, ()):
            if call.why or now - call.since >= WORTH_TELLING:
                alike.setdefault((call.whom, call.why or "no answer yet"), []).append(call)
        found = [
            Waiting(
                whom,
                why,
                len(calls),
                now - min(call.since for call in calls),
                min((call.again - now for call in calls if call.again is not None and call.again > now), default=None),
            )
            for (whom, why), calls in alike.items()
        ]
        return sorted(found, key=lambda one: -one.calls)


def waits_for(why: str, seconds: float | None = None) -> None:
    """Say why the current call waits; "" once it goes on. seconds: until it is tried again, if that is known."""
    if (call := _current.get()) is not None:
        call.why = why
        call.again = None if seconds is None else call.clock() + seconds
