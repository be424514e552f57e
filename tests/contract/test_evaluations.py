"""Evaluations of batches, sources and conversations, over real gRPC on both databases."""

from collections.abc import AsyncIterator, Sequence
from statistics import mean
from typing import Any

import pytest

from greenroom.client import Client
from greenroom.evaluator.v1 import evaluation_pb2 as pb
from greenroom.synthesizer.v1 import batch_pb2, conversation_pb2, procedure_pb2, source_pb2
from greenroom.type.v1.event_pb2 import Event, UserMessage
from greenroom.type.v1.expectation_pb2 import Expectation, ExpectedToolCall
from tests.scripted import Held, Script, Theatre, calls, ends, leaves, refused, refuses, says, source_line, theatre
from tests.suite import new_stores

Outcome = pb.EvaluationResult
State = pb.Evaluation

FINDS = Expectation(id="finds", called=ExpectedToolCall(tool="find_order"))
LOOKS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[calls("find_order", order="O-7"), says("Sent.")])
FORGETS = Script(persona=[says("Where is O-7?"), leaves("Bye.")], agent=[says("No idea.")])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    stores = new_stores(request)
    folder = tmp_path_factory.mktemp("evaluations")
    url = stores.pop("synthesizer")
    async with theatre(
        url, folder, others={"evaluator": stores["evaluator"]}, model_attempts=1, job_retry_seconds=0.2
    ) as made:
        yield made


async def start_batch(stage: Theatre, *scripts: Script, **fields: Any) -> str:
    """A batch with one conversation for each script."""
    whole = Script(by_index=dict(enumerate(scripts)))
    spec = batch_pb2.BatchSpec(conversation=stage.spec(whole, persona="", **fields), size=len(scripts))
    spec.conversation.tool_config.default_answer.value.struct_value.update({"state": "sent"})
    return (await stage.client.batches.start(spec)).name


async def evaluated(client: Client, spec: pb.EvaluationSpec) -> pb.Evaluation:
    """The evaluation of the spec, once it is over."""
    return await over(client, (await client.evaluations.start(spec)).name)


async def over(client: Client, name: str) -> pb.Evaluation:
    """The evaluation, once it is over."""
    async with client.evaluations.watch(name) as results:
        async for _ in results:
            pass
    assert results.summary is not None
    return results.summary


async def results(client: Client, evaluation: str, **more: Any) -> list[pb.EvaluationResult]:
    return [one async for one in client.evaluations.results(evaluation, **more)]


def outcomes(found: Sequence[pb.EvaluationResult]) -> list[str]:
    return [Outcome.Outcome.Name(one.outcome).removeprefix("OUTCOME_") for one in found]


async def test_a_batch_is_evaluated_by_what_is_expected_of_its_conversations(stage: Theatre) -> None:
    batch = await start_batch(stage, LOOKS, FORGETS, LOOKS)

    done = await evaluated(stage.client, pb.EvaluationSpec(batch=batch, expectations=[FINDS]))

    assert (done.state, done.creator) == (State.STATE_COMPLETED, "developer")
    assert (done.counts.passed, done.counts.failed, done.counts.invalid) == (2, 1, 0)
    found = await results(stage.client, done.name)
    assert outcomes(found) == ["PASSED", "FAILED", "PASSED"]
    assert [one.index for one in found] == [0, 1, 2]
    assert all(0 < one.quality.score <= 100 and one.quality.parts for one in found)
    assert done.quality == pytest.approx(mean(one.quality.score for one in found))
    assert [one.quality async for one in stage.client.evaluations.list() if one.name == done.name] == [done.quality]
    assert [one.id for one in found[1].expectations if one.outcome == pb.ExpectationResult.OUTCOME_MISSED] == ["finds"]
    assert [one.conversation for one in await results(stage.client, done.name, outcome=Outcome.OUTCOME_FAILED)] == [
        found[1].conversation
    ]


