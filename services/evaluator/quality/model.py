"""The quality of one conversation, as in the contract, and its stored form."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from shared.model.events import Json


@dataclass(frozen=True, slots=True)
class QualityPart:
    """What one metric finds. score: 0 to 100. flagged: True if people should look at it.

    detail: what was found, one sentence; may be empty. evidence: the seqs of the events that show it.
    """

    metric: str
    score: float
    flagged: bool = False
    detail: str = ""
    evidence: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of a conversation. score: 0 to 100. parts: of the metrics that apply."""

    score: float
    parts: tuple[QualityPart, ...] = ()

    @property
    def flags(self) -> list[str]:
        """The metrics that flag the conversation."""
        return [one.metric for one in self.parts if one.flagged]


def quality_json(quality: Quality) -> Json:
    """The quality as JSON: lists in the order of the fields."""
    parts: list[Json] = [[one.metric, one.score, one.flagged, one.detail, list(one.evidence)] for one in quality.parts]
    return [quality.score, parts]


def read_quality(record: Sequence[Any]) -> Quality:
    """The inverse of `quality_json`."""
    total, parts = record
    return Quality(
        total,
        tuple(
            QualityPart(metric, score, flagged, detail, tuple(seqs)) for metric, score, flagged, detail, seqs in parts
        ),
    )
