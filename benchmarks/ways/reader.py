"""An ordinary generated client that reads a stream of calls to its end.

    python -m benchmarks.ways.reader ADDRESS FORMAT SESSIONS CORE

After every tenth of the sessions it prints a line of JSON: the calls read so far and the seconds since the start.
"""

import asyncio
import json
import os
import sys
import time

import grpc

from benchmarks.ways.shop import NAME
from greenroom.testdata.v1 import trace_call_pb2, trace_call_pb2_grpc, trace_workflow_pb2


async def main() -> None:
    """Read the whole stream."""
    address, form, sessions, core = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    request = trace_call_pb2.StreamCallsRequest(
        workflow=trace_workflow_pb2.WorkflowSource(name=NAME),
        parameters=trace_call_pb2.TraceParameters(users=int(sessions)),
        sessions=trace_call_pb2.SessionRange(first=1, count=int(sessions)),
        format=trace_call_pb2.StreamCallsRequest.Format.Value(f"FORMAT_{form}"),
    )
    async with grpc.aio.insecure_channel(address) as channel:
        started, rows, tenths = time.perf_counter(), 0, 0
        async for response in trace_call_pb2_grpc.TraceStreamServiceStub(channel).StreamCalls(request):
            rows += len(response.calls) or response.call_count
            reached = 10 * response.last_session // int(sessions)
            for _ in range(tenths, reached):
                print(json.dumps([rows, time.perf_counter() - started]), flush=True)
            tenths = max(tenths, reached)


if __name__ == "__main__":
    asyncio.run(main())
