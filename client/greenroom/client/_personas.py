"""Personas: the simulated users."""

from collections.abc import AsyncGenerator, Sequence
from pathlib import Path

from google.protobuf.field_mask_pb2 import FieldMask

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._files import upload
from greenroom.client._listing import Listing
from greenroom.synthesizer.v1 import persona_pb2 as pb
from greenroom.synthesizer.v1.import_pb2 import ImportHeader, ImportSummary
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

    async def import_file(
        self,
        path: str | Path,
        *,
        format: str = "tau2",  # noqa: A002
        request_id: str | None = None,
    ) -> ImportSummary:
        """Import personas from a file, decompressed if it ends in `.gz`; bad lines are in the summary."""
        header = ImportHeader(format=format, file=Path(path).name, request_id=request_id or new_request_id())
        response = await upload(self._calls, self._stub.ImportPersonas, pb.ImportPersonasRequest, Path(path), header)
        return response.summary

    async def get(self, name: str) -> pb.Persona:
        """One persona."""
        return (await self._calls.unary(self._stub.GetPersona, pb.GetPersonaRequest(name=name))).persona

    def list(self, *, short_id: str = "") -> Listing[pb.Persona]:
        """The built-in personas, then the company's own, newest first.

        short_id: only those whose id begins or ends with it.
        """
        return self._calls.listing(
            self._stub.ListPersonas, pb.ListPersonasRequest(short_id=short_id), lambda page: page.personas
        )

    def generate(self, request: pb.GeneratePersonasRequest) -> AsyncGenerator[pb.GeneratePersonasResponse, None]:
        """Generate personas: each once it is stored, each draft that was rejected, and at the end a summary.

        The call is not repeated after a lost connection; what was stored stays. With a `request_id` the caller can
        repeat it: it streams the same from the beginning, and goes on where it stopped.
        """
        return self._calls.streamed(self._stub.GeneratePersonas, request)

    async def update(self, persona: pb.Persona, *, fields: Sequence[str] = ()) -> pb.Persona:
        """Replace the named fields, such as `personality.tone`; without names, all that can change."""
        request = pb.UpdatePersonaRequest(persona=persona, update_mask=FieldMask(paths=fields))
        return (await self._calls.unary(self._stub.UpdatePersona, request)).persona

    async def delete(self, name: str) -> None:
        """Delete a persona that nothing refers to."""
        await self._calls.unary(self._stub.DeletePersona, pb.DeletePersonaRequest(name=name), again=False)
