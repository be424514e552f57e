"""What rehearsals start: calls to the synthesizer and the evaluator."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from greenroom.evaluator.v1 import evaluation_pb2, judge_pb2, report_pb2, rubric_pb2
from greenroom.synthesizer.v1 import batch_pb2
from services.gateway.adapters.checks import check_alike, check_expectations_of
from services.gateway.adapters.records import RemoteRecords
from services.gateway.adapters.stubs import Evaluator, Synthesizer
from services.gateway.rehearsals import messages as convert
from services.gateway.rehearsals.children import Progress
from services.gateway.rehearsals.model import Side
from shared.auth import Caller
from shared.errors import FailedPrecondition, GreenroomError, InvalidArgument, NotFound, Violation
from shared.rpc.peers import Peers
from shared.statistics.until_sure import Outcome

SYNTHESIZER, EVALUATOR = "synthesizer", "evaluator"

_OVER = (
    evaluation_pb2.Evaluation.STATE_COMPLETED,
    evaluation_pb2.Evaluation.STATE_FAILED,
    evaluation_pb2.Evaluation.STATE_CANCELLED,
)
_JUDGED = (
    judge_pb2.Judgement.STATE_COMPLETED,
    judge_pb2.Judgement.STATE_FAILED,
    judge_pb2.Judgement.STATE_CANCELLED,
)
_BATCH_OVER = (batch_pb2.Batch.STATE_COMPLETED, batch_pb2.Batch.STATE_CANCELLED)


class RemoteChildren:
    """The children of rehearsals, at their services."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._records = RemoteRecords(peers)

    def synthesizer(self, who: Caller) -> Synthesizer:
        """The synthesizer, called for somebody."""
        return Synthesizer(self._peers.of(SYNTHESIZER, who))

    def evaluator(self, who: Caller) -> Evaluator:
        """The evaluator, called for somebody."""
        return Evaluator(self._peers.of(EVALUATOR, who))

    async def settled(self, who: Caller, spec: bytes) -> bytes:
        if convert.has_records(spec):
            spec = await self._records.settled(who, spec)
        if convert.has_judge(spec):
            judge, evaluator = convert.judge_of(spec), self.evaluator(who)
            request = rubric_pb2.GetRubricRequest(name=judge.rubric, revision=judge.revision)
            found = await evaluator.peer.unary(evaluator.rubrics.GetRubric, request)
            spec = convert.with_rubric(spec, found.revision.number)
        return spec

    async def check(self, who: Caller, spec: bytes) -> None:
        synthesizer = self.synthesizer(who)
        samples = await self._records.samples(who, spec) if convert.has_records(spec) else ()
        for number, side in enumerate(convert.sides_of(spec)):
            batch = convert.batch_spec(spec, number)
            if side.given:
                continue
            # The set is not made yet; the first records show which types there are.
            convert.add_resources(batch, samples)
            try:
                await synthesizer.peer.unary(
                    synthesizer.batches.EstimateBatch, batch_pb2.EstimateBatchRequest(spec=batch)
                )
            except GreenroomError as error:
                raise _placed(error, "spec.batch" if number == 0 else "spec.compare") from None
            await check_expectations_of(synthesizer, spec, batch)

    async def played(self, who: Caller, spec: bytes, batch: str) -> list[int]:
        synthesizer = self.synthesizer(who)
        await check_alike(synthesizer, convert.batch_spec(spec, 0), batch)
        return [row.index for row in await synthesizer.results(batch)]

    async def not_passed(self, who: Caller, side: Side) -> list[int]:
        if not side.batch:
            return []
        evaluator, rows = self.evaluator(who), await self.synthesizer(who).results(side.batch)
        passed = set[str]()
        if side.evaluation:
            found = await evaluator.results(side.evaluation)
            passed = {
                one.conversation for one in found if one.outcome == evaluation_pb2.EvaluationResult.OUTCOME_PASSED
            }
        return [row.index for row in rows if row.conversation not in passed]

    async def make_records(self, who: Caller, spec: bytes, key: str) -> str:
        return await self._records.store(who, spec, key)

    async def create_batch(self, who: Caller, spec: bytes, number: int, judged: str, resources: str, key: str) -> str:
        synthesizer = self.synthesizer(who)
        batch = convert.batch_spec(spec, number)
        if resources:
            batch.conversation.mock_resources.append(resources)
        if judged and not batch.HasField("again"):
            # Sources that were imported meanwhile, or another seed, would choose other conversations.
            size = (await synthesizer.batch(judged)).spec.size
            batch = convert.same_conversations(batch, judged, range(size))
        request = batch_pb2.StartBatchRequest(spec=batch, create_only=True, request_id=key)
        return (await synthesizer.peer.unary(synthesizer.batches.StartBatch, request)).batch.name

    async def start_evaluation(self, who: Caller, spec: bytes, batch: str, key: str) -> str:
        evaluator = self.evaluator(who)
        request = evaluation_pb2.StartEvaluationRequest(spec=convert.evaluation_spec(spec, batch), request_id=key)
        return (await evaluator.peer.unary(evaluator.evaluations.StartEvaluation, request)).evaluation.name

    async def start_judgement(self, who: Caller, spec: bytes, batch: str, key: str) -> str:
        evaluator = self.evaluator(who)
        request = judge_pb2.StartJudgementRequest(spec=convert.judgement_spec(spec, batch), request_id=key)
        return (await evaluator.peer.unary(evaluator.judgements.StartJudgement, request)).judgement.name

    async def run_batch(self, who: Caller, batch: str, first: int = 0) -> None:
        synthesizer = self.synthesizer(who)
        await synthesizer.peer.unary(synthesizer.batches.RunBatch, batch_pb2.RunBatchRequest(name=batch, first=first))

    async def leave_out(self, who: Caller, batch: str) -> None:
        synthesizer = self.synthesizer(who)
        request = batch_pb2.CancelBatchRequest(name=batch, not_needed=True)
        await _unless_over(synthesizer.peer.unary(synthesizer.batches.CancelBatch, request))

    async def outcomes(self, who: Caller, sides: Sequence[Side], pairs: int) -> Sequence[Outcome] | None:
        rows = await self.synthesizer(who).results(sides[0].batch)
        indexes = [row.index for row in rows[:pairs]]
        evaluator = self.evaluator(who)
        new, old = [{one.index: one for one in await evaluator.results(side.evaluation)} for side in sides]
        if any(index not in new or index not in old for index in indexes):
            return None
        return [_outcome(new[index], old[index]) for index in indexes]

    async def evaluation(self, who: Caller, evaluation: str) -> Progress:
        found = await self.evaluator(who).evaluation(evaluation)
        cancelled = found.state == evaluation_pb2.Evaluation.STATE_CANCELLED
        results = found.counts.passed + found.counts.failed + found.counts.invalid
        return Progress(found.state in _OVER, results, cancelled, found.reason, found.detail)

    async def judgement(self, who: Caller, judgement: str) -> Progress:
        found = await self.evaluator(who).judgement(judgement)
        cancelled = found.state == judge_pb2.Judgement.STATE_CANCELLED
        return Progress(found.state in _JUDGED, found.conversations, cancelled, found.reason, found.detail)

    async def failed(self, who: Caller, batch: str) -> int:
        return (await self.synthesizer(who).batch(batch)).counts.failed

    async def resume(self, who: Caller, side: Side) -> bool:
        synthesizer, evaluator = self.synthesizer(who), self.evaluator(who)
        if not side.given:
            request = batch_pb2.RetryBatchRequest(name=side.batch)
            await synthesizer.peer.unary(synthesizer.batches.RetryBatch, request)
        state = (await evaluator.evaluation(side.evaluation)).state
        if state == evaluation_pb2.Evaluation.STATE_FAILED:
            again = evaluation_pb2.RetryEvaluationRequest(name=side.evaluation)
            await evaluator.peer.unary(evaluator.evaluations.RetryEvaluation, again)
        return state in (evaluation_pb2.Evaluation.STATE_COMPLETED, evaluation_pb2.Evaluation.STATE_CANCELLED)

    async def judge_again(self, who: Caller, side: Side) -> bool:
        evaluator = self.evaluator(who)
        state = (await evaluator.judgement(side.judgement)).state
        if state == judge_pb2.Judgement.STATE_FAILED:
            again = judge_pb2.RetryJudgementRequest(name=side.judgement)
            await evaluator.peer.unary(evaluator.judgements.RetryJudgement, again)
        return state in (judge_pb2.Judgement.STATE_COMPLETED, judge_pb2.Judgement.STATE_CANCELLED)

    async def build_report(self, who: Caller, spec: bytes, sides: Sequence[Side], key: str) -> str:
        evaluator = self.evaluator(who)
        request = report_pb2.BuildReportRequest(spec=convert.report_spec(spec, sides), request_id=key)
        return (await evaluator.peer.unary(evaluator.reports.BuildReport, request)).report.name

    async def cancel(self, who: Caller, side: Side) -> bool:
        synthesizer, evaluator = self.synthesizer(who), self.evaluator(who)
        over = True
        if side.evaluation:
            stop = evaluation_pb2.CancelEvaluationRequest(name=side.evaluation)
            stopped = await _unless_over(evaluator.peer.unary(evaluator.evaluations.CancelEvaluation, stop))
            over = stopped is None or stopped.evaluation.state in _OVER
        if side.judgement:
            halt = judge_pb2.CancelJudgementRequest(name=side.judgement)
            halted = await _unless_over(evaluator.peer.unary(evaluator.judgements.CancelJudgement, halt))
            over &= halted is None or halted.judgement.state in _JUDGED
        if not side.given:
            end = batch_pb2.CancelBatchRequest(name=side.batch)
            ended = await _unless_over(synthesizer.peer.unary(synthesizer.batches.CancelBatch, end))
            over &= ended is None or ended.batch.state in _BATCH_OVER
        return over

    async def delete(self, who: Caller, sides: Sequence[Side], resources: str) -> None:
        synthesizer, evaluator = self.synthesizer(who), self.evaluator(who)
        evaluations = [name for side in sides for name in (side.evaluation, *side.earlier) if name]
        for name in evaluations:
            await _delete_reports(evaluator, name)
        for name in evaluations:
            gone = evaluation_pb2.DeleteEvaluationRequest(name=name)
            await _unless_gone(evaluator.peer.unary(evaluator.evaluations.DeleteEvaluation, gone))
        for name in [name for side in sides for name in (side.judgement, *side.judged_before) if name]:
            unjudged = judge_pb2.DeleteJudgementRequest(name=name)
            await _unless_gone(evaluator.peer.unary(evaluator.judgements.DeleteJudgement, unjudged))
        for side in sides:
            if side.batch and not side.given:
                request = batch_pb2.DeleteBatchRequest(name=side.batch)
                await _unless_gone(synthesizer.peer.unary(synthesizer.batches.DeleteBatch, request))
        if resources:
            await self._records.delete(who, resources)


