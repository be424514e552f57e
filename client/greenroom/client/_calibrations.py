"""Calibrations: how far the talk of personas is from that of people."""

from collections.abc import AsyncGenerator

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.evaluator.v1 import calibration_pb2 as pb
from greenroom.evaluator.v1.calibration_pb2_grpc import CalibrationServiceStub


class Calibrations:
    """The calls of CalibrationService. Names are `calibrations/{calibration}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = CalibrationServiceStub(calls.channel)

    async def start(self, spec: pb.CalibrationSpec, *, request_id: str | None = None) -> pb.Calibration:
        """Start to measure conversations and compare them; a batch may still run."""
        request = pb.StartCalibrationRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartCalibration, request)).calibration

    async def get(self, name: str) -> pb.Calibration:
        """One calibration with what it found."""
        return (await self._calls.unary(self._stub.GetCalibration, pb.GetCalibrationRequest(name=name))).calibration

    def list(
        self,
        *,
        state: pb.Calibration.State.ValueType = pb.Calibration.STATE_UNSPECIFIED,
        short_id: str = "",
    ) -> Listing[pb.Calibration]:
        """The calibrations, newest first, without their measures. short_id: as their id begins or ends."""
        request = pb.ListCalibrationsRequest(state=state, short_id=short_id)
        return self._calls.listing(self._stub.ListCalibrations, request, lambda page: page.calibrations)

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.ConversationTalk, pb.Calibration]:
        """The measures of conversations as they are stored, until the calibration is over."""
        request = pb.WatchCalibrationRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchCalibration, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.talks, cursor, link)

    async def render(
        self, name: str, form: pb.RenderCalibrationRequest.Format.ValueType = pb.RenderCalibrationRequest.FORMAT_HTML
    ) -> AsyncGenerator[bytes, None]:
        """A completed calibration as a file of a form, in chunks."""
        request = pb.RenderCalibrationRequest(name=name, format=form)
        async for message in self._calls.streamed(self._stub.RenderCalibration, request):
            yield message.chunk

    async def cancel(self, name: str) -> pb.Calibration:
        """Stop a calibration."""
        request = pb.CancelCalibrationRequest(name=name)
        return (await self._calls.unary(self._stub.CancelCalibration, request)).calibration

    async def retry(self, name: str) -> pb.Calibration:
        """Continue a failed calibration after the last conversation that it measured."""
        request = pb.RetryCalibrationRequest(name=name)
        return (await self._calls.unary(self._stub.RetryCalibration, request, again=False)).calibration

    async def delete(self, name: str) -> None:
        """Delete a calibration that is over, with its measures."""
        await self._calls.unary(self._stub.DeleteCalibration, pb.DeleteCalibrationRequest(name=name), again=False)
