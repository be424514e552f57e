"""Whether the server still answers, and whether its memory grows, while it generates a stream at full speed."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from benchmarks.results import Result, limited
from benchmarks.servers import Server, server
from benchmarks.traces import readers

FORM = "ARROW_IPC"
EVERY = 0.01
"""Seconds between a health answer and the next health check."""


def results(gate: Mapping[str, Any], size: Mapping[str, Any]) -> list[Result]:
    """One row per gate: health, memory. size: sessions of the streams."""
    with server("services.testdata") as ours, grpc.insecure_channel(ours.address) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        _stream(ours, size["health_sessions"] // 10)
        health = _health(gate["health"], ours, check, size["health_sessions"])
        return [health, limited(gate["memory"], "MB", [_growth(ours, size["memory_sessions"])])]


def _health(row: Mapping[str, Any], ours: Server, check: Callable[..., object], sessions: int) -> Result:
    """The slowest health answer while a stream is read, and the slowest of equally many from an idle server."""
    busy: list[float] = []
    reader = readers.start(ours.address, FORM, sessions)
    while reader.poll() is None:
        busy.append(_answered(check))
    idle = [_answered(check) for _ in busy]
    return limited(row, "ms", [max(busy)], [max(idle)], {"busy": busy, "idle": idle})


def _answered(check: Callable[..., object]) -> float:
    """Milliseconds that one health check takes."""
    time.sleep(EVERY)
    asked = time.perf_counter()
    check(health_pb2.HealthCheckRequest())
    return 1000 * (time.perf_counter() - asked)


def _growth(ours: Server, sessions: int) -> float:
    """MB by which the server and its workers grow from the first tenth of a stream to the last."""
    sizes = [ours.resident_mb() for _ in readers.tenths(readers.start(ours.address, FORM, sessions))]
    return sizes[-1] - sizes[0]


def _stream(ours: Server, sessions: int) -> None:
    for _ in readers.tenths(readers.start(ours.address, FORM, sessions)):
        pass
