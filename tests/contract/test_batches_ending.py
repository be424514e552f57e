"""Batches in which something fails, is retried, started later or cancelled."""

import asyncio

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.type.v1 import event_pb2
from tests.contract.batches import REFUSING, added_up, conversations, over, play, results, spec
from tests.scripted import Held, Script, State, Theatre, kinds, leaves, refused, refuses, says

Batch = pb.Batch


async def test_one_failure_never_fails_the_batch_and_is_retried_alone(stage: Theatre) -> None:
    script = Script(by_index={1: REFUSING})
    done = await play(stage, script)

    assert (done.state, done.counts) == (Batch.STATE_COMPLETED, pb.BatchCounts(completed=3, failed=1))
    [failed] = [row async for row in stage.client.batches.results(done.name, state=State.STATE_FAILED)]
    assert (failed.index, failed.reason, failed.fault) == (1, "MODEL_REFUSED", event_pb2.FAULT_PERSONA_MODEL)
    assert failed.detail
    before = await results(stage, done.name)

    again = await stage.client.batches.retry(done.name)
    assert again.state in (Batch.STATE_RUNNING, Batch.STATE_COMPLETED)
    assert added_up(again.counts) == 4

    completed = await over(stage, done.name)
    assert (completed.state, completed.counts) == (Batch.STATE_COMPLETED, pb.BatchCounts(completed=4))
    after = await results(stage, done.name)
    assert [row for row in after if row.index != 1] == [row for row in before if row.index != 1]
    assert (await stage.client.conversations.get(failed.conversation)).attempt == 2


async def test_retrying_one_conversation_makes_its_batch_run_again(stage: Theatre) -> None:
    held = Held()
    done = await play(stage, Script(by_index={0: Script(persona=[refuses(), held, leaves()]), 1: REFUSING}))
    [first, *_] = await results(stage, done.name)

    await stage.client.conversations.retry(first.conversation)
    await held.begun.wait()

    running = await stage.client.batches.get(done.name)
    assert (running.state, running.HasField("end_time")) == (Batch.STATE_RUNNING, False)
    assert running.counts == pb.BatchCounts(completed=2, failed=1, generating=1)
    held.released.set()
    assert (await over(stage, done.name)).counts == pb.BatchCounts(completed=3, failed=1)


async def test_a_retry_that_is_sent_twice_resumes_each_conversation_once(stage: Theatre) -> None:
    held = Held()
    done = await play(stage, Script(by_index={0: Script(persona=[refuses(), held, leaves()])}))

    await stage.client.batches.retry(done.name)
    await held.begun.wait()
    again = await stage.client.batches.retry(done.name)

    assert (again.state, again.counts) == (Batch.STATE_RUNNING, pb.BatchCounts(completed=3, generating=1))
    held.released.set()
    assert (await over(stage, done.name)).counts == pb.BatchCounts(completed=4)
    assert [row.attempt for row in await conversations(stage, done.name)] == [2, 1, 1, 1]


async def test_what_failed_is_retried_while_the_rest_of_the_batch_still_runs(stage: Theatre) -> None:
    held = Held(leaves())
    started = await stage.client.batches.start(
        spec(stage, Script(by_index={0: REFUSING, 1: Script(persona=[held])}), size=2)
    )
    await held.begun.wait()
    [failed, _] = await results(stage, started.name)
    await stage.over(failed.conversation)

    await stage.client.batches.retry(started.name)

    assert (await stage.over(failed.conversation)).state == State.STATE_COMPLETED
    held.released.set()
    assert (await over(stage, started.name)).counts == pb.BatchCounts(completed=2)


async def test_retrying_a_batch_in_which_nothing_failed_changes_nothing(stage: Theatre) -> None:
    done = await play(stage)

    assert await stage.client.batches.retry(done.name) == done


async def test_a_created_one_runs_only_after_run(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage), create_only=True)
    assert (created.state, created.counts) == (Batch.STATE_CREATED, pb.BatchCounts(created=4))
    [row, *_] = await results(stage, created.name)
    async with refused("FAILED_PRECONDITION", "CONVERSATION_OF_BATCH"):
        await stage.client.conversations.run(row.conversation)
    watch = stage.client.batches.watch(created.name)
    first = await anext(watch)

    await stage.client.batches.run(created.name)

    seen = [first, *[event async for event in watch]]
    assert watch.summary is not None
    assert watch.summary == await stage.client.batches.run(created.name)
    by_conversation: dict[str, list[event_pb2.Event]] = {}
    for event in seen:
        by_conversation.setdefault(event.conversation, []).append(event)
    assert len(by_conversation) == 4
    for name, events in by_conversation.items():
        assert events == await stage.events(name)


