"""greenroom traces stream, greenroom traces session"""

import json as jsons
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from cli.kit.bars import Bar, pace, shown
from cli.kit.export import Chunk, write_file, write_stdout
from cli.kit.live import lost_in_lines
from cli.kit.render import Rows, console, print_json
from cli.kit.run import Json
from cli.traces.options import Chain, Generation, generating, session_range, workflow_source
from greenroom.client import Client, without_head
from greenroom.testdata.v1.trace_call_pb2 import Call, StreamCallsRequest, StreamCallsResponse
from shared.plain import visible


class Format(StrEnum):
    """The format of a stream."""

    JSONL = "jsonl"
    CSV = "csv"
    ARROW = "arrow"
    OTLP = "otlp"
    ROWS = "rows"


_FORMATS = {
    Format.JSONL: StreamCallsRequest.FORMAT_JSONL,
    Format.CSV: StreamCallsRequest.FORMAT_CSV,
    Format.ARROW: StreamCallsRequest.FORMAT_ARROW_IPC,
    Format.OTLP: StreamCallsRequest.FORMAT_OTLP,
    Format.ROWS: StreamCallsRequest.FORMAT_ROWS,
}


@generating
async def stream(
    client: Client,
    workflow: Chain,
    wanted: Generation,
    format: Annotated[  # noqa: A002
        Format, typer.Option(help="What to stream; rows are the contract's messages as JSON lines.")
    ] = Format.JSONL,
    output: Annotated[Path | None, typer.Option("--out", "-o", help="The file; none: standard output.")] = None,
    cursor: Annotated[str, typer.Option(help="Where to go on, when printing to standard output.")] = "",
) -> None:
    """Stream calls as they are generated. Repeat the command to continue an interrupted stream to a file."""
    source, parameters, sessions = workflow_source(workflow), wanted.parameters, wanted.range
    request = StreamCallsRequest(workflow=source, parameters=parameters, sessions=sessions, format=_FORMATS[format])
    if output is None:
        async with lost_in_lines(client), aclosing(_chunks(client, request, cursor, Bar(0, "sessions"))) as chunks:
            await write_stdout(chunks, cursor)
        return
    bar = Bar(0, "sessions")
    of = f"{workflow} {sha256(request.SerializeToString(deterministic=True)).hexdigest()[:12]}"
    async with shown(bar, client):
        try:
            calls = await write_file(output, of, lambda after: _chunks(client, request, after, bar))
        except BaseException:
            if output.with_name(f"{output.name}.part").exists():
                console(stderr=True).print("Repeat the command to continue the stream.")
            raise
    console(stderr=True).print(f"{calls:,} calls are in {output}.", soft_wrap=True)


async def _chunks(client: Client, request: StreamCallsRequest, cursor: str, bar: Bar) -> AsyncGenerator[Chunk, None]:
    """The messages after a cursor, without the head of the file. Advances the bar."""
    messages = client.traces.stream(
        request.workflow, request.parameters, format=request.format, sessions=request.sessions, cursor=cursor
    )
    first, calls = request.sessions.first or 1, 0
    continues = bool(cursor)
    async with aclosing(messages):
        async for message in messages:
            if continues:
                without_head(request.format, message)
                continues = False
            calls += message.call_count
            bar.total = request.sessions.count or message.session_count - first + 1
            bar.done = message.last_session - first + 1
            bar.words = f"{calls:,} calls · {pace(calls, bar.seconds)}"
            yield Chunk(message.data or _lines(message), message.cursor, message.call_count)


def _lines(message: StreamCallsResponse) -> bytes:
    rows = (MessageToDict(call, preserving_proto_field_name=True) for call in message.calls)
    return b"".join(visible(jsons.dumps(row, ensure_ascii=False)).encode() + b"\n" for row in rows)


@generating
async def session(client: Client, workflow: Chain, wanted: Generation, json: Json = False) -> None:
    """Generate one session and print its calls; --sessions chooses it, 1 by default."""
    number = session_range(wanted.sessions or "1").first
    calls = await client.traces.session(workflow_source(workflow), wanted.parameters, session=number)
    columns = ("TIME", "ENDPOINT", "METHOD", "STATUS", "LATENCY", "FAULT", "PARAMS")
    rows = Rows(*columns, leave_out=["PARAMS", "METHOD", "FAULT"], prose=["PARAMS"])
    for call in calls:
        if json:
            print_json(call)
        fault = Call.FaultKind.Name(call.fault_kind).removeprefix("FAULT_KIND_").lower() if call.fault_kind else ""
        moment = datetime.fromtimestamp(call.timestamp_ms / 1_000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
        latency = f"{call.latency_ms:,.0f} ms"
        rows.add(moment, call.endpoint, call.method, str(call.status), latency, fault, call.params)
    if not json:
        console().print(f"Session {number} of user {calls[0].user} ({calls[0].user_type})" if calls else "No calls.")
        console().print(rows)
