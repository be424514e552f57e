"""The quality of a conversation, measured without a model: a pure library. One file a metric; METRICS lists them."""

from collections.abc import Sequence

from services.evaluator.quality import (
    balance,
    contradictions,
    dead_ends,
    distinct,
    ignored_results,
    length,
    persona_fidelity,
    reactions,
    repetition,
    robotic,
    unanswered,
)
from services.evaluator.quality.metric import MOST_EVIDENCE, Metric
from services.evaluator.quality.model import Quality, QualityPart
from services.evaluator.quality.talk import Talk

METRICS: Sequence[Metric] = (
    reactions.METRIC,
    unanswered.METRIC,
    dead_ends.METRIC,
    contradictions.METRIC,
    ignored_results.METRIC,
    repetition.METRIC,
    robotic.METRIC,
    distinct.METRIC,
    balance.METRIC,
    length.METRIC,
    persona_fidelity.METRIC,
)


def quality(talk: Talk) -> Quality:
    """The quality of a conversation: 100 times the product of 1 - weight · (1 - value) over the metrics that apply."""
    score, parts = 100.0, list[QualityPart]()
    for metric in METRICS:
        found = metric.measure(talk)
        if found is not None:
            score *= 1 - metric.weight * (1 - found.value)
            evidence = tuple(found.evidence[:MOST_EVIDENCE])
            parts.append(QualityPart(metric.id, round(100 * found.value, 1), found.flagged, found.detail, evidence))
    return Quality(round(score, 2), tuple(parts))
