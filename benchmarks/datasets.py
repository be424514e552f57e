"""A dataset of 100 million calls as Parquet: speed against the bare writer, memory, and files changed by two SIGKILLs.

Ours: a test data service in its own process, with synchronous FULL; a file counts once it is hashed and on disk. The
other way: only the function that writes a part, called once in this process.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from statistics import median
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.results import Result, compared, gates, limited, report
from benchmarks.servers import Server, server
from benchmarks.ways.shop import chain
from greenroom.client import Client, connect
from greenroom.testdata.v1 import trace_dataset_pb2 as pb
from greenroom.testdata.v1.trace_call_pb2 import SessionRange, TraceParameters
from greenroom.testdata.v1.trace_workflow_pb2 import WorkflowSource
from services.testdata.datasets.parts import PART_SESSIONS
from services.testdata.traces.formats import Format
from services.testdata.traces.formats.files import write_file

TOPIC = "datasets"
MODULE = "services.testdata"
EVERY = 0.01
"""Seconds between a health answer and the next health check."""


def run(quick: bool) -> bool:
    """Measure, report, and return whether the gates held."""
    gate = gates(TOPIC)
    size = gate["quick" if quick else "full"]
    with tempfile.TemporaryDirectory() as folder:
        return report(TOPIC, asyncio.run(_run(gate, size["sessions"], Path(folder))))


async def _run(gate: Mapping[str, Any], sessions: int, folder: Path) -> list[Result]:
    theirs = _bare(folder)
    with server(MODULE, folder=folder) as ours:
        async with connect(ours.address) as client:
            idle = await _answers(ours, asyncio.create_task(asyncio.sleep(2)))
            one = await client.traces.datasets.start(_spec(PART_SESSIONS))
            await _over(client, one.name)
            before = ours.processor_seconds()
            undisturbed = await client.traces.datasets.start(_spec(sessions))
            writing = asyncio.create_task(_sizes(ours, client, undisturbed.name))
            busy = await _answers(ours, writing)
            sizes = writing.result()
            done = await client.traces.datasets.get(undisturbed.name)
            rate = done.call_count / (ours.processor_seconds() - before)
    again = await _killed_twice(sessions, done.part_count, folder)
    expected, found = _digests(done), _digests(again)
    different = [name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)]
    print(
        f"{done.call_count:,} calls, {done.part_count} parts, {done.byte_count:,} bytes, at most {max(sizes):,.0f} MB"
    )
    return [
        compared(gate["throughput"], "calls/s", [rate], [theirs]),
        limited(gate["memory"], "MB", [_growth(sizes)], samples={"resident": sizes}),
        limited(gate["health"], "ms", [max(busy)], [max(idle)], {"busy": busy, "idle": idle}),
        limited(gate["kills"], "files", [len(different)]),
    ]


def _spec(sessions: int) -> pb.DatasetSpec:
    return pb.DatasetSpec(
        workflow=WorkflowSource(name="workflows/ecommerce"),
        parameters=TraceParameters(users=sessions),
        sessions=SessionRange(count=sessions),
    )


def _bare(folder: Path) -> float:
    """Calls per second of processor time of the function that writes a part, after it is compiled."""
    truth, rate = chain(PART_SESSIONS), 0.0
    for sessions in (1_000, PART_SESSIONS):
        with (folder / "bare").open("wb") as file:
            started = time.process_time()
            calls = write_file(truth, Format.PARQUET, 1, sessions, file, {})
            rate = calls / (time.process_time() - started)
    return rate


async def _sizes(ours: Server, client: Client, name: str) -> list[float]:
    """Resident MB of the server and its workers after each part."""
    async with client.traces.datasets.watch(name) as watch:
        return [ours.resident_mb() async for _ in watch]


def _growth(sizes: Sequence[float]) -> float:
    """Median of the second half minus median of the first; single sizes vary, as the next part may already run."""
    half = len(sizes) // 2
    return median(sizes[half:]) - median(sizes[:half])


async def _answers(ours: Server, until: "asyncio.Task[Any]") -> list[float]:
    """Milliseconds of each health answer of the server, until the task is done."""
    answers: list[float] = []
    async with grpc.aio.insecure_channel(ours.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        await check(health_pb2.HealthCheckRequest())
        while not until.done():
            await asyncio.sleep(EVERY)
            asked = time.perf_counter()
            await check(health_pb2.HealthCheckRequest())
            answers.append(1000 * (time.perf_counter() - asked))
    return answers


async def _killed_twice(sessions: int, parts: int, folder: Path) -> pb.Dataset:
    """Write the same dataset with three servers, one after the other; the first two are killed."""
    name = ""
    for until in (parts // 3, 2 * parts // 3, parts):
        with server(MODULE, folder=folder) as ours:
            async with connect(ours.address) as client:
                name = name or (await client.traces.datasets.start(_spec(sessions))).name
                if until == parts:
                    return await _over(client, name)
                async with client.traces.datasets.watch(name) as watch:
                    async for part in watch:
                        if part.index + 1 >= until:
                            break
                # The next part is being written now.
                os.kill(ours.pid, signal.SIGKILL)
    raise AssertionError("the last of the servers writes to the end")


async def _over(client: Client, name: str) -> pb.Dataset:
    async with client.traces.datasets.watch(name) as watch:
        async for _ in watch:
            pass
    done = watch.summary
    if done is None or done.state != pb.Dataset.STATE_COMPLETED:
        raise RuntimeError(f"not the work that the claim is about: {done}")
    return done


def _digests(dataset: pb.Dataset) -> dict[str, str]:
    """SHA-256 of each file of a dataset, by file name."""
    digests = {}
    for path in Path(dataset.location).iterdir():
        with path.open("rb") as file:
            digests[path.name] = file_digest(file, "sha256").hexdigest()
    return digests
