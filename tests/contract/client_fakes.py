"""Fake servers with scripted answers, which can cut streams."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import grpc

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.type.v1.event_pb2 import Event, UserMessage

Context = Any
Adder = Callable[[Any, grpc.aio.Server], None]


class Partial:
    """A servicer with the methods of its subclass; all others are UNIMPLEMENTED."""

    def __getattr__(self, name: str) -> Any:
        async def unimplemented(request: Any, context: Context) -> None:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not part of this test")

        return unimplemented


@asynccontextmanager
async def serving(*services: tuple[Adder, Any], port: int = 0) -> AsyncIterator[str]:
    """The address of a server with these servicers; it stops without grace at the end of the block."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    for add, servicer in services:
        add(servicer, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


def event(number: int) -> Event:
    return Event(conversation="conversations/one", seq=number, user_message=UserMessage(text=f"message {number}"))


class CutBatches(Partial):
    """A batch of `total` events, three per message, whose watches are cut.

    cuts: for each watch in turn, after how many messages to cut it, and with which status; None ends it with OK. Later
    watches are not cut.
    """

    def __init__(self, total: int, cuts: Iterable[tuple[int, grpc.StatusCode | None]] = ()) -> None:
        self.total = total
        self.cuts = list(cuts)
        self.cursors: list[str] = []
        self.gone = asyncio.Event()
        """Set when a watch has ended."""

    async def WatchBatch(  # noqa: N802
        self, request: pb.WatchBatchRequest, context: Context
    ) -> AsyncIterator[pb.WatchBatchResponse]:
        self.cursors.append(request.cursor)
        messages, status = self.cuts.pop(0) if self.cuts else (self.total, None)
        last = int(request.cursor or 0)
        try:
            while messages and last < self.total:
                until = min(last + 3, self.total)
                events = [event(number) for number in range(last + 1, until + 1)]
                yield pb.WatchBatchResponse(events=events, cursor=str(until))
                last, messages = until, messages - 1
            if status is not None:
                await context.abort(status, "cut")
            if last == self.total:
                yield pb.WatchBatchResponse(cursor=str(last), summary=pb.Batch(name=request.name))
        finally:
            self.gone.set()

    async def ExportTranscripts(  # noqa: N802
        self, request: pb.ExportTranscriptsRequest, context: Context
    ) -> AsyncIterator[pb.ExportTranscriptsResponse]:
        self.cursors.append(request.cursor)
        messages, status = self.cuts.pop(0) if self.cuts else (self.total, None)
        last = int(request.cursor or 0)
        while messages and last < self.total:
            last, messages = last + 1, messages - 1
            yield pb.ExportTranscriptsResponse(chunk=b"%d\n" % last, cursor=str(last))
        if status is not None:
            await context.abort(status, "cut")
