"""ProcedureService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from greenroom.synthesizer.v1 import procedure_pb2_grpc
from services.synthesizer.imports.messages import read_header, summary_message
from services.synthesizer.procedures.files import ProcedureFiles
from services.synthesizer.procedures.messages import procedure, procedure_message, revision, revision_message
from services.synthesizer.procedures.operations import Procedures
from shared.auth import caller
from shared.errors import InvalidArgument, Violation
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks


class ProcedureServicer(procedure_pb2_grpc.ProcedureServiceServicer):
    """Serves ProcedureService."""

    def __init__(self, procedures: Procedures, files: ProcedureFiles) -> None:
        self._procedures = procedures
        self._files = files

    async def CreateProcedure(self, request: pb.CreateProcedureRequest, context: Context) -> pb.CreateProcedureResponse:
        key = request_key(request, "CreateProcedure")
        created, first = await self._procedures.create(
            caller(), procedure(request.procedure), revision(request.revision), ready=request.ready, key=key
        )
        return pb.CreateProcedureResponse(procedure=procedure_message(created), revision=revision_message(first))

    async def ImportProcedures(
        self, request_iterator: AsyncIterator[pb.ImportProceduresRequest], context: Context
    ) -> pb.ImportProceduresResponse:
        header = await read_header(request_iterator)
        if header.labels:
            raise InvalidArgument(violations=[Violation("header.labels", "Must be empty; procedures have no labels.")])
        summary = await self._files.read(caller(), header, read_chunks(request_iterator))
        return pb.ImportProceduresResponse(summary=summary_message(summary))

    async def AddRevision(self, request: pb.AddRevisionRequest, context: Context) -> pb.AddRevisionResponse:
        key = request_key(request, "AddRevision")
        added = await self._procedures.add_revision(
            caller(), request.procedure, revision(request.revision), ready=request.ready, key=key
        )
        return pb.AddRevisionResponse(revision=revision_message(added))

    async def UpdateRevision(self, request: pb.UpdateRevisionRequest, context: Context) -> pb.UpdateRevisionResponse:
        updated = await self._procedures.update_revision(
            caller(), request.procedure, request.number, revision(request.revision)
        )
        return pb.UpdateRevisionResponse(revision=revision_message(updated))

    async def MarkReady(self, request: pb.MarkReadyRequest, context: Context) -> pb.MarkReadyResponse:
        ready = await self._procedures.mark_ready(caller().company, request.procedure, request.revision)
        return pb.MarkReadyResponse(revision=revision_message(ready))

    async def GetProcedure(self, request: pb.GetProcedureRequest, context: Context) -> pb.GetProcedureResponse:
        found, chosen = await self._procedures.get(caller().company, request.name, request.revision)
        return pb.GetProcedureResponse(procedure=procedure_message(found), revision=revision_message(chosen))

    async def ListProcedures(self, request: pb.ListProceduresRequest, context: Context) -> pb.ListProceduresResponse:
        page = read_page(request)
        found = await self._procedures.page(caller().company, list_part(request, page), request.external_id)
        shown, token = cut([procedure_message(one) for one in found.items], page, before)
        return pb.ListProceduresResponse(procedures=shown, next_page_token=token, total_size=found.total)

    async def ExportProcedures(
        self, request: pb.ExportProceduresRequest, context: Context
    ) -> AsyncIterator[pb.ExportProceduresResponse]:
        async for chunk, cursor in self._files.export(caller().company, request.cursor):
            check_stream()
            yield pb.ExportProceduresResponse(chunk=chunk, cursor=cursor)

    async def DeleteRevision(self, request: pb.DeleteRevisionRequest, context: Context) -> pb.DeleteRevisionResponse:
        await self._procedures.delete_revision(caller().company, request.procedure, request.revision)
        return pb.DeleteRevisionResponse()

    async def DeleteProcedure(self, request: pb.DeleteProcedureRequest, context: Context) -> pb.DeleteProcedureResponse:
        await self._procedures.delete(caller().company, request.name)
        return pb.DeleteProcedureResponse()
