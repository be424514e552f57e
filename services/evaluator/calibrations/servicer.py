"""CalibrationService."""

from collections.abc import AsyncIterator

from greenroom.evaluator.v1 import calibration_pb2 as pb
from greenroom.evaluator.v1 import calibration_pb2_grpc
from services.evaluator.calibrations.messages import calibration_message, calibration_spec, calibration_state
from services.evaluator.calibrations.model import Calibration
from services.evaluator.calibrations.operations import Calibrations
from shared.auth import caller
from shared.limits import MIB
from shared.rpc.handlers import Context
from shared.rpc.requests import request_key
from shared.rpc.values import enum_value
from shared.work.calls import WorkCalls
from shared.work.store import WorkStore


class CalibrationServicer(calibration_pb2_grpc.CalibrationServiceServicer):
    """Answers calls about calibrations."""

    def __init__(
        self, calibrations: Calibrations, store: WorkStore[Calibration], calls: WorkCalls[Calibration]
    ) -> None:
        self._calibrations = calibrations
        self._store = store
        self._calls = calls

    async def StartCalibration(
        self, request: pb.StartCalibrationRequest, context: Context
    ) -> pb.StartCalibrationResponse:
        key = request_key(request, "StartCalibration")
        started = await self._calibrations.start(calibration_spec(request.spec), caller(), key)
        return pb.StartCalibrationResponse(calibration=calibration_message(started))

    async def GetCalibration(self, request: pb.GetCalibrationRequest, context: Context) -> pb.GetCalibrationResponse:
        found = await self._store.get(caller().company, request.name)
        return pb.GetCalibrationResponse(calibration=calibration_message(found))

    async def ListCalibrations(
        self, request: pb.ListCalibrationsRequest, context: Context
    ) -> pb.ListCalibrationsResponse:
        shown, token, total = await self._calls.page(request, calibration_state(request.state), calibration_message)
        return pb.ListCalibrationsResponse(calibrations=shown, next_page_token=token, total_size=total)

    def WatchCalibration(
        self, request: pb.WatchCalibrationRequest, context: Context
    ) -> AsyncIterator[pb.WatchCalibrationResponse]:
        return self._calls.watch(request, pb.WatchCalibrationResponse, "talks", calibration_message)

    async def RenderCalibration(
        self, request: pb.RenderCalibrationRequest, context: Context
    ) -> AsyncIterator[pb.RenderCalibrationResponse]:
        file_format = enum_value(pb.RenderCalibrationRequest.Format, "FORMAT", request.format) or "HTML"
        file = (await self._calibrations.render(caller().company, request.name, file_format)).encode()
        for start in range(0, len(file), MIB):
            yield pb.RenderCalibrationResponse(chunk=file[start : start + MIB])

    async def CancelCalibration(
        self, request: pb.CancelCalibrationRequest, context: Context
    ) -> pb.CancelCalibrationResponse:
        found = await self._calibrations.works.cancel(caller().company, request.name)
        return pb.CancelCalibrationResponse(calibration=calibration_message(found))

    async def RetryCalibration(
        self, request: pb.RetryCalibrationRequest, context: Context
    ) -> pb.RetryCalibrationResponse:
        found = await self._calibrations.works.retry(caller().company, request.name)
        return pb.RetryCalibrationResponse(calibration=calibration_message(found))

    async def DeleteCalibration(
        self, request: pb.DeleteCalibrationRequest, context: Context
    ) -> pb.DeleteCalibrationResponse:
        await self._calibrations.works.delete(caller().company, request.name)
        return pb.DeleteCalibrationResponse()
