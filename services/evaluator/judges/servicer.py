"""JudgeService."""

import asyncio
from collections.abc import AsyncIterator

from greenroom.evaluator.v1 import judge_pb2 as pb
from greenroom.evaluator.v1 import judge_pb2_grpc
from services.evaluator.judges.messages import (
    calibration_message,
    judgement_message,
    judgement_spec,
    judgement_state,
    result_message,
)
from services.evaluator.judges.model import Judgement
from services.evaluator.judges.operations import JudgeCalibrations, Judgements
from services.evaluator.judges.store.judgements import JudgementStore
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_number, before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.work.calls import WorkCalls
from shared.work.model import Work


class JudgeServicer(judge_pb2_grpc.JudgeServiceServicer):
    """Answers calls about judgements and calibrations."""

    def __init__(
        self,
        judgements: Judgements,
        calibrations: JudgeCalibrations,
        store: JudgementStore,
        calls: WorkCalls[Judgement],
    ) -> None:
        self._judgements = judgements
        self._calibrations = calibrations
        self._store = store
        self._calls = calls

    async def StartJudgement(self, request: pb.StartJudgementRequest, context: Context) -> pb.StartJudgementResponse:
        key = request_key(request, "StartJudgement")
        started = await self._judgements.start(judgement_spec(request.spec), caller(), key)
        return pb.StartJudgementResponse(judgement=await self._message(started))

    async def GetJudgement(self, request: pb.GetJudgementRequest, context: Context) -> pb.GetJudgementResponse:
        found = await self._store.get(caller().company, request.name)
        return pb.GetJudgementResponse(judgement=await self._message(found))

    async def ListJudgements(self, request: pb.ListJudgementsRequest, context: Context) -> pb.ListJudgementsResponse:
        page = read_page(request)
        found = await self._store.page(caller().company, judgement_state(request.state), list_part(request, page))
        calibrations = await self._calibrations.of(caller().company, found.items)
        shown, token = cut([judgement_message(one, calibrations) for one in found.items], page, before)
        return pb.ListJudgementsResponse(judgements=shown, next_page_token=token, total_size=found.total)

    async def ListJudgementResults(
        self, request: pb.ListJudgementResultsRequest, context: Context
    ) -> pb.ListJudgementResultsResponse:
        judgement, page = await self._store.get(caller().company, request.judgement), read_page(request)
        found = await self._store.results(judgement, after_number(page, -1), page.size + 1)
        shown, token = cut([result_message(one) for one in found], page, lambda row: row.index)
        return pb.ListJudgementResultsResponse(results=shown, next_page_token=token)

    async def WatchJudgement(
        self, request: pb.WatchJudgementRequest, context: Context
    ) -> AsyncIterator[pb.WatchJudgementResponse]:
        company, loop = caller().company, asyncio.get_running_loop()

        def summary(work: Work[Judgement]) -> pb.Judgement:  # runs in a thread
            found = self._calibrations.of(company, [work])
            return judgement_message(work, asyncio.run_coroutine_threadsafe(found, loop).result())

        async for one in self._calls.watch(request, pb.WatchJudgementResponse, "results", summary):
            yield one

    async def CancelJudgement(self, request: pb.CancelJudgementRequest, context: Context) -> pb.CancelJudgementResponse:
        found = await self._judgements.works.cancel(caller().company, request.name)
        return pb.CancelJudgementResponse(judgement=await self._message(found))

    async def RetryJudgement(self, request: pb.RetryJudgementRequest, context: Context) -> pb.RetryJudgementResponse:
        found = await self._judgements.works.retry(caller().company, request.name)
        return pb.RetryJudgementResponse(judgement=await self._message(found))

    async def DeleteJudgement(self, request: pb.DeleteJudgementRequest, context: Context) -> pb.DeleteJudgementResponse:
        await self._judgements.works.delete(caller().company, request.name)
        return pb.DeleteJudgementResponse()

    async def CalibrateJudge(self, request: pb.CalibrateJudgeRequest, context: Context) -> pb.CalibrateJudgeResponse:
        key = request_key(request, "CalibrateJudge")
        held_back = request.held_back if request.HasField("held_back") else 0.5
        alpha = request.alpha if request.HasField("alpha") else 0.05
        made = await self._calibrations.calibrate(caller(), request.judgement, request.labels, held_back, alpha, key)
        return pb.CalibrateJudgeResponse(calibration=calibration_message(made))

    async def GetJudgeCalibration(
        self, request: pb.GetJudgeCalibrationRequest, context: Context
    ) -> pb.GetJudgeCalibrationResponse:
        found = await self._calibrations.store.get(caller().company, request.name)
        return pb.GetJudgeCalibrationResponse(calibration=calibration_message(found))

    async def ListJudgeCalibrations(
        self, request: pb.ListJudgeCalibrationsRequest, context: Context
    ) -> pb.ListJudgeCalibrationsResponse:
        page = read_page(request)
        found = await self._calibrations.store.page(caller().company, list_part(request, page))
        shown, token = cut([calibration_message(one) for one in found.items], page, before)
        return pb.ListJudgeCalibrationsResponse(calibrations=shown, next_page_token=token, total_size=found.total)

    async def DeleteJudgeCalibration(
        self, request: pb.DeleteJudgeCalibrationRequest, context: Context
    ) -> pb.DeleteJudgeCalibrationResponse:
        await self._calibrations.store.delete(caller().company, request.name)
        return pb.DeleteJudgeCalibrationResponse()

    async def _message(self, work: Work[Judgement]) -> pb.Judgement:
        return judgement_message(work, await self._calibrations.of(caller().company, [work]))
