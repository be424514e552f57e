"""The options that name models, and what the calls of models cost."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Annotated

import typer

from cli.kit import specs
from cli.kit.render import console, facts, print_json
from greenroom.synthesizer.v1.batch_pb2 import EstimateBatchResponse
from greenroom.synthesizer.v1.conversation_pb2 import ConversationSpec
from greenroom.type.v1.usage_pb2 import Usage

Model = Annotated[
    str | None, typer.Option(help="The model of persona and built-in agent, such as openai:gpt-5-mini or offline.")
]

_NANOS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a conversation."""

    model: Model = None
    persona_model: Annotated[str | None, typer.Option(help="The model of the persona alone.")] = None
    agent_model: Annotated[str | None, typer.Option(help="The model of the built-in agent alone.")] = None

    def set(self, spec: ConversationSpec) -> None:
        """Set the models that were named."""
        specs.override(spec, **asdict(self))


def usage_facts(usage: Usage) -> list[tuple[str, str]]:
    """The rows about usage: calls, tokens, and the cost in the currency of the server's price file."""
    cached = f" ({usage.cached_tokens:,} from the provider's cache)" if usage.cached_tokens else ""
    tokens = f"{usage.input_tokens:,} in{cached}, {usage.output_tokens:,} out"
    return [
        ("model calls", f"{usage.model_calls:,}"),
        ("tokens", tokens if usage.input_tokens or usage.output_tokens else ""),
        ("answers", _times(usage)),
        ("cost", f"{usage.nanos / _NANOS:,.4f} by the server's price file" if usage.nanos else ""),
    ]


def _times(usage: Usage) -> str:
    """How long answers took on average, as far as that was measured."""
    if not usage.milliseconds:
        return ""
    told = f"{usage.milliseconds / usage.model_calls / 1000:.2f} s on average"
    if usage.streamed_calls:
        told += f", the first token after {usage.first_token_milliseconds / usage.streamed_calls / 1000:.2f} s"
    return told


def print_estimate(estimate: EstimateBatchResponse, json: bool) -> None:
    """Print what the models of a batch would cost, each as an expected number and its range."""
    if json:
        print_json(estimate)
        return
    calls, read, written, cost = (
        _range(estimate, count)
        for count in (
            lambda usage: f"{usage.model_calls:,}",
            lambda usage: f"{usage.input_tokens:,}",
            lambda usage: f"{usage.output_tokens:,}",
            lambda usage: f"{usage.nanos / _NANOS:,.4f}",
        )
    )
    rows = [
        ("model calls", calls),
        ("tokens in", read),
        ("tokens out", written),
        ("cost", f"{cost} {estimate.currency}"),
    ]
    if estimate.unpriced_models:
        rows.append(("no price for", ", ".join(estimate.unpriced_models)))
    console().print(facts(*rows))


def _range(estimate: EstimateBatchResponse, shown: Callable[[Usage], str]) -> str:
    return f"{shown(estimate.expected)} ({shown(estimate.low)} to {shown(estimate.high)})"
