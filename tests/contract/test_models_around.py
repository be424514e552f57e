"""What stands around the models of a provider, seen by a caller: refusals are waited for, and calls have prices."""

import asyncio
from dataclasses import replace
from pathlib import Path

from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from shared.llm.base import ModelUnavailable
from tests.contract import batches
from tests.scripted import COST, Script, leaves, says, theatre

PRICES = 'currency: EUR\nmodels: {"offline": {input: 2, output: 10}}'
"""The scripted model stands where the offline model does."""


def throttled(retry_after: float = 0.0) -> ModelUnavailable:
    """The provider refuses a call because it was asked too often."""
    error = ModelUnavailable(model="scripted", why="it answered 429")
    error.throttled, error.retry_after = True, retry_after
    return error


async def test_a_throttled_conversation_completes_and_costs_what_was_answered(tmp_path: Path) -> None:
    prices = tmp_path / "prices.yaml"
    prices.write_text(PRICES)
    refusals = [throttled() for _ in range(20)]
    script = Script(persona=[*refusals, says("Hello."), leaves("Bye.")], agent=[*refusals, says("Hi.")])
    async with theatre("sqlite", tmp_path, prices=prices, model_attempts=1) as stage:
        done = await stage.play(script)
        events = await stage.events(done.name)

    each = COST.input_tokens * 2_000 + COST.output_tokens * 10_000
    assert [event.usage.nanos for event in events if event.usage.model_calls] == [each] * 3
    assert (done.usage.model_calls, done.usage.nanos) == (3, 3 * each)


async def test_a_batch_says_what_its_calls_wait_for_until_it_is_cancelled(tmp_path: Path) -> None:
    script = Script(persona=[throttled(retry_after=20.0)])
    async with theatre("sqlite", tmp_path) as stage, asyncio.timeout(60):
        name = (await stage.client.batches.start(batches.spec(stage, script, size=3))).name
        batch = await stage.client.batches.get(name)
        while sum(one.calls for one in batch.waiting) < 3:
            batch = await stage.client.batches.get(name)
        [one, *_] = await batches.conversations(stage, name)
        await stage.client.batches.cancel(name)
        ended = await batches.over(stage, name)

    [waiting] = batch.waiting
    assert (waiting.whom, waiting.why) == ("offline", "it answered 429")
    assert 0 < waiting.next_try_in.ToSeconds() <= 20
    assert [(waits.why, waits.calls) for waits in one.waiting] == [("it answered 429", 1)]
    assert ended.counts.cancelled == 3
    assert not ended.waiting


async def test_a_batch_says_how_long_its_answers_and_their_first_tokens_took(tmp_path: Path) -> None:
    agent = [replace(says(text), first_token=milliseconds) for text, milliseconds in (("Hi.", 40), ("Yes.", 60))]
    script = Script(persona=[says("Hello?"), says("Really?"), leaves("Bye.")], agent=agent)
    async with theatre("sqlite", tmp_path) as stage:
        done = await batches.play(stage, script, size=2)
        again = batch_pb2.BatchSpec()
        again.CopyFrom(done.spec)
        again.conversation.recording = conversation_pb2.RECORDING_MODE_REPLAY
        replayed = await batches.over(stage, (await stage.client.batches.start(again)).name)

    assert (done.usage.model_calls, done.usage.streamed_calls, done.usage.first_token_milliseconds) == (10, 4, 200)
    assert replayed.usage == done.usage