def _outcome(new: evaluation_pb2.EvaluationResult, old: evaluation_pb2.EvaluationResult) -> Outcome:
    invalid, passed = evaluation_pb2.EvaluationResult.OUTCOME_INVALID, evaluation_pb2.EvaluationResult.OUTCOME_PASSED
    if invalid in (new.outcome, old.outcome):
        return None
    return new.outcome == passed, old.outcome == passed


async def _delete_reports(evaluator: Evaluator, evaluation: str) -> None:
    request = report_pb2.ListReportsRequest(evaluation=evaluation, page_size=1000)
    for report in (await evaluator.peer.unary(evaluator.reports.ListReports, request)).reports:
        gone = report_pb2.DeleteReportRequest(name=report.name)
        await _unless_gone(evaluator.peer.unary(evaluator.reports.DeleteReport, gone))


async def _unless_over(call: Any) -> Any:
    """The answer; None if what is cancelled is over or does not exist."""
    try:
        return await call
    except (FailedPrecondition, NotFound):
        return None


async def _unless_gone(call: Any) -> None:
    with suppress(NotFound):
        await call


def _placed(error: GreenroomError, place: str) -> GreenroomError:
    """The error of the batch, with the fields of the rehearsal's spec."""
    if isinstance(error, InvalidArgument):
        error.violations = tuple(
            Violation(place + one.field.removeprefix("spec"), one.description) if one.field.startswith("spec") else one
            for one in error.violations
        )
    return error
