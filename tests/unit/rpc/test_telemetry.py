"""Logs and metrics."""

import asyncio
import json
import sys

import pytest

from shared import telemetry
from shared.rpc.health import Health


async def test_health_is_not_serving_while_the_event_loop_lags() -> None:
    health = Health()
    lag = telemetry.LoopLag(health.set_overloaded, 0.5)

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
    lag = telemetry.LoopLag(lambda _: None, 0.5)
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

RETRYING = """
import stamina
from shared import telemetry
from shared.settings import Settings
telemetry.configure(Settings(), "tests")
for attempt in stamina.retry_context(on=OSError, attempts=2, wait_initial=0.001):
    with attempt:
        print("attempt", attempt.num)
        if attempt.num == 1:
            raise OSError("busy")
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


EXPORTING = """
import sys
from types import ModuleType
from opentelemetry import metrics
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter
from opentelemetry.sdk.trace.export import ConsoleSpanExporter
for name, kind in (("metric_exporter", ConsoleMetricExporter), ("trace_exporter", ConsoleSpanExporter)):
    module = ModuleType(name)
    exporter = "OTLPMetricExporter" if name == "metric_exporter" else "OTLPSpanExporter"
    setattr(module, exporter, lambda kind=kind, **_: kind())
    sys.modules["opentelemetry.exporter.otlp.proto.grpc." + name] = module
from shared import telemetry
from shared.settings import Settings
telemetry.configure(Settings(otlp_endpoint="http://127.0.0.1:4317"), "tests")
telemetry.LoopLag(lambda _: None, 0.5).record(0.125)
metrics.get_meter_provider().force_flush()
"""


async def test_retries_do_not_flood_the_log() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RETRYING), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()

    assert stdout.splitlines() == [b"attempt 1", b"attempt 2"]
    assert stderr == b""


async def test_the_lag_of_the_loop_is_exported_to_the_configured_exporter() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", EXPORTING), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    stdout, stderr = await process.communicate()

    assert stderr == b""
    # The metric is exported once more when the process ends.
    exported = json.JSONDecoder().raw_decode(stdout.decode())[0]["resource_metrics"]
    assert exported[0]["resource"]["attributes"]["service.name"] == "greenroom.tests"
    (metric,) = exported[0]["scope_metrics"][0]["metrics"]
    assert (metric["name"], metric["unit"]) == ("greenroom.loop.lag", "s")
    assert metric["data"]["data_points"][0]["value"] == 0.125


def test_a_missing_exporter_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)

    with pytest.raises(telemetry.ExporterMissing, match="opentelemetry-exporter-otlp"):
        telemetry._exporting("http://127.0.0.1:4317")
