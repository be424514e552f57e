"""The stubs of the services that rehearsals call."""

from collections.abc import Mapping
from typing import Any

from greenroom.evaluator.v1 import evaluation_pb2, judge_pb2, report_pb2
from greenroom.evaluator.v1.evaluation_pb2_grpc import EvaluationServiceStub
from greenroom.evaluator.v1.judge_pb2_grpc import JudgeServiceStub
from greenroom.evaluator.v1.report_pb2_grpc import ReportServiceStub
from greenroom.evaluator.v1.rubric_pb2_grpc import RubricServiceStub
from greenroom.synthesizer.v1 import batch_pb2, procedure_pb2
from greenroom.synthesizer.v1.batch_pb2_grpc import BatchServiceStub
from greenroom.synthesizer.v1.procedure_pb2_grpc import ProcedureServiceStub
from greenroom.synthesizer.v1.source_pb2_grpc import SourceServiceStub
from shared.rpc.peers import Peer
from shared.rpc.values import struct_json


class Synthesizer:
    """The stubs of the synthesizer, for one caller."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.batches = BatchServiceStub(peer.channel)
        self.procedures = ProcedureServiceStub(peer.channel)
        self.sources = SourceServiceStub(peer.channel)

    async def batch(self, name: str) -> batch_pb2.Batch:
        """A batch with its counts."""
        return (await self.peer.unary(self.batches.GetBatch, batch_pb2.GetBatchRequest(name=name))).batch

    async def tools(self, procedure: str, revision: int) -> Mapping[str, Any]:
        """The schemas of the arguments of a revision's tools; None for any arguments."""
        request = procedure_pb2.GetProcedureRequest(name=procedure, revision=revision)
        found = await self.peer.unary(self.procedures.GetProcedure, request)
        return {tool.name: struct_json(tool.arguments_schema) or None for tool in found.revision.tools}

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
        self.rubrics = RubricServiceStub(peer.channel)
        self.judgements = JudgeServiceStub(peer.channel)

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

    async def judgement(self, name: str) -> judge_pb2.Judgement:
        """A judgement."""
        request = judge_pb2.GetJudgementRequest(name=name)
        return (await self.peer.unary(self.judgements.GetJudgement, request)).judgement

    async def report(self, name: str) -> report_pb2.Report:
        """A report."""
        return (await self.peer.unary(self.reports.GetReport, report_pb2.GetReportRequest(name=name))).report
