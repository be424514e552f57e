"""GenerationService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import astuple

from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.gateway.v1 import generation_pb2_grpc
from services.gateway.generations.deadline import Deadline
from services.gateway.generations.messages import failed_message, wanted
from services.gateway.generations.model import Place
from services.gateway.generations.operations import Generations
from shared.auth import caller
from shared.clock import Clock
from shared.errors import GreenroomError
from shared.rpc.cursors import decode_token, encode_token, malformed
from shared.rpc.handlers import Context
from shared.rpc.streams import check_stream
from shared.rpc.validation import check

_KIND = "generations.stream"


class GenerationServicer(generation_pb2_grpc.GenerationServiceServicer):
    """Answers requests for test data. seconds: how long a call without a deadline may take."""

    def __init__(self, generations: Generations, seconds: float, clock: Clock) -> None:
        self._generations = generations
        self._seconds = seconds
        self._clock = clock

    async def GenerateTestData(
        self, request: pb.GenerateTestDataRequest, context: Context
    ) -> pb.GenerateTestDataResponse:
        answer: pb.GenerateTestDataResponse = await self._generations.generate(
            caller(), wanted(request), self._deadline(context)
        )
        return answer

    async def StreamTestData(
        self, request: pb.StreamTestDataRequest, context: Context
    ) -> AsyncIterator[pb.StreamTestDataResponse]:
        asked = wanted(request.request)
        scope = asked.digest
        records = self._generations.stream(caller(), asked, _place(request.cursor, scope), self._deadline(context))
        async with aclosing(records):
            async for message, place in records:
                check_stream()
                cursor = encode_token(_KIND, scope, [*astuple(place)])
                if isinstance(message, pb.GenerateTestDataResponse):
                    yield pb.StreamTestDataResponse(record_count=place.sent, cursor=cursor, result=message)
                else:
                    yield pb.StreamTestDataResponse(
                        data=message.data,
                        record_count=place.sent,
                        cursor=cursor,
                        edges=message.edges,
                        record_scenarios=message.scenarios,
                    )

    async def GenerateMany(
        self, request_iterator: AsyncIterator[pb.GenerateManyRequest], context: Context
    ) -> AsyncIterator[pb.GenerateManyResponse]:
        async for message in request_iterator:
            check_stream()
            request = message.request
            try:
                # What the rules of the contract refuse fails no other request of the stream.
                check(request)
                answer = await self._generations.generate(caller(), wanted(request), self._deadline(context))
            except GreenroomError as error:
                answer = failed_message(request, error, self._clock())
            yield pb.GenerateManyResponse(response=answer)

    def _deadline(self, context: Context) -> Deadline:
        asked = context.time_remaining()
        return Deadline.within(self._seconds if asked is None else min(asked, self._seconds))


def _place(cursor: str, scope: str) -> Place:
    """Where a stream continues. Raises CursorMalformed, CursorForeign, CursorExpired."""
    if not cursor:
        return Place()
    match decode_token(_KIND, scope, cursor):
        case [int(seed), int(revision), str(inner), int(sent)] if revision > 0 and sent >= 0:
            return Place(seed, revision, inner, sent)
        case _:
            raise malformed("cursor")
