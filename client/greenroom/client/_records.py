"""Records that obey the rules of a domain, and the schemas that they are made from."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from greenroom.client._calls import Calls, new_request_id
from greenroom.client._listing import Listing
from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1.record_pb2_grpc import RecordServiceStub


class Schemas:
    """The calls of RecordService about schemas. Names are `schemas/{schema}`."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RecordServiceStub(calls.channel)

    async def register_file(
        self, path: str | Path, schema_id: str, *, domain: str = "", request_id: str | None = None
    ) -> pb.Schema:
        """Register the pack in a YAML file as a schema.

        schema_id: the part of its name after the slash, such as `bookshop`. domain: the one that it belongs to.
        """
        request = pb.RegisterSchemaRequest(
            schema_id=schema_id,
            yaml=await asyncio.to_thread(Path(path).read_bytes),
            domain=domain,
            request_id=request_id or new_request_id(),
        )
        return (await self._calls.unary(self._stub.RegisterSchema, request)).schema

    async def get(self, name: str) -> pb.GetSchemaResponse:
        """A registered schema with its pack."""
        return await self._calls.unary(self._stub.GetSchema, pb.GetSchemaRequest(name=name))

    async def of_domain(self, domain: str, revision: int = 0) -> pb.Schema:
        """The schema of a domain. revision: 0 for the newest READY one, or else the newest."""
        request = pb.GetSchemasRequest(domain=domain, revision=revision)
        return (await self._calls.unary(self._stub.GetSchemas, request)).schemas[0]

    def list(self, *, short_id: str = "") -> Listing[pb.Schema]:
        """The registered schemas, newest first. short_id: only those whose id begins or ends with it."""
        request = pb.GetSchemasRequest(short_id=short_id)
        return self._calls.listing(self._stub.GetSchemas, request, lambda page: page.schemas)

    async def delete(self, name: str) -> None:
        """Delete a registered schema."""
        await self._calls.unary(self._stub.DeleteSchema, pb.DeleteSchemaRequest(name=name), again=False)


class Records:
    """The calls of RecordService that make records."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._stub = RecordServiceStub(calls.channel)

    async def generate(
        self,
        spec: pb.RecordSpec,
        record_format: pb.RecordFormat.ValueType = pb.RECORD_FORMAT_JSONL,
        *,
        measure_quality: bool = False,
    ) -> pb.GenerateRecordsResponse:
        """Up to 10,000 records of each entity, how the rules fare on them, and if asked for how good they are."""
        request = pb.GenerateRecordsRequest(spec=spec, format=record_format, measure_quality=measure_quality)
        return await self._calls.unary(self._stub.GenerateRecords, request)

    def stream(
        self,
        spec: pb.RecordSpec,
        record_format: pb.RecordFormat.ValueType = pb.RECORD_FORMAT_JSONL,
        *,
        first: int = 0,
        count: int = 0,
        cursor: str = "",
        measure_quality: bool = False,
    ) -> AsyncGenerator[pb.StreamRecordsResponse, None]:
        """Any number of records, about 1 MiB at a time.

        first, count: only these records of each entity. cursor: of the last message that was received.
        measure_quality: say in the last message how good the first records are.
        """
        request = pb.StreamRecordsRequest(
            spec=spec, format=record_format, cursor=cursor, measure_quality=measure_quality
        )
        request.range.first, request.range.count = first, count
        return self._calls.resumed(self._stub.StreamRecords, request)
