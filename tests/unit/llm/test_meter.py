"""What is measured of each call: in the reply, in a span and in metrics."""

from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.llm.base import Caller, ChatReply, ChatRequest, ModelRefused
from shared.llm.meter import Meter
from shared.llm.prices import Price, Prices
from shared.model.events import Usage
from tests.unit.llm.asking import REQUEST, Asked

SECRET = "The customer's own words"
ASKED = replace(REQUEST, system=SECRET, temperature=0.5, caller=Caller("c", "batches/b", "conversations/c"))
SAID = ChatReply(SECRET, usage=Usage(1, 1000, 50, cached_tokens=800), first_token=40)
PRICES = Prices("2026-07-24", "USD", {"acme:*": Price(3_000_000_000, 300_000_000, 15_000_000_000)})
LABELS = {"gen_ai.operation.name": "chat", "gen_ai.provider.name": "acme", "gen_ai.request.model": "small"}


class Observed:
    """A metered model, with its spans and metrics. Each call takes a quarter of a second."""

    def __init__(self, reply: ChatReply | Exception) -> None:
        self._spans, self._reader = InMemorySpanExporter(), InMemoryMetricReader()
        tracers = TracerProvider()
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        ticks = count()
        self._meter = Meter(
            Asked(lambda _: reply),
            PRICES,
            lambda: next(ticks) / 4,
            tracers.get_tracer("test"),
            MeterProvider([self._reader]).get_meter("test"),
        )

    async def complete(self, request: ChatRequest) -> ChatReply:
        return await self._meter.complete(request)

    @property
    def span(self) -> ReadableSpan:
        [span] = self._spans.get_finished_spans()
        return span

    @property
    def metrics(self) -> dict[str, tuple[float, dict[str, Any]]]:
        """The sum and the labels of each metric."""
        data = self._reader.get_metrics_data()
        assert data is not None
        found = {}
        for metric in data.resource_metrics[0].scope_metrics[0].metrics:
            [point] = metric.data.data_points
            total = point.sum if hasattr(point, "sum") else point.value
            found[metric.name] = (total, dict(point.attributes or {}))
        return found


async def test_the_reply_says_its_cost_and_how_long_it_took() -> None:
    reply = await Observed(SAID).complete(ASKED)
    assert reply == replace(SAID, usage=replace(SAID.usage, nanos=1_590_000).timed(250, 40), milliseconds=250)


async def test_a_span_describes_the_call_without_what_was_said() -> None:
    observed = Observed(SAID)
    await observed.complete(ASKED)

    span = observed.span
    assert (span.name, span.kind.name, span.status.status_code.name) == ("chat small", "CLIENT", "UNSET")
    assert span.attributes == LABELS | {
        "gen_ai.conversation.id": "conversations/c",
        "gen_ai.output.type": "text",
        "gen_ai.request.max_tokens": 4096,
        "gen_ai.request.temperature": 0.5,
        "gen_ai.response.time_to_first_chunk": 0.04,
        "gen_ai.usage.input_tokens": 1000,
        "gen_ai.usage.output_tokens": 50,
        "gen_ai.usage.cache_read.input_tokens": 800,
    }
    assert SECRET not in span.to_json()


async def test_metrics_count_time_tokens_and_money() -> None:
    observed = Observed(SAID)
    await observed.complete(ASKED)

    of_text = LABELS | {"gen_ai.token.modality": "text"}
    assert observed.metrics == {
        "gen_ai.client.inference.duration": (0.25, LABELS),
        "gen_ai.client.inference.time_to_first_chunk": (0.04, LABELS),
        "gen_ai.client.inference.usage.input_tokens": (1000, of_text),
        "gen_ai.client.inference.usage.output_tokens": (50, of_text),
        "gen_ai.client.inference.usage.cache_read.input_tokens": (800, of_text),
        "greenroom.model.cost": (0.00159, LABELS),
    }


async def test_an_error_is_recorded_by_its_reason_without_its_text() -> None:
    observed = Observed(ModelRefused(model="acme:small", why=SECRET))

    with pytest.raises(ModelRefused):
        await observed.complete(ASKED)

    span = observed.span
    assert span.status.status_code.name == "ERROR"
    assert span.attributes is not None
    assert span.attributes["error.type"] == "MODEL_REFUSED"
    assert SECRET not in span.to_json()
    labels = LABELS | {"error.type": "MODEL_REFUSED"}
    assert observed.metrics == {"gen_ai.client.inference.duration": (0.25, labels)}
