"""What a model thinks of a campaign."""

from dataclasses import dataclass

from services.evaluator.checks.model import Issue
from shared.model.events import NO_USAGE, Usage

MODEL_VIEW = "model_view"
"""The type of a model's issues."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What a model would change. subject: such as TIMING. steps: ids of existing steps."""

    subject: str
    sentence: str
    evidence: str
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Review:
    """A model's view. notes: what was left out, or why there is none, a sentence each."""

    issues: tuple[Issue, ...] = ()
    advice: tuple[Advice, ...] = ()
    notes: tuple[str, ...] = ()
    usage: Usage = NO_USAGE


NO_REVIEW = Review()
