"""What rehearsals start: calls to the synthesizer and the evaluator."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from greenroom.evaluator.v1 import evaluation_pb2, report_pb2
from greenroom.evaluator.v1.evaluation_pb2_grpc import EvaluationServiceStub
from greenroom.evaluator.v1.report_pb2_grpc import ReportServiceStub
from greenroom.gateway.v1 import rehearsal_pb2
from greenroom.synthesizer.v1 import batch_pb2, procedure_pb2, source_pb2
from greenroom.synthesizer.v1.batch_pb2_grpc import BatchServiceStub
from greenroom.synthesizer.v1.procedure_pb2_grpc import ProcedureServiceStub
from services.gateway.rehearsals import messages as convert
from services.gateway.rehearsals.children import Progress
from services.gateway.rehearsals.errors import BaselineUnlike
from services.gateway.rehearsals.model import Side
from shared.auth import Caller
from shared.errors import FailedPrecondition, GreenroomError, InvalidArgument, NotFound, Violation
from shared.model.expectations import check_expectations, read_expectations
from shared.rpc.peers import Peer, Peers
from shared.rpc.values import message_json, struct_json

SYNTHESIZER, EVALUATOR = "synthesizer", "evaluator"

_OVER = (
    evaluation_pb2.Evaluation.STATE_COMPLETED,
    evaluation_pb2.Evaluation.STATE_FAILED,
    evaluation_pb2.Evaluation.STATE_CANCELLED,
)
_BATCH_OVER = (batch_pb2.Batch.STATE_COMPLETED, batch_pb2.Batch.STATE_CANCELLED)


class Synthesizer:
    """The stubs of the synthesizer, for one caller."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.batches = BatchServiceStub(peer.channel)
        self.procedures = ProcedureServiceStub(peer.channel)

    async def batch(self, name: str) -> batch_pb2.Batch:
        """A batch with its counts."""
        return (await self.peer.unary(self.batches.GetBatch, batch_pb2.GetBatchRequest(name=name))).batch

    async def results(self, batch: str) -> list[batch_pb2.BatchResult]:
        """All rows of a batch, by index."""
        found: list[batch_pb2.BatchResult] = []
        request = batch_pb2.ListBatchResultsRequest(batch=batch, page_size=1000)
        while True:
            page = await self.peer.unary(self.batches.ListBatchResults, request)
            found += page.results
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token


class Evaluator:
    """The stubs of the evaluator, for one caller."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.evaluations = EvaluationServiceStub(peer.channel)
        self.reports = ReportServiceStub(peer.channel)

    async def evaluation(self, name: str) -> evaluation_pb2.Evaluation:
        """An evaluation with its counts."""
        request = evaluation_pb2.GetEvaluationRequest(name=name)
        return (await self.peer.unary(self.evaluations.GetEvaluation, request)).evaluation

    async def results(self, name: str) -> list[evaluation_pb2.EvaluationResult]:
        """All results of an evaluation, by index."""
        found: list[evaluation_pb2.EvaluationResult] = []
        request = evaluation_pb2.ListEvaluationResultsRequest(evaluation=name, page_size=1000)
        while True:
            page = await self.peer.unary(self.evaluations.ListEvaluationResults, request)
            found += page.results
            if not page.next_page_token:
                return found
            request.page_token = page.next_page_token

    async def report(self, name: str) -> report_pb2.Report:
        """A report."""
        return (await self.peer.unary(self.reports.GetReport, report_pb2.GetReportRequest(name=name))).report


class RemoteChildren:
    """The children of rehearsals, at their services."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    def synthesizer(self, who: Caller) -> Synthesizer:
        """The synthesizer, called for somebody."""
        return Synthesizer(self._peers.of(SYNTHESIZER, who))

    def evaluator(self, who: Caller) -> Evaluator:
        """The evaluator, called for somebody."""
        return Evaluator(self._peers.of(EVALUATOR, who))

    async def check(self, who: Caller, spec: bytes) -> None:
        synthesizer = self.synthesizer(who)
        for number, side in enumerate(convert.sides_of(spec)):
            batch = convert.batch_spec(spec, number)
            if side.given:
                continue
            try:
                await synthesizer.peer.unary(
                    synthesizer.batches.EstimateBatch, batch_pb2.EstimateBatchRequest(spec=batch)
                )
            except GreenroomError as error:
                raise _placed(error, "spec.batch" if number == 0 else "spec.compare") from None
            await _check_expectations(synthesizer, spec, batch)

    async def played(self, who: Caller, spec: bytes, batch: str) -> list[int]:
        synthesizer = self.synthesizer(who)
        await _check_alike(synthesizer, convert.batch_spec(spec, 0), batch)
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

    async def create_batch(self, who: Caller, spec: bytes, number: int, judged: str, key: str) -> str:
        synthesizer = self.synthesizer(who)
        batch = convert.batch_spec(spec, number)
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

    async def run_batch(self, who: Caller, batch: str) -> None:
        synthesizer = self.synthesizer(who)
        await synthesizer.peer.unary(synthesizer.batches.RunBatch, batch_pb2.RunBatchRequest(name=batch))

    async def evaluation(self, who: Caller, evaluation: str) -> Progress:
        found = await self.evaluator(who).evaluation(evaluation)
        cancelled = found.state == evaluation_pb2.Evaluation.STATE_CANCELLED
        return Progress(found.state in _OVER, cancelled, found.reason, found.detail)

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
        if not side.given:
            end = batch_pb2.CancelBatchRequest(name=side.batch)
            ended = await _unless_over(synthesizer.peer.unary(synthesizer.batches.CancelBatch, end))
            over &= ended is None or ended.batch.state in _BATCH_OVER
        return over

    async def delete(self, who: Caller, sides: Sequence[Side]) -> None:
        synthesizer, evaluator = self.synthesizer(who), self.evaluator(who)
        evaluations = [name for side in sides for name in (side.evaluation, *side.earlier) if name]
        for name in evaluations:
            await _delete_reports(evaluator, name)
        for name in evaluations:
            gone = evaluation_pb2.DeleteEvaluationRequest(name=name)
            await _unless_gone(evaluator.peer.unary(evaluator.evaluations.DeleteEvaluation, gone))
        for side in sides:
            if side.batch and not side.given:
                request = batch_pb2.DeleteBatchRequest(name=side.batch)
                await _unless_gone(synthesizer.peer.unary(synthesizer.batches.DeleteBatch, request))


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


