"""PersonaService."""

from greenroom.synthesizer.v1 import persona_pb2 as pb
from greenroom.synthesizer.v1 import persona_pb2_grpc
from services.synthesizer.api.convert.persona import persona, persona_change, persona_message
from services.synthesizer.catalog.personas import Personas
from shared.auth import caller
from shared.rpc.handlers import Context
from shared.rpc.pages import after_id, cut
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key


class PersonaServicer(persona_pb2_grpc.PersonaServiceServicer):
    """Answers for personas."""

    def __init__(self, personas: Personas) -> None:
        self._personas = personas

    async def CreatePersona(self, request: pb.CreatePersonaRequest, context: Context) -> pb.CreatePersonaResponse:
        key = request_key(request, "CreatePersona")
        created = await self._personas.create(caller().company, persona(request.persona), key)
        return pb.CreatePersonaResponse(persona=persona_message(created))

    async def GetPersona(self, request: pb.GetPersonaRequest, context: Context) -> pb.GetPersonaResponse:
        found = await self._personas.get(caller().company, request.name)
        return pb.GetPersonaResponse(persona=persona_message(found))

    async def ListPersonas(self, request: pb.ListPersonasRequest, context: Context) -> pb.ListPersonasResponse:
        page = read_page(request)
        found = await self._personas.page(caller().company, after_id(page), page.size + 1)
        shown, token = cut([persona_message(one) for one in found], page, lambda message: message.name)
        return pb.ListPersonasResponse(personas=shown, next_page_token=token)

    async def UpdatePersona(self, request: pb.UpdatePersonaRequest, context: Context) -> pb.UpdatePersonaResponse:
        change = persona_change(request.persona, request.update_mask)
        updated = await self._personas.update(caller().company, request.persona.name, change)
        return pb.UpdatePersonaResponse(persona=persona_message(updated))

    async def DeletePersona(self, request: pb.DeletePersonaRequest, context: Context) -> pb.DeletePersonaResponse:
        await self._personas.delete(caller().company, request.name)
        return pb.DeletePersonaResponse()
