"""The steps of a generation: calls to the enricher and to test data."""

from collections.abc import AsyncGenerator
from typing import Any

from greenroom.enricher.v1.enrichment_pb2 import EnrichResponse
from greenroom.enricher.v1.enrichment_pb2_grpc import EnrichmentServiceStub
from greenroom.enricher.v1.knowledge_pb2_grpc import KnowledgeServiceStub
from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.testdata.v1 import record_pb2
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub
from services.gateway.adapters.attempts import Attempts
from services.gateway.generations import messages as convert
from services.gateway.generations.deadline import Deadline
from services.gateway.generations.model import Remembered, Wanted
from shared.auth import Caller
from shared.errors import GreenroomError
from shared.ids import new_id
from shared.rpc.peers import Peers, said_in

ENRICHER, TESTDATA = "enricher", "testdata"


class RemoteSteps:
    """The steps at their services."""

    def __init__(self, peers: Peers) -> None:
        self._attempts = Attempts(peers)

    async def enrich(self, who: Caller, wanted: Wanted, deadline: Deadline) -> EnrichResponse:
        request = convert.enrich_request(wanted.message)
        answer: EnrichResponse = await self._attempts.unary(
            ENRICHER, who, lambda channel: EnrichmentServiceStub(channel).Enrich, request, deadline
        )
        if not answer.enriched:
            raise said_in(answer.error.code, answer.error.reason, answer.error.message)
        return answer

    async def make(
        self, who: Caller, wanted: Wanted, enriched: Any, seed: int, deadline: Deadline
    ) -> pb.GenerateTestDataResponse:
        request = convert.records_request(wanted.message, enriched, seed)
        made: record_pb2.GenerateRecordsResponse = await self._attempts.unary(
            TESTDATA, who, lambda channel: RecordServiceStub(channel).GenerateRecords, request, deadline
        )
        return convert.records_made(request.spec, enriched, made)

    async def stream(
        self, who: Caller, wanted: Wanted, enriched: Any, seed: int, cursor: str, deadline: Deadline
    ) -> AsyncGenerator[record_pb2.StreamRecordsResponse, None]:
        spec = convert.record_spec(wanted.message, enriched, seed)

        def after(last: record_pb2.StreamRecordsResponse | None) -> record_pb2.StreamRecordsRequest:
            at = cursor if last is None else last.cursor
            return record_pb2.StreamRecordsRequest(
                spec=spec, format=wanted.message.output_format, cursor=at, measure_quality=True
            )

        messages = self._attempts.stream(
            TESTDATA, who, lambda channel: RecordServiceStub(channel).StreamRecords, after, deadline
        )
        async for message in messages:
            yield message

    async def remember(
        self, who: Caller, wanted: Wanted, enriched: Any, outcome: Any, deadline: Deadline
    ) -> Remembered:
        request = convert.generation_request(wanted.message, enriched, outcome, new_id())
        try:
            stored = await self._attempts.unary(
                ENRICHER, who, lambda channel: KnowledgeServiceStub(channel).RecordGeneration, request, deadline
            )
        except GreenroomError as error:
            return Remembered(problem=str(error))
        return Remembered(stored.generation.name, stored.generation.pattern)
