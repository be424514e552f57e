"""What a metric is, and what it finds."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from services.evaluator.quality.talk import Talk

MOST_EVIDENCE = 20
"""The most seqs that one finding names."""


class Found(NamedTuple):
    """What a metric finds in a conversation.

    value: 0 (as bad as it gets) to 1 (nothing wrong). flagged: True if people should look at it.
    detail: what was found, one sentence; "" if nothing is wrong. evidence: the seqs of the messages that show it.
    """

    value: float
    flagged: bool = False
    detail: str = ""
    evidence: Sequence[int] = ()


class Metric(NamedTuple):
    """A metric. weight: the share of the score that the worst value takes away.

    measure: returns None for a conversation to which the metric does not apply.
    """

    id: str
    weight: float
    measure: Callable[[Talk], Found | None]


def share_of(found: int, total: int) -> float:
    """The share of some of a total, 0 of none."""
    return found / total if total else 0.0
