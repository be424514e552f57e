"""Personas: the synthetic users."""

from collections.abc import AsyncIterator, Sequence

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.client._calls import Calls, new_request_id
from greenroom.synthesizer.v1 import persona_pb2 as pb
from greenroom.synthesizer.v1.persona_pb2_grpc import PersonaServiceStub


class Personas:
    """The calls of PersonaService. Names are `personas/{persona}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = PersonaServiceStub(calls.channel)

    async def create(self, persona: pb.Persona, *, request_id: str | None = None) -> pb.Persona:
        """Store a persona."""
        request = pb.CreatePersonaRequest(persona=persona, request_id=request_id or new_request_id())
        return (await self._calls.unary(self._stub.CreatePersona, request)).persona

    async def get(self, name: str) -> pb.Persona:
        """One persona."""
        return (await self._calls.unary(self._stub.GetPersona, pb.GetPersonaRequest(name=name))).persona

    def list(self) -> AsyncIterator[pb.Persona]:
        """The built-in personas, then the company's own, oldest first."""
        return self._calls.pages(self._stub.ListPersonas, pb.ListPersonasRequest(), lambda page: page.personas)

    async def update(self, persona: pb.Persona, *, fields: Sequence[str] = ()) -> pb.Persona:
        """Replace the fields named, such as `personality.tone`; none: all that can be changed."""
        request = pb.UpdatePersonaRequest(persona=persona, update_mask=FieldMask(paths=fields))
        return (await self._calls.unary(self._stub.UpdatePersona, request)).persona

    async def delete(self, name: str) -> None:
        """Delete a persona that nothing refers to."""
        await self._calls.unary(self._stub.DeletePersona, pb.DeletePersonaRequest(name=name), again=False)
