"""InferenceService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import inference_pb2 as pb
from greenroom.synthesizer.v1 import inference_pb2_grpc
from services.synthesizer.imports.messages import read_header
from services.synthesizer.inference.messages import response
from services.synthesizer.inference.operations import Inference
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.uploads import read_chunks


class InferenceServicer(inference_pb2_grpc.InferenceServiceServicer):
    """Serves InferenceService."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    async def InferRehearsal(
        self, request_iterator: AsyncIterator[pb.InferRehearsalRequest], context: Context
    ) -> pb.InferRehearsalResponse:
        header = await read_header(request_iterator)
        summary, inferred = await self._inference.run(caller().company, header, read_chunks(request_iterator))
        return response(summary, inferred)
