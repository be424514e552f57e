"""The three services of the catalogue on a real server, as two companies see them."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import grpc
import jwt
from pydantic import SecretStr

import services.synthesizer.migrations
from greenroom.synthesizer.v1 import (
    import_pb2,
    persona_pb2_grpc,
    procedure_pb2,
    procedure_pb2_grpc,
    source_pb2,
    source_pb2_grpc,
)
from services.synthesizer.adapters.formats import FORMATS
from services.synthesizer.adapters.imports import parse_procedures, parse_sources
from services.synthesizer.api.personas import PersonaServicer
from services.synthesizer.api.procedures import ProcedureServicer
from services.synthesizer.api.sources import SourceServicer
from services.synthesizer.builtin_personas import built_in
from services.synthesizer.catalog.imports import Imports
from services.synthesizer.catalog.personas import Personas
from services.synthesizer.catalog.procedures import Procedures
from services.synthesizer.store.documents import pack_source
from services.synthesizer.store.personas import Personas as PersonaRows
from services.synthesizer.store.procedures import Procedures as ProcedureRows
from services.synthesizer.store.requests import RequestResults
from services.synthesizer.store.sources import Sources as SourceRows
from shared.compute import Compute
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.rpc.server import Registration, Server
from shared.settings import Settings

SECRET = "a secret of thirty-two bytes or more"
MIGRATIONS = next(iter(services.synthesizer.migrations.__path__))
CHUNK = 1 << 16


def clock() -> int:
    """Unix milliseconds."""
    return time.time_ns() // 1_000_000


@dataclass
class Company:
    """The services as one company's caller has them; its stubs send the caller's token."""

    personas: Any
    procedures: Any
    sources: Any

    async def import_sources(self, data: bytes, **header: str) -> import_pb2.ImportSummary:
        """Import a file's bytes in chunks."""
        response = await self.sources.ImportSources(messages(source_pb2.ImportSourcesRequest, data, header))
        summary: import_pb2.ImportSummary = response.summary
        return summary

    async def import_procedures(self, data: bytes, **header: str) -> import_pb2.ImportSummary:
        """Import a file's bytes in chunks."""
        response = await self.procedures.ImportProcedures(messages(procedure_pb2.ImportProceduresRequest, data, header))
        summary: import_pb2.ImportSummary = response.summary
        return summary


def messages(kind: Callable[..., Any], data: bytes, header: Mapping[str, str]) -> Iterator[Any]:
    """A header, then the data in chunks."""
    yield kind(header=import_pb2.ImportHeader(**header))
    for start in range(0, len(data), CHUNK):
        yield kind(chunk=data[start : start + CHUNK])


@dataclass
class Catalog:
    """A served catalogue: acme and globex are two companies with every permission."""

    db: Database
    acme: Company
    globex: Company
    builtin: Sequence[str] = field(default_factory=lambda: list(built_in()))


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[Catalog]:
    """A migrated database at url and a server on a free port."""
    await migrate(url, MIGRATIONS)
    db, compute = await Database.open(url), Compute(workers=1)
    procedures, sources = ProcedureRows(db), SourceRows(db)
    imports = Imports(
        sources=sources,
        procedures=procedures,
        results=RequestResults(db),
        parse_sources=partial(compute.run, partial(parse_sources, pack_source)),
        parse_procedures=partial(compute.run, parse_procedures),
        formats=list(FORMATS),
        clock=clock,
    )
    package = "greenroom.synthesizer.v1"
    registrations = [
        Registration(
            f"{package}.PersonaService",
            persona_pb2_grpc.add_PersonaServiceServicer_to_server,
            PersonaServicer(Personas(PersonaRows(db), built_in(), clock)),
        ),
        Registration(
            f"{package}.ProcedureService",
            procedure_pb2_grpc.add_ProcedureServiceServicer_to_server,
            ProcedureServicer(Procedures(procedures, clock), imports),
        ),
        Registration(
            f"{package}.SourceService",
            source_pb2_grpc.add_SourceServiceServicer_to_server,
            SourceServicer(sources, imports),
        ),
    ]
    server = Server(Settings(jwt_secret=SecretStr(SECRET), drain_seconds=0), registrations)
    port = await server.start()
    async with _company(port, "acme") as acme, _company(port, "globex") as globex:
        yield Catalog(db, acme, globex)
    await server.stop()
    await compute.close()
    await db.close()


@asynccontextmanager
async def _company(port: int, name: str) -> AsyncIterator[Company]:
    claims = {"company": name, "sub": "jo", "permissions": ["*"], "exp": time.time() + 3600}
    bearing = _Bearing(jwt.encode(claims, SECRET, algorithm="HS256"))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", interceptors=bearing.all()) as channel:
        yield Company(
            persona_pb2_grpc.PersonaServiceStub(channel),
            procedure_pb2_grpc.ProcedureServiceStub(channel),
            source_pb2_grpc.SourceServiceStub(channel),
        )


class _Bearing:
    """Adds a bearer token to each call."""

    def __init__(self, token: str) -> None:
        self._metadata = ("authorization", f"Bearer {token}")

    def all(self) -> list[grpc.aio.ClientInterceptor]:
        outer = self

        class Unary(grpc.aio.UnaryUnaryClientInterceptor):
            async def intercept_unary_unary(self, continuation: Any, details: Any, request: Any) -> Any:
                return await continuation(outer._with_token(details), request)

        class ClientStream(grpc.aio.StreamUnaryClientInterceptor):
            async def intercept_stream_unary(self, continuation: Any, details: Any, requests: Any) -> Any:
                return await continuation(outer._with_token(details), requests)

        return [Unary(), ClientStream()]

    def _with_token(self, details: Any) -> Any:
        return details._replace(metadata=grpc.aio.Metadata(self._metadata))


async def refer(db: Database, company: str, *, count: int = 1, batch: str | None = None, **to: str) -> None:
    """Store finished conversations that refer to a persona, procedure or source, as rehearsals leave them."""
    from services.synthesizer.store.tables import conversations

    row = {
        column.name: b"" if column.name == "terms" else 0 if column.type.python_type is int else ""
        for column in conversations.c
    }
    rows = [row | {"id": f"conversation-{n}", "company": company, "batch": batch, **to} for n in range(count)]
    await db.writer.run(lambda conn: conn.execute(conversations.insert(), rows))


def lines(records: Iterable[bytes | str]) -> bytes:
    """A file with a line a record."""
    return b"".join((record if isinstance(record, bytes) else record.encode()) + b"\n" for record in records)
