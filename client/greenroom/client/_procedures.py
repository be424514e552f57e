"""Procedures: what an agent must do, in revisions."""

from collections.abc import AsyncGenerator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import procedure_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary, Redaction
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
        redaction: Redaction | None = None,
        request_id: str | None = None,
    ) -> ImportSummary:
        """Import procedures from a file, decompressed if it ends in `.gz`; bad lines are in the summary.

        redaction: which personal data is replaced by pseudonyms; what the server does by default if None.
        """
        header = ImportHeader(
            format=format, file=Path(path).name, redaction=redaction, request_id=request_id or new_request_id()
        )
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

    async def update_revision(self, procedure: str, number: int, revision: pb.Revision) -> pb.Revision:
        """Replace the content of a draft."""
        request = pb.UpdateRevisionRequest(procedure=procedure, number=number, revision=revision)
        return (await self._calls.unary(self._stub.UpdateRevision, request)).revision

    async def mark_ready(self, procedure: str, revision: int) -> pb.Revision:
        """Make a revision ready; it cannot change after that."""
        request = pb.MarkReadyRequest(procedure=procedure, revision=revision)
        return (await self._calls.unary(self._stub.MarkReady, request)).revision

    async def get(self, name: str, *, revision: int = 0) -> pb.GetProcedureResponse:
        """A procedure and one of its revisions, 0 for the newest."""
        return await self._calls.unary(self._stub.GetProcedure, pb.GetProcedureRequest(name=name, revision=revision))

    def list(self, *, external_id: str = "", short_id: str = "") -> Listing[pb.Procedure]:
        """The procedures, newest first. short_id: only those whose id begins or ends with it."""
        return self._calls.listing(
            self._stub.ListProcedures,
            pb.ListProceduresRequest(external_id=external_id, short_id=short_id),
            lambda page: page.procedures,
        )

    def export(self, *, cursor: str = "") -> AsyncGenerator[pb.ExportProceduresResponse, None]:
        """The procedures as JSONL that can be imported, in chunks, each with the cursor that continues after it."""
        return self._calls.resumed(self._stub.ExportProcedures, pb.ExportProceduresRequest(cursor=cursor))

    async def delete_revision(self, procedure: str, revision: int) -> None:
        """Delete a draft, or a ready revision that nothing refers to, for good."""
        request = pb.DeleteRevisionRequest(procedure=procedure, revision=revision)
        await self._calls.unary(self._stub.DeleteRevision, request, again=False)

    async def delete(self, name: str) -> None:
        """Delete a procedure that nothing refers to, with its revisions, for good."""
        await self._calls.unary(self._stub.DeleteProcedure, pb.DeleteProcedureRequest(name=name), again=False)