async def test_a_batch_is_evaluated_while_it_runs_and_watchers_see_results_as_they_are_stored(stage: Theatre) -> None:
    held = Held(ends("Sorry."))
    batch = await start_batch(stage, LOOKS, Script(agent=[held]))
    started = await stage.client.evaluations.start(pb.EvaluationSpec(batch=batch))

    async with stage.client.evaluations.watch(started.name) as watched:
        first = await anext(aiter(watched))
        assert (first.index, outcomes([first])) == (0, ["PASSED"])
        assert (await stage.client.evaluations.get(started.name)).state == State.STATE_RUNNING
        held.released.set()
        assert [one.index async for one in watched] == [1]
    assert watched.summary is not None
    assert watched.summary.counts.passed == 2


async def test_a_conversation_that_failed_for_the_personas_model_is_invalid_and_a_retry_replaces_it(
    stage: Theatre,
) -> None:
    held = Held(ends("Sorry."))
    batch = await start_batch(
        stage, Script(persona=[refuses(), *LOOKS.persona], agent=LOOKS.agent), Script(agent=[held])
    )
    started = await stage.client.evaluations.start(pb.EvaluationSpec(batch=batch))

    async with stage.client.evaluations.watch(started.name) as watched:
        first = await anext(aiter(watched))
        assert (outcomes([first]), first.reason) == (["INVALID"], "MODEL_REFUSED")
        await stage.client.batches.retry(batch)
        second = await anext(aiter(watched))
        assert (second.index, outcomes([second])) == (0, ["PASSED"])
        held.released.set()
        async for _ in watched:
            pass

    done = await stage.client.evaluations.get(started.name)
    assert (done.counts.passed, done.counts.invalid) == (2, 0)
    found = await results(stage.client, started.name)
    assert outcomes(found) == ["PASSED", "PASSED"]
    assert done.quality == pytest.approx(mean(one.quality.score for one in found))


async def test_a_score_that_was_computed_before_is_reused(stage: Theatre) -> None:
    batch = await start_batch(stage, LOOKS, FORGETS)
    spec = pb.EvaluationSpec(batch=batch, expectations=[FINDS])
    first = await evaluated(stage.client, spec)

    again = await evaluated(stage.client, spec)
    other = await evaluated(stage.client, pb.EvaluationSpec(batch=batch))

    assert [one.counts.reused for one in (first, again, other)] == [0, 2, 0]
    assert first.quality == again.quality == other.quality > 0
    before, after = [await results(stage.client, one.name) for one in (first, again)]
    for one in after:
        assert one.reused
        one.reused = False
    assert before == after


async def test_sources_are_evaluated_with_their_names_and_their_procedures(stage: Theatre) -> None:
    lines = [source_line(f"evaluated-{number}", procedure="orders") for number in range(60)]
    names = await stage.import_sources(*lines)
    wanted = source_pb2.SourceFilter(external_id_prefix="evaluated-")
    refunds = Expectation(id="refunds", called=ExpectedToolCall(tool="refund"))

    done = await evaluated(stage.client, pb.EvaluationSpec(sources=wanted, expectations=[FINDS, refunds]))

    assert done.state == State.STATE_COMPLETED, done.detail
    found = await results(stage.client, done.name)
    assert [one.index for one in found] == list(range(60))
    assert {one.conversation for one in found} == set(names)
    assert {one.procedure for one in found} == {stage.procedure}
    missed = [
        [two.id for two in one.expectations if two.outcome == pb.ExpectationResult.OUTCOME_MISSED] for one in found
    ]
    assert missed == [["refunds"]] * 60


async def test_conversations_are_evaluated_by_name_manual_ones_too(stage: Theatre) -> None:
    played = await stage.play(LOOKS)
    manual = await stage.client.conversations.start(
        conversation_pb2.ConversationSpec(type=conversation_pb2.CONVERSATION_TYPE_MANUAL)
    )
    await stage.client.conversations.append(manual.name, [Event(user_message=UserMessage(text="Hello."))])
    names = pb.ConversationNames(names=[manual.name, played.name])
    async with refused("FAILED_PRECONDITION", "CONVERSATION_UNFINISHED"):
        await stage.client.evaluations.start(pb.EvaluationSpec(conversations=names))
    await stage.client.conversations.finish(manual.name)

    done = await evaluated(stage.client, pb.EvaluationSpec(conversations=names))

    assert done.state == State.STATE_COMPLETED, done.detail
    assert [one.conversation for one in await results(stage.client, done.name)] == [manual.name, played.name]


