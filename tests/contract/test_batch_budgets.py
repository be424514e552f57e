"""A batch ends when its models have spent its budget, and keeps what is finished."""

from pathlib import Path

import pytest

from greenroom.client import GreenroomError
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from shared.llm.base import ChatReply
from shared.llm.briefs import AgentBrief
from tests import rehearsals
from tests.contract import batches
from tests.scripted import COST, HELLO, Held, Script, ScriptedModel, State, Theatre, refused, says, theatre
from tests.suite import suite

MODEL = "another"
TOKENS = COST.input_tokens + COST.output_tokens
"""What each scripted reply costs."""
CALLS = len(HELLO) + 1
"""The calls of a conversation of the default script: hello, how can I help, bye."""


async def test_running_conversations_are_cancelled_and_finished_ones_are_kept(stage: Theatre) -> None:
    budget = batch_pb2.Budget(tokens=TOKENS * (2 * CALLS + 1))
    batch = await batches.play(stage, model=MODEL, size=5, max_in_flight=1, budget=budget)

    assert (batch.state, batch.reason) == (batch_pb2.Batch.STATE_CANCELLED, "BUDGET_REACHED")
    assert (batch.counts.completed, batch.counts.cancelled) == (2, 3)
    assert batch.usage.input_tokens + batch.usage.output_tokens == budget.tokens
    cancelled = [row for row in await batches.results(stage, batch.name) if row.state == State.STATE_CANCELLED]
    assert {row.reason for row in cancelled} == {"BUDGET_REACHED"}
    assert f"The budget of {batch.name} is spent: 105 of 105 tokens." in cancelled[0].detail
    async with refused("FAILED_PRECONDITION", "BATCH_NOT_RETRIABLE"):
        await stage.client.batches.retry(batch.name)


async def test_a_budget_of_money_is_spent_by_the_price_file(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text('currency: EUR\nmodels: {"another": {input: 2, output: 10}}')
    each = COST.input_tokens * 2_000 + COST.output_tokens * 10_000
    budget = batch_pb2.Budget(nanos=each * (CALLS + 1))
    async with theatre("sqlite", tmp_path, prices=prices) as stage:
        batch = await batches.play(stage, model=MODEL, size=3, max_in_flight=1, budget=budget)
        rows = await batches.results(stage, batch.name)

    assert (batch.reason, batch.usage.nanos) == ("BUDGET_REACHED", budget.nanos)
    assert (batch.counts.completed, batch.counts.cancelled) == (1, 2)
    cancelled = next(row for row in rows if row.state == State.STATE_CANCELLED)
    assert "is spent: 0.0003 of 0.0003, by the price file." in cancelled.detail


async def test_an_answer_that_could_not_be_used_is_counted_too(stage: Theatre) -> None:
    prose = Script(persona=[ChatReply("I would rather write prose.", usage=COST)])
    batch = await batches.play(stage, prose, model=MODEL, size=1, budget=batch_pb2.Budget(tokens=TOKENS))

    assert (batch.reason, batch.counts.cancelled) == ("BUDGET_REACHED", 1)
    assert batch.usage.input_tokens + batch.usage.output_tokens == TOKENS


async def test_a_batch_that_stays_within_its_budget_completes(stage: Theatre) -> None:
    budget = batch_pb2.Budget(tokens=2 * CALLS * TOKENS)
    batch = await batches.play(stage, model=MODEL, size=2, budget=budget)

    assert (batch.state, batch.reason) == (batch_pb2.Batch.STATE_COMPLETED, "")
    assert batch.spec.budget == budget


async def test_a_replay_spends_nothing(stage: Theatre) -> None:
    recorded = await batches.play(stage, model=MODEL, size=2)
    spec = batch_pb2.BatchSpec()
    spec.CopyFrom(recorded.spec)
    spec.conversation.recording, spec.budget.tokens = conversation_pb2.RECORDING_MODE_REPLAY, 1

    replayed = await batches.over(stage, (await stage.client.batches.start(spec)).name)

    assert replayed.counts.completed == 2
    assert replayed.usage == recorded.usage


async def test_what_was_spent_before_a_restart_counts(tmp_path: Path) -> None:
    held = Held()
    async with theatre("sqlite", tmp_path) as stage:
        spec = batches.spec(
            stage, Script(agent=[held]), size=1, model=MODEL, budget=batch_pb2.Budget(tokens=2 * TOKENS)
        )
        name = (await stage.client.batches.start(spec)).name
        await held.begun.wait()

    model = ScriptedModel()
    script = model.scripts[spec.conversation.seed] = Script(persona=[says("Go on.")])
    async with suite("sqlite", tmp_path, model=model) as again:
        ended = await rehearsals.over(again.client, name)

    assert (ended.reason, ended.usage.model_calls) == ("BUDGET_REACHED", 2)
    assert [type(request.brief) for request in script.asked] == [AgentBrief]


@pytest.mark.parametrize(
    ("budget", "field"),
    [
        (batch_pb2.Budget(tokens=0), "spec.budget.tokens"),
        (batch_pb2.Budget(nanos=-1), "spec.budget.nanos"),
        (batch_pb2.Budget(), "spec.budget"),
        (batch_pb2.Budget(nanos=1), "spec.budget.nanos"),  # the model has no price
    ],
)
async def test_a_budget_that_means_nothing_is_refused_by_name(
    stage: Theatre, budget: batch_pb2.Budget, field: str
) -> None:
    with pytest.raises(GreenroomError) as caught:
        await stage.client.batches.start(batches.spec(stage, model=MODEL, budget=budget))
    assert caught.value.code == "INVALID_ARGUMENT"
    assert [violation.field for violation in caught.value.violations] == [field]
