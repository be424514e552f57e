"""A gRPC server that streams calls in the obvious way: it builds one protobuf message per call.

    python -m benchmarks.ways.message_server ROWS_A_MESSAGE

It generates calls with the same kernel as ours, so the servers differ only in how they encode and send calls.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

import grpc
from grpc.aio import ServicerContext

from benchmarks.ways.shop import chain
from greenroom.testdata.v1 import trace_call_pb2, trace_call_pb2_grpc
from services.testdata.traces.generation import Calls, Chain, generate

Context = ServicerContext[trace_call_pb2.StreamCallsRequest, AsyncIterator[trace_call_pb2.StreamCallsResponse]]
SESSIONS = 2_000
"""Sessions generated at a time."""


class MessageServer(trace_call_pb2_grpc.TraceStreamServiceServicer):
    """Streams the requested sessions. rows: calls per message."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    async def StreamCalls(  # noqa: N802 - the contract's name
        self, request: trace_call_pb2.StreamCallsRequest, _: Context
    ) -> AsyncIterator[trace_call_pb2.StreamCallsResponse]:
        """Generate, encode and send the calls in this process, without workers."""
        shop = chain(request.parameters.users)
        end = request.sessions.first + request.sessions.count
        for first in range(request.sessions.first, end, SESSIONS):
            calls = _messages(shop, generate(shop, first, min(SESSIONS, end - first)))
            for start in range(0, len(calls), self._rows):
                some = calls[start : start + self._rows]
                yield trace_call_pb2.StreamCallsResponse(
                    calls=some, call_count=len(some), last_session=some[-1].session, session_count=end - 1
                )


def _messages(shop: Chain, calls: Calls) -> list[trace_call_pb2.Call]:
    columns = (
        *(calls.timestamp, calls.user, calls.user_type, calls.session, calls.endpoint, calls.status, calls.latency_ms),
        *(calls.params, calls.fault_id, calls.fault_kind),
    )
    return [
        trace_call_pb2.Call(
            timestamp_ms=timestamp,
            user=user,
            user_type=shop.user_types[user_type],
            session=session,
            endpoint=shop.endpoints[endpoint],
            method=shop.methods[endpoint],
            status=status,
            latency_ms=latency,
            params=shop.params[params],
            fault_id=fault_id,
            fault_kind=fault_kind,
        )
        for timestamp, user, user_type, session, endpoint, status, latency, params, fault_id, fault_kind in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


async def main() -> None:
    """Serve until ended."""
    server = grpc.aio.server()
    servicer = MessageServer(int(sys.argv[1]))  # type: ignore[abstract]  # nothing else is asked for
    trace_call_pb2_grpc.add_TraceStreamServiceServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(f"message server listens on 127.0.0.1:{port}", flush=True)
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main())
