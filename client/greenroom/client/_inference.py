"""Inference: what a rehearsal needs, inferred from recorded conversations."""

from pathlib import Path

from greenroom.client._calls import Calls
from greenroom.client._files import upload
from greenroom.synthesizer.v1 import inference_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, Redaction, TableMapping
from greenroom.synthesizer.v1.inference_pb2_grpc import InferenceServiceStub


class Inference:
    """The calls of InferenceService."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = InferenceServiceStub(calls.channel)

    async def infer_file(
        self,
        path: str | Path,
        *,
        format: str = "",  # noqa: A002
        table: TableMapping | None = None,
        redaction: Redaction | None = None,
    ) -> pb.InferRehearsalResponse:
        """Infer a procedure and personas from a file of conversations, decompressed if it ends in `.gz`.

        format: detected if empty. table: the columns of the format `table`; None if all have their usual names.
        redaction: which personal data is replaced by pseudonyms; what the server does by default if None.
        """
        header = ImportHeader(format=format, file=Path(path).name, table=table, redaction=redaction)
        return await upload(self._calls, self._stub.InferRehearsal, pb.InferRehearsalRequest, Path(path), header)
