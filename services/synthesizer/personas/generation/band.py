"""Keeps generated personas inside the band of people: no persona is drawn from a customer who is unlike the others."""

from collections.abc import Sequence
from math import floor

Habits = tuple[float, ...]
"""How a customer talks, as numbers in an order that all customers share."""

_ROUNDING = 1e-9


def typical(customers: Sequence[Habits], band: float) -> list[bool]:
    """For each customer, whether each of its habits lies within the middle share `band` of all customers'.

    Ends are included. band: above 0 and below 1; 0.9 leaves out the twentieth at either end.
    """
    limits = [_limits(sorted(habit), band) for habit in zip(*customers, strict=True)]
    return [all(low <= value <= high for value, (low, high) in zip(one, limits, strict=True)) for one in customers]


def _limits(values: Sequence[float], band: float) -> tuple[float, float]:
    """(least, greatest) of the middle of sorted values."""
    last = len(values) - 1
    outside = floor(last * (1 - band) / 2 + _ROUNDING)
    return values[outside], values[last - outside]
