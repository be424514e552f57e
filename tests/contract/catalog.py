"""The three services of the catalogue on a real server, as the two companies of a test see them."""

import gzip
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import grpc
from pydantic import SecretStr

from greenroom.synthesizer.v1 import (
    import_pb2,
    persona_pb2_grpc,
    procedure_pb2,
    procedure_pb2_grpc,
    source_pb2,
    source_pb2_grpc,
)
from services.synthesizer.app import build
from services.synthesizer.conversations.store.tables import conversations
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.settings import SynthesizerSettings
from shared.db.engine import Database
from shared.rpc.health import Health
from shared.rpc.server import Server
from tests.contract.tokens import SECRET, token
from tests.data import shared_data

CHUNK = 1 << 16


@dataclass
class Company:
    """Stubs of the three services for a caller of one company; they send the caller's token."""

    name: str
    personas: Any
    procedures: Any
    sources: Any

    async def import_sources(self, data: bytes, **header: Any) -> import_pb2.ImportSummary:
        """Import a file's bytes in chunks."""
        response = await self.sources.ImportSources(messages(source_pb2.ImportSourcesRequest, data, header))
        summary: import_pb2.ImportSummary = response.summary
        return summary

    async def import_procedures(self, data: bytes, **header: Any) -> import_pb2.ImportSummary:
        """Import a file's bytes in chunks."""
        response = await self.procedures.ImportProcedures(messages(procedure_pb2.ImportProceduresRequest, data, header))
        summary: import_pb2.ImportSummary = response.summary
        return summary


def messages(kind: Callable[..., Any], data: bytes, header: Mapping[str, Any]) -> Iterator[Any]:
    """A header, then the data in chunks."""
    yield kind(header=import_pb2.ImportHeader(**header))
    for start in range(0, len(data), CHUNK):
        yield kind(chunk=data[start : start + CHUNK])


@dataclass
class Catalog:
    """A served catalogue: acme and globex are two companies with every permission that nothing belongs to yet."""

    db: Database
    acme: Company
    globex: Company
    builtin: Sequence[str] = field(default_factory=lambda: list(built_in()))


@dataclass(frozen=True, slots=True)
class CatalogServer:
    """A synthesizer that serves its catalogue on a port. db: its database."""

    port: int
    db: Database

    @asynccontextmanager
    async def catalog(self) -> AsyncIterator[Catalog]:
        """The catalogue for two new companies, `acme-1` and `globex-1` or with the next number."""
        number = next(_numbers)
        async with _company(self.port, f"acme-{number}") as acme, _company(self.port, f"globex-{number}") as globex:
            yield Catalog(self.db, acme, globex)


_numbers = count(1)


@asynccontextmanager
async def serving(url: str, folder: Path) -> AsyncIterator[CatalogServer]:
    """A synthesizer on a free port. url: `sqlite` for a file in the folder, or that of a PostgreSQL database."""
    settings = SynthesizerSettings(
        port=0,
        data_dir=folder,
        database_url=None if url == "sqlite" else SecretStr(url),
        jwt_secret=SecretStr(SECRET),
        drain_seconds=0,
    )
    app = await build(settings, Health())
    server = Server(settings, app.registrations)
    port = await server.start()
    db = await Database.open(settings.store_at("synthesizer"))
    yield CatalogServer(port, db)
    await db.close()
    await server.stop()
    await app.stop()


@asynccontextmanager
async def _company(port: int, name: str) -> AsyncIterator[Company]:
    bearing = _Bearing(token(name))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", interceptors=bearing.all()) as channel:
        yield Company(
            name,
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

        class ServerStream(grpc.aio.UnaryStreamClientInterceptor):
            async def intercept_unary_stream(self, continuation: Any, details: Any, request: Any) -> Any:
                return await continuation(outer._with_token(details), request)

        return [Unary(), ClientStream(), ServerStream()]

    def _with_token(self, details: Any) -> Any:
        return details._replace(metadata=grpc.aio.Metadata(self._metadata))


async def refer(db: Database, company: str, *, count: int = 1, batch: str | None = None, **to: str | int) -> None:
    """Store finished conversations that refer to a persona, procedure or source, as rehearsals leave them."""

    row: dict[str, object] = {column.name: 0 if column.type.python_type is int else "" for column in conversations.c}
    rows = [row | {"id": f"of-{company}-{n}", "company": company, "batch": batch, **to} for n in range(count)]
    await db.writer.run(lambda conn: conn.execute(conversations.insert(), rows))


def lines(records: Iterable[bytes | str]) -> bytes:
    """A file with one line per record."""
    return b"".join((record if isinstance(record, bytes) else record.encode()) + b"\n" for record in records)


def abcd(name: str) -> bytes:
    """The bytes of `dialogues` or `procedures`; skips the test if the data is not next to the checkout."""
    return gzip.decompress((shared_data("abcd") / f"{name}.jsonl.gz").read_bytes())