async def test_the_sum_of_the_counts_is_always_the_size(stage: Theatre) -> None:
    started = await stage.client.batches.start(spec(stage, Script(by_index={3: REFUSING}), size=20))

    async with stage.client.batches.watch(started.name) as events:
        async for _ in events:
            seen = await stage.client.batches.get(started.name)
            assert added_up(seen.counts) == 20
            going_on = seen.counts.created + seen.counts.pending + seen.counts.generating
            assert (going_on == 0) == (seen.state == Batch.STATE_COMPLETED)


async def test_each_event_has_the_number_of_turns_so_far(stage: Theatre) -> None:
    held = Held()
    script = Script(persona=[says("a"), says("b"), held, leaves()])
    started = await stage.client.batches.start(spec(stage, script, size=1, max_turns=9))
    await held.begun.wait()

    [row] = await results(stage, started.name)
    assert (row.turns, row.max_turns, row.state) == (2, 9, State.STATE_GENERATING)
    assert (await stage.client.batches.get(started.name)).turns == 2
    held.released.set()
    await over(stage, started.name)


async def test_cancelling_a_batch_ends_waiting_and_running_conversations_only(stage: Theatre) -> None:
    held = Held()
    script = Script(by_index={2: Script(persona=[held])})
    started = await stage.client.batches.start(spec(stage, script))
    await held.begun.wait()
    rows = await results(stage, started.name)
    for row in rows:
        if row.index != 2:
            await stage.over(row.conversation)

    await stage.client.batches.cancel(started.name)

    done = await over(stage, started.name)
    assert (done.state, done.counts) == (Batch.STATE_CANCELLED, pb.BatchCounts(completed=3, cancelled=1))
    assert held.aborted.is_set()
    assert await stage.client.batches.cancel(started.name) == done


async def test_a_created_batch_is_cancelled_without_running(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=30), create_only=True)

    await stage.client.batches.cancel(created.name)

    done = await over(stage, created.name)
    assert (done.state, done.counts) == (Batch.STATE_CANCELLED, pb.BatchCounts(cancelled=30))
    assert done.usage.model_calls == 0
    assert (await stage.client.batches.run(created.name)).state == Batch.STATE_CANCELLED


async def test_cancelling_while_a_batch_is_started_ends_every_conversation_once(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=30), create_only=True)

    await asyncio.gather(stage.client.batches.run(created.name), stage.client.batches.cancel(created.name))

    done = await over(stage, created.name)
    assert done.state == Batch.STATE_CANCELLED
    assert done.counts.completed + done.counts.cancelled == 30
    for row in await results(stage, created.name):
        assert kinds(await stage.events(row.conversation)).count("ended") == 1


async def test_a_completed_batch_is_not_cancelled_and_a_cancelled_one_not_retried(stage: Theatre) -> None:
    done = await play(stage)
    async with refused("FAILED_PRECONDITION", "BATCH_OVER"):
        await stage.client.batches.cancel(done.name)

    held = Held()
    script = Script(by_index={0: REFUSING, 1: Script(persona=[held])})
    started = await stage.client.batches.start(spec(stage, script, size=2))
    await held.begun.wait()
    [failed, _] = await results(stage, started.name)
    await stage.over(failed.conversation)
    await stage.client.batches.cancel(started.name)
    cancelled = await over(stage, started.name)
    async with refused("FAILED_PRECONDITION", "BATCH_NOT_RETRIABLE"):
        await stage.client.batches.retry(started.name)
    async with refused("FAILED_PRECONDITION", "BATCH_CANCELLED"):
        await stage.client.conversations.retry(failed.conversation)
    assert await stage.client.batches.get(started.name) == cancelled


async def test_a_batch_is_over_when_each_of_its_conversations_was_cancelled(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=2), create_only=True)
    for row in await results(stage, created.name):
        await stage.client.conversations.cancel(row.conversation)

    done = await over(stage, created.name)

    assert done.counts == pb.BatchCounts(cancelled=2)
    assert done.state == Batch.STATE_COMPLETED


async def test_conversations_are_started_a_few_at_a_time_and_those_that_are_not_needed_are_left_out(
    stage: Theatre,
) -> None:
    held = Held()
    script = Script(by_index={1: Script(persona=[held, leaves()])})
    created = await stage.client.batches.start(spec(stage, script, size=6), create_only=True)

    await stage.client.batches.run(created.name, first=2)
    await held.begun.wait()
    again = await stage.client.batches.run(created.name, first=2)
    assert (again.state, again.counts.created) == (Batch.STATE_RUNNING, 4)
    await stage.client.batches.run(created.name, first=3)
    await stage.client.batches.cancel(created.name, not_needed=True)
    held.released.set()

    done = await over(stage, created.name)
    assert (done.state, done.counts) == (Batch.STATE_COMPLETED, pb.BatchCounts(completed=3, cancelled=3))
    rows = await results(stage, created.name)
    assert [row.reason for row in rows] == ["USER_LEFT"] * 3 + ["NOT_NEEDED"] * 3
    for follow in (False, True):
        exported = [part.chunk async for part in stage.client.batches.export(created.name, follow=follow)]
        assert b"".join(exported).count(b"\n") == 3, follow
