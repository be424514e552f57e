"""A request for test data, and what comes of it."""

from dataclasses import dataclass
from typing import Any

MOST_KEPT = 1000
"""The most answers that are kept of a company."""
MOST_KEPT_BYTES = 64 << 20
"""The most bytes of the answers that are kept of a company."""

MOST_AT_ONCE = 10_000
"""The most records of one answer."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request.

    message: the GenerateTestDataRequest. digest: of everything that the answer depends on. use_cache: see there.
    """

    message: Any
    digest: str
    use_cache: bool


@dataclass(frozen=True, slots=True)
class Remembered:
    """The entry of the history, and the pattern that the request became. problem: why there is none, or ""."""

    generation: str = ""
    pattern: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a stream continues.

    seed, revision: of the domain, settled by the first message. cursor: of test data. sent: the records before.
    """

    seed: int = 0
    revision: int = 0
    cursor: str = ""
    sent: int = 0
