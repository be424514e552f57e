"""What an operator sees."""

import asyncio
import json
import sys

import pytest

from shared import telemetry
from shared.rpc.health import Health


async def test_a_loop_that_stays_late_stops_serving_and_recovers() -> None:
    health = Health()
    lag = telemetry.LoopLag(on_overload=health.set_overloaded)

    lag.record(0.01)
    lag.record(3.0)
    lag.record(0.01)
    assert health.is_serving(), "one pause is no overload"

    for _ in range(9):
        lag.record(1.0)
    assert not health.is_serving()

    for _ in range(9):
        lag.record(0.01)
    assert health.is_serving()


async def test_measuring_can_be_stopped() -> None:
    lag = telemetry.LoopLag(on_overload=lambda _: None)
    lag.start()
    await lag.stop()
    await lag.stop()


PROGRAM = """
import structlog
from opentelemetry import trace
from shared import telemetry
from shared.settings import Settings
telemetry.configure(Settings(), "tests")
with trace.get_tracer("tests").start_as_current_span("work"):
    password = "hush"
    try:
        raise ValueError("went wrong")
    except ValueError:
        structlog.get_logger("tests").exception("it failed", batch="batches/1")
import logging
logging.getLogger("others").warning("from a library")
"""


async def test_logs_are_json_with_trace_ids_and_no_local_variables() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()

    ours, theirs = map(json.loads, stderr.splitlines())
    assert (ours["event"], ours["batch"], ours["level"]) == ("it failed", "batches/1", "error")
    assert len(ours["trace_id"]) == 32
    assert ours["exception"][0]["exc_type"] == "ValueError"
    assert theirs["event"] == "from a library"
    assert b"hush" not in stderr
    assert stdout == b""


def test_an_exporter_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)

    with pytest.raises(telemetry.ExporterMissing, match="opentelemetry-exporter-otlp"):
        telemetry._exporting("http://127.0.0.1:4317")
