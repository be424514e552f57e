"""What reports are built from: the verdicts of completed judgements, and how far people agree with the judge."""

from collections.abc import Sequence

from services.evaluator.judges.calibrating import NOT_CALIBRATED
from services.evaluator.judges.errors import JudgementUnfinished
from services.evaluator.judges.model import Calibration, Outcome, Result
from services.evaluator.judges.operations import JudgeCalibrations
from services.evaluator.judges.store.judgements import JudgementStore
from services.evaluator.reports.errors import JudgesDiffer
from services.evaluator.reports.judged import JudgedCriterion, Verdicts
from services.evaluator.rubrics.model import Criterion
from services.evaluator.rubrics.reading import read_rubric
from services.evaluator.statistics.rogan_gladen import Share
from shared.work.model import State


class ReportedJudgements:
    """Reads judgements for reports."""

    def __init__(self, store: JudgementStore, calibrations: JudgeCalibrations) -> None:
        self._store = store
        self._calibrations = calibrations

    async def criteria(self, company: str, names: Sequence[str]) -> tuple[JudgedCriterion, ...]:
        """The criteria with the verdicts of these judgements, one of each side.

        Raises JudgementNotFound, JudgementUnfinished, JudgesDiffer.
        """
        works = [await self._store.get(company, name) for name in names]
        for work in works:
            if work.state is not State.COMPLETED:
                raise JudgementUnfinished(name=work.name, state=work.state)
        judge = works[0].body.judge
        if any(work.body.judge != judge for work in works):
            raise JudgesDiffer(judgement=names[0], baseline=names[1])
        calibration = (await self._calibrations.of(company, works)).get(judge)
        results = [await self._store.results(work, -1, None) for work in works]
        read = read_rubric(works[0].body.spec.criteria.encode(), "rubric.yaml")
        return tuple(_criterion(one, results, calibration) for one in read.criteria)


def _criterion(one: Criterion, results: Sequence[Sequence[Result]], calibration: Calibration | None) -> JudgedCriterion:
    verdicts = tuple(_verdicts(one, side) for side in results)
    found = next((own for own in calibration.criteria if own.id == one.id), None) if calibration else None
    if calibration is None or found is None:
        return JudgedCriterion(one.id, one.question, verdicts, NOT_CALIBRATED)
    return JudgedCriterion(
        one.id,
        one.question,
        verdicts,
        found.why_uncalibrated,
        calibration.name,
        Share(found.found, found.passed) if found.passed else None,
        Share(found.spared, found.failures) if found.failures else None,
    )


def _verdicts(one: Criterion, results: Sequence[Result]) -> Verdicts:
    return {
        result.conversation: verdict.passed
        for result in results
        for verdict in result.criteria
        if verdict.id == one.id and verdict.outcome is Outcome.JUDGED
    }
