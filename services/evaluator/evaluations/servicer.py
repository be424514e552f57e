"""EvaluationService."""

from collections.abc import AsyncIterator

from greenroom.evaluator.v1 import evaluation_pb2 as pb
from greenroom.evaluator.v1 import evaluation_pb2_grpc
from services.evaluator.evaluations.messages import (
    evaluation_message,
    evaluation_spec,
    evaluation_state,
    outcome,
    result_message,
)
from services.evaluator.evaluations.model import Evaluation
from services.evaluator.evaluations.operations import Evaluations
from services.evaluator.evaluations.store import EvaluationStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_number, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.work.calls import WorkCalls


class EvaluationServicer(evaluation_pb2_grpc.EvaluationServiceServicer):
    """Answers calls about evaluations."""

    def __init__(self, evaluations: Evaluations, store: EvaluationStore, calls: WorkCalls[Evaluation]) -> None:
        self._evaluations = evaluations
        self._store = store
        self._calls = calls

    async def StartEvaluation(self, request: pb.StartEvaluationRequest, context: Context) -> pb.StartEvaluationResponse:
        key = request_key(request, "StartEvaluation")
        evaluation = await self._evaluations.start(evaluation_spec(request.spec), caller(), key)
        return pb.StartEvaluationResponse(evaluation=evaluation_message(evaluation))

    async def GetEvaluation(self, request: pb.GetEvaluationRequest, context: Context) -> pb.GetEvaluationResponse:
        evaluation = await self._store.get(caller().company, request.name)
        return pb.GetEvaluationResponse(evaluation=evaluation_message(evaluation))

    async def ListEvaluations(self, request: pb.ListEvaluationsRequest, context: Context) -> pb.ListEvaluationsResponse:
        shown, token, total = await self._calls.page(request, evaluation_state(request.state), evaluation_message)
        return pb.ListEvaluationsResponse(evaluations=shown, next_page_token=token, total_size=total)

    async def ListEvaluationResults(
        self, request: pb.ListEvaluationResultsRequest, context: Context
    ) -> pb.ListEvaluationResultsResponse:
        evaluation, page = await self._store.get(caller().company, request.evaluation), read_page(request)
        found = await self._store.results(evaluation, outcome(request.outcome), after_number(page, -1), page.size + 1)
        shown, token = cut([result_message(one) for one in found], page, lambda row: row.index)
        return pb.ListEvaluationResultsResponse(results=shown, next_page_token=token)

    def WatchEvaluation(
        self, request: pb.WatchEvaluationRequest, context: Context
    ) -> AsyncIterator[pb.WatchEvaluationResponse]:
        return self._calls.watch(request, pb.WatchEvaluationResponse, "results", evaluation_message)

    async def CancelEvaluation(
        self, request: pb.CancelEvaluationRequest, context: Context
    ) -> pb.CancelEvaluationResponse:
        evaluation = await self._evaluations.works.cancel(caller().company, request.name)
        return pb.CancelEvaluationResponse(evaluation=evaluation_message(evaluation))

    async def RetryEvaluation(self, request: pb.RetryEvaluationRequest, context: Context) -> pb.RetryEvaluationResponse:
        evaluation = await self._evaluations.works.retry(caller().company, request.name)
        return pb.RetryEvaluationResponse(evaluation=evaluation_message(evaluation))

    async def DeleteEvaluation(
        self, request: pb.DeleteEvaluationRequest, context: Context
    ) -> pb.DeleteEvaluationResponse:
        await self._evaluations.works.delete(caller().company, request.name)
        return pb.DeleteEvaluationResponse()
