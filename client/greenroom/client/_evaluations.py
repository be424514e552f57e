"""Evaluations: the scores of a batch's conversations, of sources, or of conversations by name."""

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.evaluator.v1 import evaluation_pb2 as pb
from greenroom.evaluator.v1.evaluation_pb2_grpc import EvaluationServiceStub


class Evaluations:
    """The calls of EvaluationService. Names are `evaluations/{evaluation}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = EvaluationServiceStub(calls.channel)

    async def start(self, spec: pb.EvaluationSpec, *, request_id: str | None = None) -> pb.Evaluation:
        """Start to evaluate; a batch may still run."""
        request = pb.StartEvaluationRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartEvaluation, request)).evaluation

    async def get(self, name: str) -> pb.Evaluation:
        """One evaluation with its counts by outcome."""
        return (await self._calls.unary(self._stub.GetEvaluation, pb.GetEvaluationRequest(name=name))).evaluation

    def list(
        self,
        *,
        state: pb.Evaluation.State.ValueType = pb.Evaluation.STATE_UNSPECIFIED,
        short_id: str = "",
    ) -> Listing[pb.Evaluation]:
        """The evaluations, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListEvaluationsRequest(state=state, short_id=short_id)
        return self._calls.listing(self._stub.ListEvaluations, request, lambda page: page.evaluations)

    def results(
        self,
        evaluation: str,
        *,
        outcome: pb.EvaluationResult.Outcome.ValueType = pb.EvaluationResult.OUTCOME_UNSPECIFIED,
    ) -> Listing[pb.EvaluationResult]:
        """One result per evaluated conversation, by index."""
        request = pb.ListEvaluationResultsRequest(evaluation=evaluation, outcome=outcome)
        return self._calls.listing(self._stub.ListEvaluationResults, request, lambda page: page.results)

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.EvaluationResult, pb.Evaluation]:
        """The results as they are stored, until the evaluation is over; a later one of an index replaces an earlier."""
        request = pb.WatchEvaluationRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchEvaluation, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.results, cursor, link)

    async def cancel(self, name: str) -> pb.Evaluation:
        """Stop an evaluation."""
        return (await self._calls.unary(self._stub.CancelEvaluation, pb.CancelEvaluationRequest(name=name))).evaluation

    async def retry(self, name: str) -> pb.Evaluation:
        """Continue a failed evaluation after its last result."""
        request = pb.RetryEvaluationRequest(name=name)
        return (await self._calls.unary(self._stub.RetryEvaluation, request, again=False)).evaluation

    async def delete(self, name: str) -> None:
        """Delete an evaluation that is over, with its results."""
        await self._calls.unary(self._stub.DeleteEvaluation, pb.DeleteEvaluationRequest(name=name), again=False)
