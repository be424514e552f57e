"""Logs, traces and the event loop's lag, for operators."""

import asyncio
import logging
import sys
from collections import deque
from collections.abc import Callable, MutableMapping
from statistics import median
from typing import Any

import structlog
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from structlog.tracebacks import ExceptionDictTransformer

from shared.errors import FailedPrecondition
from shared.settings import Settings

_TICK_SECONDS = 0.25
_SAMPLES = 9


class ExporterMissing(FailedPrecondition):
    """GREENROOM_OTLP_ENDPOINT is set, but the package opentelemetry-exporter-otlp is not installed."""

    reason = "EXPORTER_MISSING"


def configure(settings: Settings, service: str) -> None:
    """Log JSON lines with trace ids to standard error, and record spans and metrics. Call it first, once per process.

    Raises ExporterMissing.
    """
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        # Leave out local variables, because requests and keys are among them.
        structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, structlog.processors.JSONRenderer()],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    # At INFO alembic logs its plugins at every start.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # The HTTP clients of models log each request.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    # stamina warns of each retry, thousands of times for an agent that is down. The result is stored anyway.
    logging.getLogger("stamina").setLevel(logging.ERROR)
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    )
    resource = Resource.create({"service.name": f"greenroom.{service}"})
    provider = TracerProvider(resource=resource)
    if settings.otlp_endpoint is not None:
        spans, reader = _exporting(settings.otlp_endpoint)
        provider.add_span_processor(spans)
        metrics.set_meter_provider(MeterProvider([reader], resource))
    trace.set_tracer_provider(provider)


def _exporting(endpoint: str) -> tuple[SpanProcessor, MetricReader]:
    try:
        from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ExporterMissing from error

    plain = endpoint.startswith("http://")
    return (
        BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, insecure=plain)),
        PeriodicExportingMetricReader(OTLPMetricExporter(endpoint=endpoint, insecure=plain)),
    )


def _add_trace(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event


class LoopLag:
    """Measures how late the event loop wakes up, as the gauge `greenroom.loop.lag`, and reports an overload.

    on_overload: called with each sample: True if the median of the last samples is over `overload_seconds`. One pause,
        such as a garbage collection or a cold import, is not an overload.
    """

    def __init__(self, on_overload: Callable[[bool], None], overload_seconds: float) -> None:
        self._on_overload = on_overload
        self._overload_seconds = overload_seconds
        self._samples: deque[float] = deque(maxlen=_SAMPLES)
        self._gauge = metrics.get_meter(__name__).create_gauge("greenroom.loop.lag", unit="s")
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Measure until `stop`."""
        self._task = asyncio.create_task(self._measure())

    async def stop(self) -> None:
        """Stop measuring."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def record(self, lag: float) -> None:
        """Record one sample, in seconds."""
        self._gauge.set(lag)
        self._samples.append(lag)
        self._on_overload(median(self._samples) > self._overload_seconds)

    async def _measure(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            asleep = clock()
            await asyncio.sleep(_TICK_SECONDS)
            self.record(clock() - asleep - _TICK_SECONDS)
