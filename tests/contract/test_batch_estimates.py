"""What a batch would cost is told before it starts."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from greenroom.client import GreenroomError
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from greenroom.type.v1.usage_pb2 import Usage as UsageMessage
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from shared.llm.base import ChatReply, ChatRequest
from shared.llm.recorder import answer_json, request_json
from shared.model.events import Usage
from tests.rehearsals import batch_spec, import_rehearsal, over
from tests.suite import Suite, suite

MODEL = "another"
PRICES = """
date: 2026-01-01
currency: EUR
models:
  another: {input: 2, output: 10}
"""


class Counting:
    """The offline model, which says that a token is four characters of a request or an answer as JSON."""

    def __init__(self) -> None:
        self._model = AsyncOfflineModel()

    async def complete(self, request: ChatRequest) -> ChatReply:
        """Answer the request."""
        reply = await self._model.complete(request)
        usage = Usage(1, len(json.dumps(request_json(request))) // 4, len(json.dumps(answer_json(reply))) // 4)
        return replace(reply, usage=usage)


@pytest.fixture(scope="module")
async def counted(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    folder = tmp_path_factory.mktemp("estimates")
    (folder / "prices.yaml").write_text(PRICES)
    async with suite("sqlite", folder, model=Counting(), prices=folder / "prices.yaml") as running:
        await import_rehearsal(running.client, folder)
        yield running


def spec(**fields: object) -> batch_pb2.BatchSpec:
    made = batch_spec(20)
    made.conversation.MergeFrom(conversation_pb2.ConversationSpec(**({"model": MODEL} | fields)))  # type: ignore[arg-type]
    return made


def tokens(usage: UsageMessage) -> int:
    return usage.input_tokens + usage.output_tokens


async def test_an_estimate_is_within_a_factor_of_two_of_what_the_batch_then_costs(counted: Suite) -> None:
    estimate = await counted.client.batches.estimate(spec())

    paid = (await over(counted.client, (await counted.client.batches.start(spec())).name)).usage

    for expected, real in ((tokens(estimate.expected), tokens(paid)), (estimate.expected.nanos, paid.nanos)):
        assert real / 2 <= expected <= real * 2
    assert tokens(estimate.low) < tokens(paid) < tokens(estimate.high)
    assert (estimate.currency, list(estimate.unpriced_models)) == ("EUR", [])


async def test_an_estimate_grows_with_the_size_and_starts_nothing(counted: Suite) -> None:
    before = [batch.name async for batch in counted.client.batches.list()]
    small, large = spec(), spec()
    large.size = 10 * small.size

    few, many = [(await counted.client.batches.estimate(one)).expected for one in (small, large)]

    assert 9 < many.nanos / few.nanos < 11
    assert [batch.name async for batch in counted.client.batches.list()] == before


async def test_what_calls_no_paid_model_is_estimated_to_cost_nothing(counted: Suite) -> None:
    replay = spec(recording=conversation_pb2.RECORDING_MODE_REPLAY)
    assert (await counted.client.batches.estimate(replay)).high == UsageMessage()

    own = conversation_pb2.AgentTarget(grpc=conversation_pb2.GrpcAgent(address="127.0.0.1:1"))
    both_sides = await counted.client.batches.estimate(spec(agent=own, persona_target=own))
    assert both_sides.high == UsageMessage()

    only_agent = await counted.client.batches.estimate(spec(persona_model=MODEL, agent_model="offline"))
    assert list(only_agent.unpriced_models) == ["offline"]


async def test_what_cannot_be_started_is_not_estimated(counted: Suite) -> None:
    with pytest.raises(GreenroomError) as caught:
        await counted.client.batches.estimate(spec(model="nobody:small"))
    assert [violation.field for violation in caught.value.violations] == ["spec.conversation.model"]
