"""Compares the verdicts of a judge with the labels of people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any

from services.evaluator.judges.model import (
    CriterionCalibration,
    CriterionVerdict,
    Disagreement,
    Label,
    LabelProblem,
    Outcome,
    Result,
    Tally,
)
from services.evaluator.rubrics.model import Criterion
from services.evaluator.statistics.kappa import kappa
from services.evaluator.statistics.rogan_gladen import Corrected, Share, corrected
from shared.plain import plain
from shared.words import any_of
from shared.yaml import near

LEAST_KAPPA = 0.6
LEAST_LABELS = 100
LEAST_FAILURES = 0.25
"""What a judge must reach before it may fail a run: kappa, labels that are held back, and the share of failures."""
NOT_CALIBRATED = "Nobody compared this judge with people (`greenroom judge calibrate`)."
"""Why a criterion without a calibration may not fail a run."""
_KEYS = ("conversation", "criterion", "verdict")
_MOST_DISAGREEMENTS = 20


def read_labels(
    data: bytes, criteria: Sequence[Criterion], results: Sequence[Result]
) -> tuple[list[Label], list[LabelProblem]]:
    """(the labels in JSONL that can be used, one of each conversation and criterion; what is wrong with the others)"""
    known = {result.conversation for result in results}
    scales = {one.id: one.scale for one in criteria}
    found: dict[tuple[str, str], list[Label]] = {}
    problems = list[LabelProblem]()
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        label = _label(number, line)
        problem = label if isinstance(label, str) else _wrong(label, known, scales)
        if problem:
            problems.append(LabelProblem(number, problem))
        elif isinstance(label, Label):
            found.setdefault((label.conversation, label.criterion), []).append(label)
    labels = list[Label]()
    for same in found.values():
        if len({one.verdict for one in same}) > 1:
            problems += _contradicting(same)
        else:
            labels.append(same[0])
    return labels, sorted(problems, key=lambda one: one.line)


def _label(number: int, line: bytes) -> Label | str:
    """The label in a line, or what is wrong."""
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return "It is not JSON in UTF-8."
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in _KEYS):
        return 'A label is an object with the texts "conversation", "criterion" and "verdict".'
    return Label(number, *(record[key] for key in _KEYS))


def _wrong(label: Label, known: Iterable[str], scales: Mapping[str, Iterable[str]]) -> str:
    """What is wrong with a label; "" if nothing is."""
    if label.conversation not in known:
        return f"{plain(label.conversation, 100)} is not one of the conversations of this judgement."
    if label.criterion not in scales:
        name = plain(label.criterion, 100)
        return f"The rubric has no criterion {name}{near(name, scales) or f'; it has {any_of(scales)}'}."
    scale = scales[label.criterion]
    if label.verdict not in scale:
        name = plain(label.verdict, 100)
        return f"{label.criterion} has no verdict {name}{near(name, scale) or f'; it has {any_of(scale)}'}."
    return ""


def _contradicting(same: Sequence[Label]) -> list[LabelProblem]:
    said = ", ".join(f"{one.verdict} on line {one.line}" for one in same[:5])
    sentence = f"{same[0].criterion} of {same[0].conversation} has several labels that differ: {said}; none counts."
    return [LabelProblem(one.line, sentence) for one in same]


def is_held_back(conversation: str, share: float) -> bool:
    """True if the labels of a conversation are held back: always the same ones, whatever else is labelled."""
    drawn = int.from_bytes(sha256(f"held back/{conversation}".encode()).digest()[:8])
    return drawn / 2**64 < share


def calibrated(
    criteria: Sequence[Criterion], results: Sequence[Result], labels: Sequence[Label], held_back: float
) -> tuple[CriterionCalibration, ...]:
    """Each criterion that has labels. held_back: the share of conversations whose labels are held back."""
    verdicts = {(result.conversation, one.id): one for result in results for one in result.criteria}
    found = []
    for criterion in criteria:
        own = [label for label in labels if label.criterion == criterion.id]
        if own:
            found.append(
                _criterion(criterion, [(one, verdicts[one.conversation, one.criterion]) for one in own], held_back)
            )
    return tuple(found)


def _criterion(
    criterion: Criterion, pairs: Sequence[tuple[Label, CriterionVerdict]], held_back: float
) -> CriterionCalibration:
    judged = [pair for pair in pairs if pair[1].outcome is Outcome.JUDGED]
    held = [pair for pair in judged if is_held_back(pair[0].conversation, held_back)]
    shown = [pair for pair in judged if not is_held_back(pair[0].conversation, held_back)]
    both = [(label.verdict in criterion.passes, verdict.passed) for label, verdict in held]
    failures = sum(not truth for truth, _ in both)
    found = kappa([(str(truth), str(says)) for truth, says in both])
    return CriterionCalibration(
        id=criterion.id,
        labels=len(both),
        failures=failures,
        found=sum(truth and says for truth, says in both),
        spared=sum(not truth and not says for truth, says in both),
        agreed=sum(truth == says for truth, says in both),
        kappa=found,
        why_uncalibrated=_why_not(found, len(both), failures),
        unjudged=len(pairs) - len(judged),
        open_labels=len(shown),
        disagreements=tuple(
            Disagreement(label.conversation, label.verdict, verdict.verdict, verdict.turns)
            for label, verdict in shown
            if label.verdict != verdict.verdict
        )[:_MOST_DISAGREEMENTS],
    )


def _why_not(found: float | None, labels: int, failures: int) -> str:
    """Why a criterion may not fail a run, a sentence; "" if it may."""
    if not labels:
        return "None of its labels is held back and has a verdict of the judge."
    if not failures:
        return f"None of its {labels:,} labels is a failure, so nobody knows whether the judge would notice one."
    if failures == labels:
        return f"All of its {labels:,} labels are failures, so nobody knows whether the judge would pass anything."
    if labels < LEAST_LABELS:
        return f"It has {labels:,} labels that are held back; {LEAST_LABELS} are needed."
    if failures < LEAST_FAILURES * labels:
        return f"{failures:,} of its {labels:,} labels are failures; a quarter is needed."
    if found is None or found < LEAST_KAPPA:
        return f"Its kappa is {found or 0.0:.2f}; {LEAST_KAPPA} is needed."
    return ""


def corrected_rate(tally: Tally, found: CriterionCalibration | None, alpha: float) -> Corrected | None:
    """The rate of a criterion, corrected for the judge's errors; None if these are not known or tell nothing."""
    total = tally.passed + tally.failed
    if found is None or not total or not found.passed or not found.failures:
        return None
    return corrected(
        Share(tally.passed, total), Share(found.found, found.passed), Share(found.spared, found.failures), alpha
    )
