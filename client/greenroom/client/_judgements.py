"""Judgements: the verdicts of judges about conversations; and how far people agree with judges."""

from greenroom.client._calls import Calls, Link, new_request_id
from greenroom.client._listing import Listing
from greenroom.client._watch import Watch, is_last
from greenroom.evaluator.v1 import judge_pb2 as pb
from greenroom.evaluator.v1.judge_pb2_grpc import JudgeServiceStub


class Judgements:
    """The calls of JudgeService about judgements. Names are `judgements/{judgement}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = JudgeServiceStub(calls.channel)

    async def start(self, spec: pb.JudgementSpec, *, request_id: str | None = None) -> pb.Judgement:
        """Start to judge; a batch may still run."""
        request = pb.StartJudgementRequest(spec=spec, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.StartJudgement, request)).judgement

    async def get(self, name: str) -> pb.Judgement:
        """One judgement with its criteria once it is completed."""
        return (await self._calls.unary(self._stub.GetJudgement, pb.GetJudgementRequest(name=name))).judgement

    def list(
        self,
        *,
        state: pb.Judgement.State.ValueType = pb.Judgement.STATE_UNSPECIFIED,
        short_id: str = "",
    ) -> Listing[pb.Judgement]:
        """The judgements, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListJudgementsRequest(state=state, short_id=short_id)
        return self._calls.listing(self._stub.ListJudgements, request, lambda page: page.judgements)

    def results(self, judgement: str) -> Listing[pb.JudgementResult]:
        """One result per judged conversation, by index."""
        request = pb.ListJudgementResultsRequest(judgement=judgement)
        return self._calls.listing(self._stub.ListJudgementResults, request, lambda page: page.results)

    def watch(self, name: str, *, cursor: str = "") -> Watch[pb.JudgementResult, pb.Judgement]:
        """The results as they are stored, until the judgement is over."""
        request = pb.WatchJudgementRequest(name=name, cursor=cursor)
        link = Link()
        messages = self._calls.resumed(self._stub.WatchJudgement, request, is_last=is_last, link=link)
        return Watch(messages, lambda message: message.results, cursor, link)

    async def cancel(self, name: str) -> pb.Judgement:
        """Stop a judgement."""
        return (await self._calls.unary(self._stub.CancelJudgement, pb.CancelJudgementRequest(name=name))).judgement

    async def retry(self, name: str) -> pb.Judgement:
        """Continue a failed judgement after its last result."""
        request = pb.RetryJudgementRequest(name=name)
        return (await self._calls.unary(self._stub.RetryJudgement, request, again=False)).judgement

    async def delete(self, name: str) -> None:
        """Delete a judgement that is over, with its results."""
        await self._calls.unary(self._stub.DeleteJudgement, pb.DeleteJudgementRequest(name=name), again=False)

    async def calibrate(
        self,
        judgement: str,
        labels: bytes,
        *,
        held_back: float | None = None,
        alpha: float | None = None,
        request_id: str | None = None,
    ) -> pb.JudgeCalibration:
        """Compare a completed judgement with the labels of people, as JSONL. held_back, alpha: 0.5 and 0.05 if None."""
        request = pb.CalibrateJudgeRequest(
            judgement=judgement,
            labels=labels,
            held_back=held_back,
            alpha=alpha,
            request_id=request_id or new_request_id(),
        )
        return (await self._calls.unary(self._stub.CalibrateJudge, request)).calibration


class JudgeCalibrations:
    """The calls of JudgeService about calibrations. Names are `judge_calibrations/{calibration}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = JudgeServiceStub(calls.channel)

    async def get(self, name: str) -> pb.JudgeCalibration:
        """One calibration."""
        request = pb.GetJudgeCalibrationRequest(name=name)
        return (await self._calls.unary(self._stub.GetJudgeCalibration, request)).calibration

    def list(self, *, short_id: str = "") -> Listing[pb.JudgeCalibration]:
        """The calibrations, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.ListJudgeCalibrationsRequest(short_id=short_id)
        return self._calls.listing(self._stub.ListJudgeCalibrations, request, lambda page: page.calibrations)

    async def delete(self, name: str) -> None:
        """Delete a calibration for good."""
        await self._calls.unary(
            self._stub.DeleteJudgeCalibration, pb.DeleteJudgeCalibrationRequest(name=name), again=False
        )
