"""Calls of the client: retries, pages, deadlines, errors and imports."""

import asyncio
import gzip
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

import greenroom.client
from greenroom.client import Backoff, GreenroomError, Violation
from greenroom.client._files import UNPACKED_LEAST, UNPACKED_TIMES
from greenroom.synthesizer.v1 import import_pb2, persona_pb2, source_pb2
from greenroom.synthesizer.v1.persona_pb2_grpc import add_PersonaServiceServicer_to_server
from greenroom.synthesizer.v1.source_pb2_grpc import add_SourceServiceServicer_to_server
from shared import limits
from tests.contract.client_fakes import Context, Partial, serving

AT_ONCE = Backoff(attempts=4, initial=0, maximum=0)


class Personas(Partial):
    """Refuses the first `unavailable` calls, then answers."""

    def __init__(self, unavailable: int = 0) -> None:
        self.unavailable = unavailable
        self.request_ids: list[str] = []
        self.tokens: list[str] = []
        self.calls = 0

    async def _answer(self, context: Context) -> None:
        self.calls += 1
        metadata = dict(context.invocation_metadata())
        self.tokens.append(metadata.get("authorization", ""))
        if self.calls <= self.unavailable:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")

    async def CreatePersona(  # noqa: N802
        self, request: persona_pb2.CreatePersonaRequest, context: Context
    ) -> persona_pb2.CreatePersonaResponse:
        self.request_ids.append(request.request_id)
        await self._answer(context)
        return persona_pb2.CreatePersonaResponse(persona=request.persona)

    async def DeletePersona(  # noqa: N802
        self, request: persona_pb2.DeletePersonaRequest, context: Context
    ) -> persona_pb2.DeletePersonaResponse:
        assert request.name
        await self._answer(context)
        return persona_pb2.DeletePersonaResponse()

    async def ListPersonas(  # noqa: N802
        self, request: persona_pb2.ListPersonasRequest, context: Context
    ) -> persona_pb2.ListPersonasResponse:
        await self._answer(context)
        page = int(request.page_token or 0)
        names = [f"personas/p{page}{n}" for n in range(3)]
        return persona_pb2.ListPersonasResponse(
            personas=[persona_pb2.Persona(name=name) for name in names],
            next_page_token="" if page == 2 else str(page + 1),
        )

    async def GetPersona(  # noqa: N802
        self, request: persona_pb2.GetPersonaRequest, context: Context
    ) -> persona_pb2.GetPersonaResponse:
        if request.name == "personas/hangs":
            await asyncio.Event().wait()
        status = status_pb2.Status(code=3, message="The name is not well-formed.")
        status.details.add().Pack(
            error_details_pb2.ErrorInfo(reason="BAD_NAME", domain="greenroom", metadata={"name": request.name})
        )
        violation = error_details_pb2.BadRequest.FieldViolation(field="name", description="Write personas/{persona}.")
        status.details.add().Pack(error_details_pb2.BadRequest(field_violations=[violation]))
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            status.message,
            (("grpc-status-details-bin", status.SerializeToString()),),
        )
        raise AssertionError("abort raises")


async def test_a_create_is_repeated_with_the_same_request_id_while_the_server_is_unavailable() -> None:
    personas = Personas(unavailable=2)
    async with (
        serving((add_PersonaServiceServicer_to_server, personas)) as address,
        greenroom.client.connect(address, retry=AT_ONCE) as client,
    ):
        created = await client.personas.create(persona_pb2.Persona(display_name="Eddie"))
        assert created.display_name == "Eddie"
        assert len(personas.request_ids) == 3
        assert len(set(personas.request_ids)) == 1
        assert personas.request_ids[0]

        await client.personas.create(persona_pb2.Persona(display_name="Eddie"))
        assert len(set(personas.request_ids)) == 2


async def test_a_delete_is_not_repeated_because_the_second_would_fail() -> None:
    personas = Personas(unavailable=1)
    async with (
        serving((add_PersonaServiceServicer_to_server, personas)) as address,
        greenroom.client.connect(address, retry=AT_ONCE) as client,
    ):
        with pytest.raises(GreenroomError) as raised:
            await client.personas.delete("personas/p1")
        assert raised.value.code == "UNAVAILABLE"
        assert personas.calls == 1


async def test_a_list_fetches_pages_only_as_they_are_read() -> None:
    personas = Personas()
    async with (
        serving((add_PersonaServiceServicer_to_server, personas)) as address,
        greenroom.client.connect(address) as client,
    ):
        listing = client.personas.list()
        assert (await anext(listing)).name == "personas/p00"
        assert personas.calls == 1
        rest = [persona.name async for persona in listing]
        assert rest == [f"personas/p{page}{n}" for page in range(3) for n in range(3)][1:]
        assert personas.calls == 3


async def test_every_call_carries_the_token() -> None:
    personas = Personas()
    async with (
        serving((add_PersonaServiceServicer_to_server, personas)) as address,
        greenroom.client.connect(address, token="t0k3n") as client,
    ):
        await client.personas.delete("personas/p1")
        assert personas.tokens == ["Bearer t0k3n"]


