"""Recorded calls of models: none is made twice, and a batch can be replayed without its model."""

import json
from pathlib import Path

import pytest

from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2
from shared.llm.base import ModelTruncated
from tests.contract import batches
from tests.scripted import Script, State, Theatre, calls, ends, leaves, refused, says, theatre

MODEL = "another"
REPLAY = conversation_pb2.RECORDING_MODE_REPLAY


def script() -> Script:
    """Three turns, with a tool call and an end by the agent."""
    agent = [calls("find_order", order="O-7"), says("It is on its way."), says("Anything else?"), ends("Bye.")]
    return Script(persona=[says("Where is it?"), says("When?"), says("No.")], agent=agent)


async def replay(stage: Theatre, recorded: batch_pb2.Batch) -> batch_pb2.Batch:
    """The same batch again, from its recordings."""
    spec = batch_pb2.BatchSpec()
    spec.CopyFrom(recorded.spec)
    spec.conversation.recording = REPLAY
    return await batches.over(stage, (await stage.client.batches.start(spec)).name)


async def exported(stage: Theatre, batch: str = "") -> list[dict[str, object]]:
    """The exported recordings of a batch."""
    data = b"".join([one.chunk async for one in stage.client.recordings.export(batch=batch)])
    return [json.loads(line) for line in data.splitlines()]


async def test_a_replayed_batch_equals_the_recorded_one_and_calls_no_model(stage: Theatre) -> None:
    played = script()
    recorded = await batches.play(stage, played, model=MODEL, size=3, sources=[stage.source])
    asked = len(played.asked)

    replayed = await replay(stage, recorded)

    assert replayed.counts.completed == 3
    assert len(played.asked) == asked
    before, after = await batches.results(stage, recorded.name), await batches.results(stage, replayed.name)
    assert [one.digest for one in after] == [one.digest for one in before]
    assert replayed.usage == recorded.usage
    events = [event async for event in stage.client.conversations.events(after[0].conversation)]
    assert all(event.model_call.recorded for event in events if event.HasField("model_call"))


async def test_each_call_is_listed_and_exported_with_what_was_asked_and_answered(stage: Theatre) -> None:
    played = script()
    batch = await batches.play(stage, played, model=MODEL, size=1)

    listed = [one async for one in stage.client.recordings.list(batch=batch.name)]

    assert len(listed) == len(played.asked) == batch.usage.model_calls
    assert {(one.batch, one.model, one.attempt, one.failure) for one in listed} == {(batch.name, MODEL, 1, "")}
    assert sum(one.usage.input_tokens for one in listed) == batch.usage.input_tokens
    first, *_ = await exported(stage, batch.name)
    assert first["request"]["model"] == MODEL  # type: ignore[index]
    assert "Where is it?" in first["reply"]["text"]  # type: ignore[index]
    shown = await stage.client.recordings.get(listed[-1].name)
    assert shown.recording == listed[-1]
    assert json.loads(shown.request_json) == first["request"]
    assert json.loads(shown.answer_json)["reply"] == first["reply"]


async def test_a_miss_fails_the_conversation_and_says_what_differs(stage: Theatre) -> None:
    recorded = await batches.play(stage, script(), model=MODEL, size=1)
    spec = batch_pb2.BatchSpec()
    spec.CopyFrom(recorded.spec)
    spec.conversation.recording, spec.conversation.persona_model = REPLAY, "offline"
    nothing = batches.spec(stage, Script(), persona_model="offline", recording=REPLAY, size=1)

    for changed, why in ((nothing, "nothing is recorded for it"), (spec, "the recorded call has the model another")):
        batch = await batches.over(stage, (await stage.client.batches.start(changed)).name)
        [row] = await batches.results(stage, batch.name)
        assert (row.state, row.reason) == (State.STATE_FAILED, "RECORDING_MISSING")
        assert row.detail.startswith("There is no recording of this call of offline for event 3: ")
        assert why in row.detail


async def test_a_failure_of_the_model_is_replayed_and_a_retry_asks_the_model_again(stage: Theatre) -> None:
    truncated = ModelTruncated(model=MODEL, tokens=4096, why="it ran out of tokens")
    played = Script(persona=[says("Hello."), truncated, leaves("Bye.")])
    recorded = await batches.play(stage, played, model=MODEL, size=1)
    assert recorded.counts.failed == 1

    replayed = await replay(stage, recorded)
    [row] = await batches.results(stage, replayed.name)
    assert (row.reason, row.fault) == ("MODEL_TRUNCATED", 2)

    await stage.client.batches.retry(recorded.name)
    assert (await batches.over(stage, recorded.name)).counts.completed == 1
    assert (await replay(stage, recorded)).counts.completed == 1


async def test_a_conversation_without_recording_leaves_none(stage: Theatre) -> None:
    batch = await batches.play(stage, script(), model=MODEL, size=1, recording=conversation_pb2.RECORDING_MODE_LIVE)

    assert [one async for one in stage.client.recordings.list(batch=batch.name)] == []


async def test_recordings_leave_with_their_batch_or_conversation_or_alone(stage: Theatre) -> None:
    batch, other = [await batches.play(stage, script(), model=MODEL, size=1) for _ in range(2)]
    alone = await stage.play(script(), model=MODEL)
    await stage.client.batches.delete(batch.name)
    await stage.client.conversations.delete(alone.name)
    assert await stage.client.recordings.delete(other.name) == other.usage.model_calls

    left = {one.conversation async for one in stage.client.recordings.list()}
    for name in (batch.name, other.name):
        assert [one async for one in stage.client.recordings.list(batch=name)] == []
        async with refused("NOT_FOUND", "RECORDINGS_NOT_FOUND"):
            await stage.client.recordings.delete(name)
    assert alone.name not in left


@pytest.mark.parametrize(
    "line", ["{}", '{"request": 1}', "[" * 5000, '{"request": {"model": "m"}, "reply": {"text": 1}}']
)
async def test_recordings_of_another_server_are_imported_once_and_bad_lines_are_named(
    stage: Theatre, tmp_path: Path, line: str
) -> None:
    played = script()
    recorded = await batches.play(stage, played, model=MODEL, size=2)
    lines = await exported(stage, recorded.name)
    path = tmp_path / "recordings.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in lines) + line + "\n")

    async with theatre("sqlite", tmp_path / "other") as other:
        first, second = [await other.client.recordings.import_file(path) for _ in range(2)]
        assert (first.imported, first.refused, second.unchanged) == (len(lines), 1, len(lines))
        assert first.problems[0].line == len(lines) + 1
        assert await exported(other) == lines
