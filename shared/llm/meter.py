"""Measures every call of a provider: latency, tokens and cost, as part of the reply, as a span and as metrics."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Generic

from opentelemetry import metrics, trace
from opentelemetry.metrics import Meter as Metrics
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer

from shared.llm import semconv
from shared.llm.base import ChatReply, ChatRequest
from shared.llm.decorated import Model, Q, R
from shared.llm.embedding import EmbeddingReply, EmbeddingRequest
from shared.llm.prices import Prices

Attributes = dict[str, str]

_TRACER, _METRICS = trace.get_tracer(__name__), metrics.get_meter(__name__)


class Meter(Generic[Q, R]):
    """Adds the price and the milliseconds to each reply, and records a span and metrics; never what was said.

    clock: returns seconds. tracer, metrics: where spans and metrics go.
    """

    def __init__(
        self,
        model: Model[Q, R],
        prices: Prices,
        clock: Callable[[], float] = time.perf_counter,
        tracer: Tracer = _TRACER,
        metrics: Metrics = _METRICS,
    ) -> None:
        self._model: Model[Q, R] = model
        self._prices = prices
        self._clock = clock
        self._tracer = tracer
        self._duration = metrics.create_histogram(
            semconv.CLIENT_DURATION, "s", explicit_bucket_boundaries_advisory=semconv.SECONDS_BUCKETS
        )
        self._first_chunk = metrics.create_histogram(
            semconv.CLIENT_TIME_TO_FIRST_CHUNK, "s", explicit_bucket_boundaries_advisory=semconv.SECONDS_BUCKETS
        )
        self._input = metrics.create_counter(semconv.CLIENT_INPUT_TOKENS, "{token}")
        self._output = metrics.create_counter(semconv.CLIENT_OUTPUT_TOKENS, "{token}")
        self._cached = metrics.create_counter(semconv.CLIENT_CACHE_READ_INPUT_TOKENS, "{token}")
        self._cost = metrics.create_counter("greenroom.model.cost", prices.currency)

    async def complete(self, request: Q) -> R:
        """Answer the request, with `usage.nanos` and `milliseconds`."""
        provider, _, model = request.model.partition(":")
        operation = semconv.CHAT if isinstance(request, ChatRequest) else semconv.EMBEDDINGS
        labels = {
            semconv.OPERATION_NAME: operation,
            semconv.PROVIDER_NAME: provider,
            semconv.REQUEST_MODEL: model,
        }
        # An exception's text may quote what was said, so it is not recorded.
        with self._tracer.start_as_current_span(
            f"{operation} {model}", kind=SpanKind.CLIENT, record_exception=False, set_status_on_exception=False
        ) as span:
            _describe(span, request, labels)
            started = self._clock()
            try:
                reply = await self._model.complete(request)
            except Exception as error:
                labels[semconv.ERROR_TYPE] = getattr(error, "reason", type(error).__name__)
                span.set_attribute(semconv.ERROR_TYPE, labels[semconv.ERROR_TYPE])
                span.set_status(StatusCode.ERROR)
                self._duration.record(self._clock() - started, labels)
                raise
            seconds = self._clock() - started
            milliseconds = round(1000 * seconds)
            usage = replace(reply.usage, nanos=self._prices.of(request.model).of(reply.usage))
            usage = usage.timed(milliseconds, reply.first_token)
            reply = replace(reply, usage=usage, milliseconds=milliseconds)
            self._duration.record(seconds, labels)
            self._record(span, reply, labels)
            return reply

    def _record(self, span: Span, reply: ChatReply | EmbeddingReply, labels: Attributes) -> None:
        usage = reply.usage
        span.set_attributes(
            {
                semconv.USAGE_INPUT_TOKENS: usage.input_tokens,
                semconv.USAGE_OUTPUT_TOKENS: usage.output_tokens,
                semconv.USAGE_CACHE_READ_INPUT_TOKENS: usage.cached_tokens,
            }
        )
        if reply.first_token is not None:
            span.set_attribute(semconv.RESPONSE_TIME_TO_FIRST_CHUNK, reply.first_token / 1000)
            self._first_chunk.record(reply.first_token / 1000, labels)
        self._cost.add(usage.nanos / 1e9, labels)
        of_text = {**labels, semconv.TOKEN_MODALITY: semconv.TEXT}
        self._input.add(usage.input_tokens, of_text)
        self._output.add(usage.output_tokens, of_text)
        self._cached.add(usage.cached_tokens, of_text)


def _describe(span: Span, request: ChatRequest | EmbeddingRequest, labels: Attributes) -> None:
    if not span.is_recording():
        return
    span.set_attributes(labels)
    if isinstance(request, EmbeddingRequest):
        return
    span.set_attributes(
        {
            semconv.CONVERSATION_ID: request.caller.conversation,
            semconv.OUTPUT_TYPE: semconv.TEXT if request.output is None else semconv.JSON,
            semconv.REQUEST_MAX_TOKENS: request.max_tokens,
        }
    )
    if request.temperature is not None:
        span.set_attribute(semconv.REQUEST_TEMPERATURE, request.temperature)