async def test_an_error_has_its_code_reason_sentence_fields_and_metadata() -> None:
    async with (
        serving((add_PersonaServiceServicer_to_server, Personas())) as address,
        greenroom.client.connect(address) as client,
    ):
        with pytest.raises(GreenroomError) as raised:
            await client.personas.get("persona")
    error = raised.value
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "BAD_NAME")
    assert error.message == "The name is not well-formed."
    assert error.violations == (Violation("name", "Write personas/{persona}."),)
    assert str(error) == "The name is not well-formed.\n  name: Write personas/{persona}."
    assert error.metadata == {"name": "persona"}


async def test_a_call_ends_at_its_deadline() -> None:
    async with (
        serving((add_PersonaServiceServicer_to_server, Personas())) as address,
        greenroom.client.connect(address, timeout=0.2) as client,
    ):
        with pytest.raises(GreenroomError) as raised:
            await client.personas.get("personas/hangs")
    assert raised.value.code == "DEADLINE_EXCEEDED"


async def test_an_unreachable_server_is_unavailable() -> None:
    async with serving() as address:
        pass
    async with greenroom.client.connect(address, retry=AT_ONCE) as client:
        with pytest.raises(GreenroomError) as raised:
            await client.personas.get("personas/p1")
    assert (raised.value.code, raised.value.reason) == ("UNAVAILABLE", "")


class Sources(Partial):
    """Stores imports; refuses the first `unavailable` imports in the middle, and files named `refused`."""

    def __init__(self, unavailable: int = 0) -> None:
        self.unavailable = unavailable
        self.headers: list[import_pb2.ImportHeader] = []
        self.content = b""
        self.largest = 0

    async def ImportSources(  # noqa: N802
        self, requests: AsyncIterator[source_pb2.ImportSourcesRequest], context: Context
    ) -> source_pb2.ImportSourcesResponse:
        self.content = b""
        async for request in requests:
            if request.HasField("header"):
                self.headers.append(request.header)
                if request.header.file.startswith("refused"):
                    await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "unknown format")
                continue
            if len(self.headers) <= self.unavailable:
                await context.abort(grpc.StatusCode.UNAVAILABLE, "not now")
            self.content += request.chunk
            self.largest = max(self.largest, len(request.chunk))
        summary = import_pb2.ImportSummary(imported=self.content.count(b"\n"))
        return source_pb2.ImportSourcesResponse(summary=summary)


LINES = b'{"some": "line of a file"}\n' * 200_000


async def test_a_file_is_imported_in_chunks_and_restarted_after_a_lost_connection(tmp_path: Path) -> None:
    path = tmp_path / "sources.jsonl"
    path.write_bytes(LINES)
    sources = Sources(unavailable=2)
    async with (
        serving((add_SourceServiceServicer_to_server, sources)) as address,
        greenroom.client.connect(address, retry=AT_ONCE) as client,
    ):
        summary = await client.sources.import_file(path, format="abcd")
    assert summary.imported == 200_000
    assert sources.content == LINES
    assert sources.largest == 1024 * 1024
    assert len(sources.headers) == 3
    assert len({header.request_id for header in sources.headers}) == 1
    assert (sources.headers[0].file, sources.headers[0].format) == ("sources.jsonl", "abcd")


async def test_a_compressed_file_is_decompressed_before_it_is_sent(tmp_path: Path) -> None:
    path = tmp_path / "sources.jsonl.gz"
    path.write_bytes(gzip.compress(LINES))
    sources = Sources()
    async with (
        serving((add_SourceServiceServicer_to_server, sources)) as address,
        greenroom.client.connect(address) as client,
    ):
        await client.sources.import_file(path)
    assert sources.content == LINES


async def test_an_unreadable_file_raises_its_own_error(tmp_path: Path) -> None:
    bad = tmp_path / "bad.jsonl.gz"
    bad.write_bytes(b"this is no gzip file")
    cut = tmp_path / "cut.jsonl.gz"
    cut.write_bytes(gzip.compress(LINES)[:-9])
    async with (
        serving((add_SourceServiceServicer_to_server, Sources())) as address,
        greenroom.client.connect(address) as client,
    ):
        for file in (bad, cut):
            with pytest.raises(gzip.BadGzipFile, match=rf"{file} cannot be decompressed: it is no gzip file, or"):
                await client.sources.import_file(file)
        with pytest.raises(FileNotFoundError):
            await client.sources.import_file(tmp_path / "missing.jsonl")


async def test_a_small_file_of_a_hundred_mebibytes_of_blank_lines_is_not_sent(tmp_path: Path) -> None:
    path, sources = tmp_path / "blank.jsonl.gz", Sources()
    path.write_bytes(gzip.compress(b"\n" * (100 << 20)))
    async with (
        serving((add_SourceServiceServicer_to_server, sources)) as address,
        greenroom.client.connect(address) as client,
    ):
        with pytest.raises(gzip.BadGzipFile, match="unpacks to more than 64 MiB and 100 times its size; divide it, or"):
            await client.sources.import_file(path)
    assert (UNPACKED_LEAST, UNPACKED_TIMES) == (limits.UNPACKED_LEAST, limits.UNPACKED_TIMES)


async def test_an_import_that_is_refused_early_raises_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "refused.jsonl"
    path.write_bytes(LINES)
    async with (
        serving((add_SourceServiceServicer_to_server, Sources())) as address,
        greenroom.client.connect(address) as client,
    ):
        with pytest.raises(GreenroomError, match="unknown format"):
            await client.sources.import_file(path)
