"""RubricService."""

from greenroom.evaluator.v1 import rubric_pb2 as pb
from greenroom.evaluator.v1 import rubric_pb2_grpc
from services.evaluator.rubrics.messages import file, revision_message, rubric_message
from services.evaluator.rubrics.operations import Rubrics
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class RubricServicer(rubric_pb2_grpc.RubricServiceServicer):
    """Serves RubricService."""

    def __init__(self, rubrics: Rubrics) -> None:
        self._rubrics = rubrics

    async def CreateRubric(self, request: pb.CreateRubricRequest, context: Context) -> pb.CreateRubricResponse:
        key = request_key(request, "CreateRubric")
        created, first = await self._rubrics.create(
            caller().company, file(request.file), request.external_id, ready=request.ready, key=key
        )
        return pb.CreateRubricResponse(rubric=rubric_message(created), revision=revision_message(first))

    async def AddRubricRevision(
        self, request: pb.AddRubricRevisionRequest, context: Context
    ) -> pb.AddRubricRevisionResponse:
        key = request_key(request, "AddRubricRevision")
        added = await self._rubrics.add_revision(
            caller().company, request.rubric, file(request.file), ready=request.ready, key=key
        )
        return pb.AddRubricRevisionResponse(revision=revision_message(added))

    async def UpdateRubricRevision(
        self, request: pb.UpdateRubricRevisionRequest, context: Context
    ) -> pb.UpdateRubricRevisionResponse:
        updated = await self._rubrics.update_revision(
            caller().company, request.rubric, request.number, file(request.file)
        )
        return pb.UpdateRubricRevisionResponse(revision=revision_message(updated))

    async def MarkRubricReady(self, request: pb.MarkRubricReadyRequest, context: Context) -> pb.MarkRubricReadyResponse:
        ready = await self._rubrics.mark_ready(caller().company, request.rubric, request.revision)
        return pb.MarkRubricReadyResponse(revision=revision_message(ready))

    async def GetRubric(self, request: pb.GetRubricRequest, context: Context) -> pb.GetRubricResponse:
        found, chosen = await self._rubrics.get(caller().company, request.name, request.revision)
        return pb.GetRubricResponse(rubric=rubric_message(found), revision=revision_message(chosen))

    async def ListRubrics(self, request: pb.ListRubricsRequest, context: Context) -> pb.ListRubricsResponse:
        page = read_page(request)
        found = await self._rubrics.page(caller().company, list_part(request, page), request.external_id)
        shown, token = cut([rubric_message(one) for one in found.items], page, before)
        return pb.ListRubricsResponse(rubrics=shown, next_page_token=token, total_size=found.total)

    async def DeleteRubricRevision(
        self, request: pb.DeleteRubricRevisionRequest, context: Context
    ) -> pb.DeleteRubricRevisionResponse:
        await self._rubrics.delete_revision(caller().company, request.rubric, request.revision)
        return pb.DeleteRubricRevisionResponse()

    async def DeleteRubric(self, request: pb.DeleteRubricRequest, context: Context) -> pb.DeleteRubricResponse:
        await self._rubrics.delete(caller().company, request.name)
        return pb.DeleteRubricResponse()
