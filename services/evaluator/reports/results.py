"""The results that reports are computed from."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.evaluator.scores.model import Score


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A completed evaluation. evaluation: its name. batch: the batch's; "" if none. results: by index."""

    evaluation: str
    batch: str
    results: Sequence[Score]
