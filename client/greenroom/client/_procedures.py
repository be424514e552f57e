"""Procedures: what an agent must do, in revisions."""

from collections.abc import AsyncIterator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.synthesizer.v1 import procedure_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary
from greenroom.synthesizer.v1.procedure_pb2_grpc import ProcedureServiceStub


class Procedures:
    """The calls of ProcedureService. Names are `procedures/{procedure}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = ProcedureServiceStub(calls.channel)

    async def create(
        self, procedure: pb.Procedure, revision: pb.Revision, *, ready: bool = False, request_id: str | None = None
    ) -> pb.CreateProcedureResponse:
        """Store a procedure with its first revision, a draft unless ready."""
        request = pb.CreateProcedureRequest(
            procedure=procedure, revision=revision, ready=ready, request_id=request_id or new_request_id()
        )
        return await self._calls.unary(self._stub.CreateProcedure, request)

    async def import_file(
        self,
        path: str | Path,
        *,
        format: str = "greenroom",  # noqa: A002
        request_id: str | None = None,
    ) -> ImportSummary:
        """Import procedures from a file, decompressed if it ends in `.gz`; bad lines are in the summary."""
        header = ImportHeader(format=format, file=Path(path).name, request_id=request_id or new_request_id())
        response = await upload(
            self._calls, self._stub.ImportProcedures, pb.ImportProceduresRequest, Path(path), header
        )
        return response.summary

    async def add_revision(
        self, procedure: str, revision: pb.Revision, *, ready: bool = False, request_id: str | None = None
    ) -> pb.Revision:
        """Add a revision with the next number to a procedure, a draft unless ready."""
        request = pb.AddRevisionRequest(
            procedure=procedure, revision=revision, ready=ready, request_id=request_id or new_request_id()
        )
        return (await self._calls.unary(self._stub.AddRevision, request)).revision

    async def mark_ready(self, procedure: str, revision: int) -> pb.Revision:
        """Make a revision ready, from when on it is immutable."""
        request = pb.MarkReadyRequest(procedure=procedure, revision=revision)
        return (await self._calls.unary(self._stub.MarkReady, request)).revision

    async def get(self, name: str, *, revision: int = 0) -> pb.GetProcedureResponse:
        """A procedure and one of its revisions, the newest unless told otherwise."""
        return await self._calls.unary(self._stub.GetProcedure, pb.GetProcedureRequest(name=name, revision=revision))

    def list(self, *, external_id: str = "") -> AsyncIterator[pb.Procedure]:
        """The procedures, oldest first."""
        return self._calls.pages(
            self._stub.ListProcedures,
            pb.ListProceduresRequest(external_id=external_id),
            lambda page: page.procedures,
        )