async def _check_alike(synthesizer: Synthesizer, spec: batch_pb2.BatchSpec, name: str) -> None:
    """Raise BaselineUnlike if a given batch has other sources or personas than the batch to be."""
    given = _conversations(await _chosen(synthesizer, name))
    for what, wanted in _conversations(spec).items():
        if wanted and wanted != given[what]:
            raise BaselineUnlike(batch=name, what=what)


async def _chosen(synthesizer: Synthesizer, name: str) -> batch_pb2.BatchSpec:
    """The spec by which the conversations of a batch were chosen, those of which it plays again."""
    spec = (await synthesizer.batch(name)).spec
    size = spec.size
    with suppress(NotFound):
        while spec.HasField("again"):
            spec = (await synthesizer.batch(spec.again.batch)).spec
    spec.size = size
    return spec


def _conversations(spec: batch_pb2.BatchSpec) -> dict[str, Any]:
    """What two batches must have in common to be paired; empty where the spec does not say it."""
    which = source_pb2.SourceFilter()
    which.CopyFrom(spec.source_filter)
    # A batch takes finished sources, whether its filter says so or not.
    which.ClearField("finished")
    return {
        "sources": [*spec.sources, which.SerializeToString(deterministic=True)] if _has_sources(spec) else [],
        "personas": {share.persona: share.weight or 1.0 for share in spec.personas},
        "size": spec.size,
    }


def _has_sources(spec: batch_pb2.BatchSpec) -> bool:
    return bool(spec.sources) or spec.HasField("source_filter")


async def _check_expectations(synthesizer: Synthesizer, spec: bytes, batch: batch_pb2.BatchSpec) -> None:
    """Refuse expectations about tools or fields that the procedure does not have."""
    wanted = rehearsal_pb2.RehearsalSpec.FromString(spec).expectations
    if not wanted:
        return
    expectations = read_expectations([message_json(one) for one in wanted])
    conversation, tools = batch.conversation, None
    if conversation.procedure and not batch.linked_revisions:
        request = procedure_pb2.GetProcedureRequest(name=conversation.procedure, revision=conversation.revision)
        found = await synthesizer.peer.unary(synthesizer.procedures.GetProcedure, request)
        tools = {tool.name: struct_json(tool.arguments_schema) or None for tool in found.revision.tools}
    check_expectations(expectations, tools, "spec.expectations")


def _placed(error: GreenroomError, place: str) -> GreenroomError:
    """The error of the batch, with the fields of the rehearsal's spec."""
    if isinstance(error, InvalidArgument):
        error.violations = tuple(
            Violation(place + one.field.removeprefix("spec"), one.description) if one.field.startswith("spec") else one
            for one in error.violations
        )
    return error
