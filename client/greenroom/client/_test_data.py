"""Generations: test data from one request."""

from collections.abc import AsyncGenerator

from greenroom.client._calls import Calls
from greenroom.gateway.v1 import generation_pb2 as pb
from greenroom.gateway.v1.generation_pb2_grpc import GenerationServiceStub


class TestData:
    """The calls of GenerationService."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = GenerationServiceStub(calls.channel)

    async def generate(self, request: pb.GenerateTestDataRequest) -> pb.GenerateTestDataResponse:
        """Up to 10,000 records. A request that its domain refuses has `success` false and `error` set."""
        return await self._calls.unary(self._stub.GenerateTestData, request)

    def stream(
        self, request: pb.GenerateTestDataRequest, *, cursor: str = ""
    ) -> AsyncGenerator[pb.StreamTestDataResponse, None]:
        """Any number of records in chunks, continued after lost connections; the last message has the `result`.

        cursor: of the last message received; empty for the beginning.
        """
        streamed = pb.StreamTestDataRequest(request=request, cursor=cursor)
        return self._calls.resumed(
            self._stub.StreamTestData, streamed, is_last=lambda message: message.HasField("result")
        )
