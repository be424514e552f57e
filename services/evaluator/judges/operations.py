"""What callers do with judgements and calibrations."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from services.evaluator.evaluations.subjects import Subjects
from services.evaluator.judges.asking import judge_of
from services.evaluator.judges.calibrating import calibrated, read_labels
from services.evaluator.judges.errors import JudgementUnfinished, NoLabelUsable
from services.evaluator.judges.model import Calibration, Judgement, JudgementSpec
from services.evaluator.judges.store.calibrations import PREFIX, JudgeCalibrationStore
from services.evaluator.judges.store.judgements import JudgementStore
from services.evaluator.rubrics.reading import read_rubric
from services.evaluator.rubrics.store import RubricStore
from shared.auth import Caller
from shared.clock import Clock
from shared.errors import GreenroomError, InvalidArgument, Violation
from shared.ids import new_id
from shared.requests import RequestKey
from shared.work.model import State, Work
from shared.work.operations import WorkOperations

CheckModel = Callable[[str], Awaitable[GreenroomError | None]]
"""Why a model of that name cannot be called; None if nothing is known against it."""
_PROBLEMS = 100


class Judgements:
    """Starts judgements. works: cancels, retries and deletes them. default_model: of a spec that names none."""

    def __init__(
        self,
        works: WorkOperations[Judgement],
        rubrics: RubricStore,
        subjects: Subjects,
        check: CheckModel,
        default_model: str,
    ) -> None:
        self.works = works
        self._rubrics = rubrics
        self._subjects = subjects
        self._check = check
        self._default_model = default_model

    async def start(self, spec: JudgementSpec, caller: Caller, key: RequestKey | None) -> Work[Judgement]:
        """Start to judge.

        Raises RubricNotFound, RubricRevisionNotFound, InvalidArgument, NothingToEvaluate, ConversationNotOver,
        HouseKeyMissing, PeerUnavailable, what the service that has the conversations says, RequestIdReused,
        ResultDeleted.
        """

        async def make(_: str) -> Judgement:
            models = spec.models or (self._default_model,)
            wrong = [
                Violation(f"spec.models[{place}]", str(problem))
                for place, model in enumerate(models)
                if (problem := await self._check(model)) is not None
            ]
            if wrong:
                raise InvalidArgument(violations=wrong)
            revision = (await self._rubrics.get(caller.company, spec.rubric, spec.revision))[1]
            self._subjects.check()
            await self._subjects.revisions(caller, spec.subject)
            whole = replace(spec, revision=revision.number, criteria=revision.content.yaml.decode(), models=models)
            return Judgement(whole, caller, judge_of(whole))

        return await self.works.start(caller, key, make)


class JudgeCalibrations:
    """Compares judgements with labels."""

    def __init__(self, judgements: JudgementStore, store: JudgeCalibrationStore, clock: Clock) -> None:
        self.store = store
        self._judgements = judgements
        self._clock = clock

    async def calibrate(
        self, caller: Caller, judgement: str, labels: bytes, held_back: float, alpha: float, key: RequestKey | None
    ) -> Calibration:
        """Compare a judgement with the labels in JSONL, and store what was found.

        Raises JudgementNotFound, JudgementUnfinished, NoLabelUsable, RequestIdReused, ResultDeleted.
        """
        work = await self._judgements.get(caller.company, judgement)
        if work.state is not State.COMPLETED:
            raise JudgementUnfinished(name=judgement, state=work.state)
        spec = work.body.spec
        criteria = read_rubric(spec.criteria.encode(), "rubric.yaml").criteria
        results = await self._judgements.results(work, -1, None)
        read, problems = read_labels(labels, criteria, results)
        if not read:
            why = f"line {problems[0].line}: {problems[0].sentence}" if problems else "the file has no line."
            raise NoLabelUsable(why=why)
        made = Calibration(
            name=f"{PREFIX}{new_id()}",
            judgement=judgement,
            judge=work.body.judge,
            rubric=spec.rubric,
            revision=spec.revision,
            models=spec.models,
            repeats=spec.repeats,
            held_back=held_back,
            alpha=alpha,
            criteria=calibrated(criteria, results, read, held_back),
            problems=tuple(problems[:_PROBLEMS]),
            problem_count=len(problems),
            creator=caller.subject,
            create_time=self._clock(),
        )
        return await self.store.create(caller.company, made, key)

    async def of(self, company: str, works: Sequence[Work[Judgement]]) -> dict[str, Calibration]:
        """The newest calibration of each judge of these judgements that has one."""
        return await self.store.newest(company, {work.body.judge for work in works})