async def test_expectations_of_the_revision_count_unless_only_those_of_the_spec_do(stage: Theatre) -> None:
    tools = [procedure_pb2.Tool(name="find_order"), procedure_pb2.Tool(name="refund")]
    refunds = Expectation(id="refunds", called=ExpectedToolCall(tool="refund"))
    made = await stage.client.procedures.create(
        procedure_pb2.Procedure(display_name="Strict"),
        procedure_pb2.Revision(instructions="Help.", tools=tools, expectations=[refunds]),
    )
    await stage.client.procedures.mark_ready(made.procedure.name, 1)
    batch = await start_batch(stage, LOOKS, procedure=made.procedure.name)

    whole = await evaluated(stage.client, pb.EvaluationSpec(batch=batch, expectations=[FINDS]))
    only = await evaluated(stage.client, pb.EvaluationSpec(batch=batch, expectations=[FINDS], only_these=True))

    [one] = await results(stage.client, whole.name)
    assert [two.id for two in one.expectations] == ["completed", "end", "again", "refunds", "finds"]
    [one] = await results(stage.client, only.name)
    assert [two.id for two in one.expectations] == ["completed", "end", "again", "finds"]


async def test_an_expectation_about_an_unknown_tool_is_refused_with_the_nearest_name(stage: Theatre) -> None:
    batch = await start_batch(stage, LOOKS)
    wrong = Expectation(called=ExpectedToolCall(tool="find_odrer"))

    async with refused("INVALID_ARGUMENT", "EXPECTATIONS_INVALID") as errors:
        await stage.client.evaluations.start(pb.EvaluationSpec(batch=batch, expectations=[FINDS, wrong]))

    [violation] = errors[0].violations
    assert violation.field == "spec.expectations[1].called.tool"
    assert "find_order" in violation.description


async def test_what_cannot_be_evaluated_is_refused(stage: Theatre) -> None:
    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await stage.client.evaluations.start(pb.EvaluationSpec(batch="batches/none"))
    async with refused("FAILED_PRECONDITION", "NOTHING_TO_EVALUATE"):
        nothing = source_pb2.SourceFilter(external_id="nobody has it")
        await stage.client.evaluations.start(pb.EvaluationSpec(sources=nothing))


async def test_the_same_request_starts_one_evaluation(stage: Theatre) -> None:
    batch = await start_batch(stage, LOOKS)
    spec = pb.EvaluationSpec(batch=batch)

    first = await stage.client.evaluations.start(spec, request_id="one")
    again = await stage.client.evaluations.start(spec, request_id="one")

    assert first.name == again.name


async def test_an_evaluation_is_cancelled_while_it_waits_and_then_deleted(stage: Theatre) -> None:
    held = Held()
    batch = await start_batch(stage, LOOKS, Script(agent=[held]))
    started = await stage.client.evaluations.start(pb.EvaluationSpec(batch=batch))
    async with refused("FAILED_PRECONDITION", "EVALUATION_NOT_OVER"):
        await stage.client.evaluations.delete(started.name)

    await stage.client.evaluations.cancel(started.name)
    done = await over(stage.client, started.name)
    assert done.state == State.STATE_CANCELLED
    async with refused("FAILED_PRECONDITION", "EVALUATION_NOT_RETRIABLE"):
        await stage.client.evaluations.retry(started.name)

    await stage.client.evaluations.delete(started.name)
    async with refused("NOT_FOUND", "EVALUATION_NOT_FOUND"):
        await stage.client.evaluations.get(started.name)
    held.released.set()


async def test_a_batch_that_is_cancelled_meanwhile_leaves_invalid_results(stage: Theatre) -> None:
    held = Held()
    batch = await start_batch(stage, Script(agent=[held]))
    started = await stage.client.evaluations.start(pb.EvaluationSpec(batch=batch))
    await held.begun.wait()

    await stage.client.batches.cancel(batch)
    async with stage.client.batches.watch(batch) as events:
        async for _ in events:
            pass
    done = await over(stage.client, started.name)

    assert (done.state, done.counts.invalid) == (State.STATE_COMPLETED, 1)
