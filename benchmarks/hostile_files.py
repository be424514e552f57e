"""Whether small files can take much memory, or keep other callers waiting, when they are learned from.

Ours: a test data server in its own process learns from each file twice at once, while another caller asks for a session
every 20 ms. Beside the slowest answer: that of the same server while it has nothing to do.
"""

import asyncio
import re
import tempfile
import time
from collections.abc import Awaitable
from pathlib import Path

from benchmarks.results import gates, limited, report
from benchmarks.servers import Server, server
from benchmarks.ways.hostile_files import FILES
from greenroom.client import Client, GreenroomError, connect
from greenroom.testdata.v1 import trace_learning_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource

TOPIC = "hostile_files"
PAUSE = 0.02
"""Seconds from one answer to the next question, and between two looks at the memory."""
WORKFLOW = WorkflowSource(name="workflows/ecommerce")
EVERY = 6
"""A quick run learns from one of so many files."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    return asyncio.run(_run(quick))


async def _run(quick: bool) -> bool:
    gate = gates(TOPIC)
    peaks, answers = [], []
    with server("services.testdata") as process, tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        async with connect(process.address) as client, connect(process.address) as other:
            await _ask(other)
            idle, _ = await _watched(process, other, asyncio.sleep(1))
            for name in list(FILES)[:: EVERY if quick else 1]:
                kind, data = await asyncio.to_thread(FILES[name])
                path.write_bytes(data)
                learning = asyncio.gather(*(_learn(client, path, kind) for _ in range(2)))
                answer, peak = await _watched(process, other, learning)
                outcome = (await learning)[0]
                print(f"{name}, {len(data):,} B: {outcome}, {peak:.0f} MB, {answer:.0f} ms")
                if len(data) <= 1_000_000:
                    peaks.append(peak)
                answers.append(answer)
        kept = process.resident_mb()
    print(f"afterwards the server and its workers have {kept:.0f} MB")
    return report(
        TOPIC,
        [
            limited(gate["peak"], "MB", [max(peaks)], samples={"files": peaks}),
            limited(gate["answer"], "ms", [max(answers)], beside=[idle], samples={"files": answers}),
        ],
    )


async def _learn(client: Client, path: Path, kind: pb.LogFormat.Kind.ValueType) -> str:
    try:
        await client.traces.learnings.learn_file(path, pb.LogFormat(kind=kind))
    except GreenroomError as error:
        return error.reason
    return "learned"


async def _ask(client: Client) -> None:
    await client.traces.session(WORKFLOW, TraceParameters(users=10))


async def _watched(process: Server, client: Client, meanwhile: Awaitable[object]) -> tuple[float, float]:
    """Until `meanwhile` is done: the slowest answer to another caller in ms, and the peak memory of a worker in MB."""
    work = asyncio.ensure_future(meanwhile)
    slowest = peak = 0.0
    while not work.done():
        asked = time.perf_counter()
        await _ask(client)
        slowest = max(slowest, time.perf_counter() - asked)
        peak = max([peak, *map(_peak_mb, process.workers())])
        await asyncio.wait([work], timeout=PAUSE)
    return 1_000 * slowest, peak


def _peak_mb(process: int) -> float:
    """The most resident memory of a process so far; 0 once it has ended."""
    try:
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    except OSError:
        return 0
    return int(found[1]) * 1024 / 1e6 if found else 0
