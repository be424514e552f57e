"""The parameters of generation: users, time span, user types, failures."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MONDAY = 1_767_571_200_000
"""2026-01-05T00:00:00Z, in Unix milliseconds."""
DAY = 86_400_000
"""A day in milliseconds."""


class Arrival(StrEnum):
    """How sessions are spread over the time."""

    UNIFORM = "UNIFORM"
    DIURNAL = "DIURNAL"
    WEEKLY = "WEEKLY"


class Mode(StrEnum):
    """How successors are drawn: independently, or dealt from shuffled decks of exact proportions."""

    INDEPENDENT = "INDEPENDENT"
    EXACT_COUNTS = "EXACT_COUNTS"


@dataclass(frozen=True, slots=True)
class Parameters:
    """Everything that decides the calls, besides the workflow and the version of the algorithm.

    users: 1 to 100,000,000.
    sessions_mean, sessions_std: sessions per user, 1 plus a rounded log-normal number; mean at least 1.
    start, end: Unix milliseconds; sessions begin from start to before end.
    user_types: type → weight.
    cascade_rate: the share of sessions in which a cascade of failures begins midway.
    seed: any 64-bit number.
    deck_size: successors in a deck of EXACT_COUNTS.
    """

    users: int = 1_000
    sessions_mean: float = 3.0
    sessions_std: float = 2.0
    start: int = MONDAY
    end: int = MONDAY + 30 * DAY
    arrival: Arrival = Arrival.WEEKLY
    user_types: Mapping[str, float] = field(default_factory=lambda: {"premium": 30.0, "free": 50.0, "guest": 20.0})
    cascade_rate: float = 0.1
    seed: int = 0
    mode: Mode = Mode.INDEPENDENT
    deck_size: int = 100
