"""RecordService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

from greenroom.testdata.v1 import record_pb2 as pb
from greenroom.testdata.v1 import record_pb2_grpc
from services.testdata.records.formats import Format
from services.testdata.records.making import Chunk
from services.testdata.records.messages import (
    check_messages,
    edge_messages,
    quality_messages,
    record_format,
    records_message,
    scenario_messages,
    schema_message,
    wanted,
)
from services.testdata.records.model import Checked, rules_held, together
from services.testdata.records.operations import Records
from shared.auth import caller
from shared.rpc.cursors import decode_token, encode_token, malformed
from shared.rpc.handlers import Context, ready
from shared.rpc.packs import pack_message
from shared.rpc.pages import before, cut, list_part
from shared.rpc.paging import read_page
from shared.rpc.requests import request_key
from shared.rpc.streams import check_stream

_KIND = "records.stream"


class RecordServicer(record_pb2_grpc.RecordServiceServicer):
    """Answers calls about schemas and records."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def GetSchemas(self, request: pb.GetSchemasRequest, context: Context) -> pb.GetSchemasResponse:
        page = read_page(request)
        part = list_part(request, page)
        if request.domain:
            found = await self._records.of_domain(caller(), request.domain, request.revision)
            return pb.GetSchemasResponse(schemas=[schema_message(found)], total_size=1)
        listed = await self._records.page(caller().company, part)
        messages = [schema_message(one) for one in listed.items]
        shown, token = cut(messages, page, lambda message: before(message, message.create_time.ToMilliseconds()))
        return pb.GetSchemasResponse(schemas=shown, next_page_token=token, total_size=listed.total)

    async def GetSchema(self, request: pb.GetSchemaRequest, context: Context) -> pb.GetSchemaResponse:
        schema, pack, yaml = await self._records.get(caller().company, request.name)
        return pb.GetSchemaResponse(schema=schema_message(schema), pack=pack_message(pack), yaml=yaml)

    async def RegisterSchema(self, request: pb.RegisterSchemaRequest, context: Context) -> pb.RegisterSchemaResponse:
        key = request_key(request, "RegisterSchema")
        made = await self._records.register(caller(), request.schema_id, request.yaml, request.domain, key)
        return pb.RegisterSchemaResponse(schema=schema_message(made))

    async def DeleteSchema(self, request: pb.DeleteSchemaRequest, context: Context) -> pb.DeleteSchemaResponse:
        await self._records.delete(caller().company, request.name)
        return pb.DeleteSchemaResponse()

    async def GenerateRecords(self, request: pb.GenerateRecordsRequest, context: Context) -> pb.GenerateRecordsResponse:
        spec = await self._records.resolve(caller(), wanted(request.spec))
        form = record_format(request.format)
        made, checks, qualities = await self._records.generate(spec, form, request.measure_quality)
        return pb.GenerateRecordsResponse(
            entities=[records_message(one, form) for one in made],
            checks=check_messages(checks),
            qualities=quality_messages(qualities),
        )

    async def StreamRecords(
        self, request: pb.StreamRecordsRequest, context: Context
    ) -> AsyncIterator[pb.StreamRecordsResponse]:
        spec = await self._records.resolve(caller(), wanted(request.spec))
        form = record_format(request.format)
        first, count = max(request.range.first - 1, 0), request.range.count
        scope = f"{spec!r} {form} {first} {count}"
        cell, place = _read(request.cursor, scope)
        outline = await self._records.outline(spec, first, request.measure_quality)
        checks: list[Checked] = []
        stream = self._records.stream(spec, form, outline, first, count, cell)
        async with aclosing(stream):
            async for number, chunks, found in stream:
                check_stream()
                checks = together(checks, found)
                for chunk in chunks[place:]:
                    cursor = encode_token(_KIND, scope, [number, chunk.place + 1])
                    yield ready(pb.StreamRecordsResponse, _response(chunk, form, cursor))
                place = 0
        last = pb.StreamRecordsResponse(cursor=encode_token(_KIND, scope, [outline.cells + 1, 0]))
        held = None
        if not request.cursor:
            last.checks.extend(check_messages(checks))
            held = rules_held(checks)
        qualities = {entity: replace(one, rules_held=held) for entity, one in outline.qualities.items()}
        last.qualities.extend(quality_messages(qualities))
        yield last


def _read(cursor: str, scope: str) -> tuple[int, int]:
    """The cell where a stream goes on, and how many of its chunks the reader has.

    Raises CursorMalformed, CursorForeign, CursorExpired.
    """
    if not cursor:
        return 0, 0
    match decode_token(_KIND, scope, cursor):
        case [bool(), _] | [_, bool()]:  # a bool is an int in Python
            pass
        case [int(cell), int(place)] if cell >= 0 and place >= 0:
            return cell, place
    raise malformed("cursor")


def _response(chunk: Chunk, form: Format, cursor: str) -> bytes:
    message = pb.StreamRecordsResponse(
        cursor=cursor,
        entity=chunk.entity,
        fields=chunk.fields,
        record_count=chunk.count,
        last_record=chunk.last,
        edges=edge_messages(chunk.beside),
        scenarios=scenario_messages(chunk.beside),
        edges_asked=chunk.beside.asked,
    )
    if form is Format.ROWS:  # its bytes are the field `rows` already
        return chunk.data + message.SerializeToString()
    message.data = chunk.data
    return message.SerializeToString()
