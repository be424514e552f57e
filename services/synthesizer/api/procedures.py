"""ProcedureService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from greenroom.synthesizer.v1 import procedure_pb2_grpc
from services.synthesizer.api.convert.procedure import procedure, procedure_message, revision, revision_message
from services.synthesizer.api.convert.source import summary_message
from services.synthesizer.api.imports import read_chunks, read_header
from services.synthesizer.catalog.imports import Imports
from services.synthesizer.catalog.procedures import Procedures
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class ProcedureServicer(procedure_pb2_grpc.ProcedureServiceServicer):
    """Answers for procedures."""

    def __init__(self, procedures: Procedures, imports: Imports) -> None:
        self._procedures = procedures
        self._imports = imports

    async def CreateProcedure(self, request: pb.CreateProcedureRequest, context: Context) -> pb.CreateProcedureResponse:
        key = request_key(request, "CreateProcedure")
        created, first = await self._procedures.create(
            caller().company, procedure(request.procedure), revision(request.revision), ready=request.ready, key=key
        )
        return pb.CreateProcedureResponse(procedure=procedure_message(created), revision=revision_message(first))

    async def ImportProcedures(
        self, request_iterator: AsyncIterator[pb.ImportProceduresRequest], context: Context
    ) -> pb.ImportProceduresResponse:
        header = await read_header(request_iterator)
        summary = await self._imports.procedures(caller().company, header, read_chunks(request_iterator))
        return pb.ImportProceduresResponse(summary=summary_message(summary))

    async def AddRevision(self, request: pb.AddRevisionRequest, context: Context) -> pb.AddRevisionResponse:
        key = request_key(request, "AddRevision")
        added = await self._procedures.add_revision(
            caller().company, request.procedure, revision(request.revision), ready=request.ready, key=key
        )
        return pb.AddRevisionResponse(revision=revision_message(added))

    async def MarkReady(self, request: pb.MarkReadyRequest, context: Context) -> pb.MarkReadyResponse:
        ready = await self._procedures.mark_ready(caller().company, request.procedure, request.revision)
        return pb.MarkReadyResponse(revision=revision_message(ready))

    async def GetProcedure(self, request: pb.GetProcedureRequest, context: Context) -> pb.GetProcedureResponse:
        found, chosen = await self._procedures.get(caller().company, request.name, request.revision)
        return pb.GetProcedureResponse(procedure=procedure_message(found), revision=revision_message(chosen))

    async def ListProcedures(self, request: pb.ListProceduresRequest, context: Context) -> pb.ListProceduresResponse:
        page = read_page(request)
        found = await self._procedures.page(caller().company, after_id(page), page.size + 1, request.external_id)
        shown, token = cut([procedure_message(one) for one in found], page, lambda message: message.name)
        return pb.ListProceduresResponse(procedures=shown, next_page_token=token)
