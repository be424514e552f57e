"""Until when the calls of one request must have been answered."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment in seconds of the event loop. asked: how many seconds there were from the beginning."""

    end: float
    asked: float

    @classmethod
    def within(cls, seconds: float) -> "Deadline":
        """A deadline so many seconds from now."""
        return cls(asyncio.get_running_loop().time() + seconds, seconds)

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return max(0.0, self.end - asyncio.get_running_loop().time())
