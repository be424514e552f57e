"""PersonaService."""

from collections.abc import AsyncIterator

from greenroom.synthesizer.v1 import persona_pb2 as pb
from greenroom.synthesizer.v1 import persona_pb2_grpc
from services.synthesizer.imports.messages import read_header, summary_message
from services.synthesizer.personas.files import PersonaFiles
from services.synthesizer.personas.generation.operations import Generation
from services.synthesizer.personas.messages import outcome_message, persona, persona_change, persona_message, wanted
from services.synthesizer.personas.model import Persona
from services.synthesizer.personas.operations import Personas
from shared.auth import caller
from shared.errors import InvalidArgument, Violation
from shared.rpc.handlers import Context
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import check_stream
from shared.rpc.uploads import read_chunks


class PersonaServicer(persona_pb2_grpc.PersonaServiceServicer):
    """Serves PersonaService."""

    def __init__(self, personas: Personas, files: PersonaFiles, generation: Generation) -> None:
        self._personas = personas
        self._files = files
        self._generation = generation
        self._built_in = {one.name: persona_message(one) for one in personas.built_in()}

    async def CreatePersona(self, request: pb.CreatePersonaRequest, context: Context) -> pb.CreatePersonaResponse:
        key = request_key(request, "CreatePersona")
        created = await self._personas.create(caller().company, persona(request.persona), key)
        return pb.CreatePersonaResponse(persona=persona_message(created))

    async def ImportPersonas(
        self, request_iterator: AsyncIterator[pb.ImportPersonasRequest], context: Context
    ) -> pb.ImportPersonasResponse:
        header = await read_header(request_iterator)
        refused = {"labels": header.labels, "redaction": header.redact or header.patterns}
        sentence = "Must be empty; personas have no labels and are imported as they are."
        if violations := [Violation(f"header.{field}", sentence) for field, given in refused.items() if given]:
            raise InvalidArgument(violations=violations)
        summary = await self._files.read(caller().company, header, read_chunks(request_iterator))
        return pb.ImportPersonasResponse(summary=summary_message(summary))

    async def GetPersona(self, request: pb.GetPersonaRequest, context: Context) -> pb.GetPersonaResponse:
        found = await self._personas.get(caller().company, request.name)
        return pb.GetPersonaResponse(persona=self._message(found))

    async def ListPersonas(self, request: pb.ListPersonasRequest, context: Context) -> pb.ListPersonasResponse:
        page = read_page(request)
        found = await self._personas.page(caller().company, list_part(request, page))
        shown, token = cut([self._message(one) for one in found.items], page, before)
        return pb.ListPersonasResponse(personas=shown, next_page_token=token, total_size=found.total)

    async def UpdatePersona(self, request: pb.UpdatePersonaRequest, context: Context) -> pb.UpdatePersonaResponse:
        change = persona_change(request.persona, request.update_mask)
        updated = await self._personas.update(caller().company, request.persona.name, change)
        return pb.UpdatePersonaResponse(persona=persona_message(updated))

    async def DeletePersona(self, request: pb.DeletePersonaRequest, context: Context) -> pb.DeletePersonaResponse:
        await self._personas.delete(caller().company, request.name)
        return pb.DeletePersonaResponse()

    async def GeneratePersonas(
        self, request: pb.GeneratePersonasRequest, context: Context
    ) -> AsyncIterator[pb.GeneratePersonasResponse]:
        key = request_key(request, "GeneratePersonas")
        async for outcome in self._generation.run(caller(), wanted(request), key):
            check_stream()
            yield outcome_message(outcome)

    def _message(self, persona: Persona) -> pb.Persona:
        """The persona as a message; those of built-in personas are made once."""
        return self._built_in.get(persona.name) or persona_message(persona)
