"""The three services of the catalogue on a real server, as two companies see them."""

import gzip
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import jwt
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
from services.synthesizer.builtin_personas import built_in
from services.synthesizer.settings import SynthesizerSettings
from services.synthesizer.store.tables import conversations
from shared.db.engine import Database
from shared.rpc.health import Health
from shared.rpc.server import Server
from tests.data import shared_data

SECRET = "a secret of thirty-two bytes or more"
CHUNK = 1 << 16


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
    """A synthesizer over the database at url, on a free port."""
    secret = SecretStr(SECRET)
    settings = SynthesizerSettings(
        port=0, data_dir=_folder(url), database_url=_server(url), jwt_secret=secret, drain_seconds=0
    )
    app = await build(settings, Health())
    server = Server(settings, app.registrations)
    port = await server.start()
    db = await Database.open(settings.store_url)
    async with _company(port, "acme") as acme, _company(port, "globex") as globex:
        yield Catalog(db, acme, globex)
    await db.close()
    await server.stop()
    await app.stop()


def _folder(url: str) -> Path:
    """Where the data folder of a test is: that of its SQLite file, and of no use with PostgreSQL."""
    return Path(url.removeprefix("sqlite+aiosqlite:///")).parent


def _server(url: str) -> SecretStr | None:
    return None if url.startswith("sqlite") else SecretStr(url)


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

    row: dict[str, object] = {column.name: 0 if column.type.python_type is int else "" for column in conversations.c}
    rows = [row | {"id": f"conversation-{n}", "company": company, "batch": batch, **to} for n in range(count)]
    await db.writer.run(lambda conn: conn.execute(conversations.insert(), rows))


def lines(records: Iterable[bytes | str]) -> bytes:
    """A file with a line a record."""
    return b"".join((record if isinstance(record, bytes) else record.encode()) + b"\n" for record in records)


def abcd(name: str) -> bytes:
    """The bytes of `dialogues` or `procedures`; skips the test if the data is not beside the checkout."""
    return gzip.decompress((shared_data("abcd") / f"{name}.jsonl.gz").read_bytes())
