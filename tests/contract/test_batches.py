"""Batches: many conversations from one request, and what they came to."""

import asyncio
import json
from collections import Counter
from typing import Any

import pytest

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2, source_pb2
from greenroom.type.v1 import event_pb2
from shared.rpc.cursors import Position, encode_token
from tests.scripted import (
    Held,
    Script,
    State,
    Theatre,
    kinds,
    leaves,
    procedure_line,
    refused,
    refuses,
    says,
    source_line,
)

Batch = pb.Batch
REFUSING = Script(persona=[refuses(), leaves()])


def spec(stage: Theatre, script: Script | None = None, size: int = 4, **fields: Any) -> pb.BatchSpec:
    """A batch of the theatre's procedure; what is not of the batch is of its conversations."""
    ours = {name: fields.pop(name) for name in list(fields) if name in pb.BatchSpec.DESCRIPTOR.fields_by_name}
    return pb.BatchSpec(conversation=stage.spec(script, persona="", **fields), size=size, **ours)


async def over(stage: Theatre, name: str) -> pb.Batch:
    async with stage.client.batches.watch(name) as events:
        async for _ in events:
            pass
    assert events.summary is not None
    return events.summary


async def play(stage: Theatre, script: Script | None = None, **fields: Any) -> pb.Batch:
    return await over(stage, (await stage.client.batches.start(spec(stage, script, **fields))).name)


async def results(stage: Theatre, name: str) -> list[pb.BatchResult]:
    return [row async for row in stage.client.batches.results(name)]


async def conversations(stage: Theatre, name: str) -> list[conversation_pb2.Conversation]:
    return [await stage.client.conversations.get(row.conversation) for row in await results(stage, name)]


async def sources(stage: Theatre, prefix: str, count: int, **more: Any) -> list[str]:
    return await stage.import_sources(*(source_line(f"{prefix}-{n}", **more) for n in range(count)))


def added_up(counts: pb.BatchCounts) -> int:
    return sum(value for _, value in counts.ListFields())


async def test_all_conversations_of_a_batch_complete(stage: Theatre) -> None:
    done = await play(stage)

    assert (done.state, done.counts) == (Batch.STATE_COMPLETED, pb.BatchCounts(completed=4))
    rows = await results(stage, done.name)
    assert [row.index for row in rows] == [0, 1, 2, 3]
    assert {(row.state, row.reason, row.max_turns) for row in rows} == {(State.STATE_COMPLETED, "USER_LEFT", 20)}
    assert done.turns == sum(row.turns for row in rows) == 8
    assert done.usage.model_calls == sum(row.usage.model_calls for row in rows) == 12
    assert done.usage.input_tokens == sum(row.usage.input_tokens for row in rows) == 120
    assert done.usage.output_tokens == sum(row.usage.output_tokens for row in rows) == 60
    assert done.create_time.ToMilliseconds() <= done.end_time.ToMilliseconds()
    one = await stage.client.conversations.get(rows[2].conversation)
    assert (one.batch, one.index, one.digest, one.creator) == (done.name, 2, rows[2].digest, "developer")


async def test_fifty_unless_told_otherwise_of_the_built_in_personas_alike(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=0), create_only=True)

    assert created.spec.size == added_up(created.counts) == created.counts.created == 50
    cast = Counter(row.persona for row in await results(stage, created.name))
    assert len(cast) == len(created.spec.personas) == 7
    assert set(cast.values()) == {7, 8}


async def test_the_spec_comes_back_with_every_default(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, external_id="b-1"), create_only=True)

    of_each = created.spec.conversation
    assert (of_each.max_turns, of_each.model, of_each.revision) == (20, "offline", 1)
    assert of_each.agent.HasField("procedure_agent")
    assert of_each.epoch.ToJsonString() == "2026-01-05T09:00:00Z"
    assert (created.spec.external_id, created.creator) == ("b-1", "developer")


async def test_the_sources_are_used_alike_and_the_personas_by_weight(stage: Theatre) -> None:
    named = await sources(stage, "alike", 3)
    mix = [
        pb.PersonaShare(persona="personas/busy-bob", weight=3),
        pb.PersonaShare(persona="personas/cold-carl"),
    ]

    created = await stage.client.batches.start(spec(stage, size=8, sources=named, personas=mix), create_only=True)

    rows = await results(stage, created.name)
    assert sorted(Counter(row.source for row in rows).values()) == [2, 3, 3]
    assert {row.source for row in rows} == set(named)
    assert Counter(row.persona for row in rows) == {"personas/busy-bob": 6, "personas/cold-carl": 2}


async def test_the_seed_decides_who_gets_what(stage: Theatre) -> None:
    named = await sources(stage, "seeded", 3)

    async def cast(seed: int) -> list[tuple[str, str]]:
        created = await stage.client.batches.start(spec(stage, size=20, sources=named, seed=seed), create_only=True)
        return [(row.source, row.persona) for row in await results(stage, created.name)]

    first = await cast(1)
    assert await cast(1) == first
    assert await cast(2) != first


async def test_the_same_seed_gives_the_same_transcripts(stage: Theatre) -> None:
    wanted = spec(stage, size=6)
    digests = []
    for _ in range(2):
        stage.model.scripts[wanted.conversation.seed] = Script()
        done = await over(stage, (await stage.client.batches.start(wanted)).name)
        digests.append([row.digest for row in await results(stage, done.name)])

    assert digests[0] == digests[1]
    assert len(set(digests[0])) > 1, "each place has draws of its own"


async def test_sources_by_filter_are_the_finished_ones(stage: Theatre) -> None:
    [procedure] = await stage.import_procedures(procedure_line("filtered"))
    finished = await sources(stage, "filtered-done", 2, procedure="filtered")
    await sources(stage, "filtered-open", 2, procedure="filtered", finished=False)

    done = await play(stage, source_filter=source_pb2.SourceFilter(procedure=procedure))

    assert {row.source for row in await results(stage, done.name)} == set(finished)


async def test_each_conversation_can_have_the_revision_that_its_source_is_linked_to(stage: Theatre) -> None:
    one, two = await stage.import_procedures(procedure_line("linked-1"), procedure_line("linked-2"))
    named = await sources(stage, "linked-a", 1, procedure="linked-1")
    named += await sources(stage, "linked-b", 1, procedure="linked-2")

    done = await play(stage, procedure="", sources=named, linked_revisions=True)

    rows = await results(stage, done.name)
    assert {(row.source, row.procedure, row.revision) for row in rows} == {(named[0], one, 1), (named[1], two, 1)}


async def test_a_named_source_without_a_link_is_refused_and_by_filter_left_out(stage: Theatre) -> None:
    [loose] = await sources(stage, "loose", 1)

    async with refused("FAILED_PRECONDITION", "SOURCE_NOT_LINKED") as errors:
        wanted = spec(stage, procedure="", sources=[loose], linked_revisions=True)
        await stage.client.batches.start(wanted)
    assert loose in str(errors[0])

    by_filter = source_pb2.SourceFilter(external_id="loose-0")
    async with refused("FAILED_PRECONDITION", "NO_SOURCES"):
        wanted = spec(stage, procedure="", source_filter=by_filter, linked_revisions=True)
        await stage.client.batches.start(wanted)


async def test_a_named_source_that_is_not_finished_is_refused_even_if_no_conversation_needs_it(stage: Theatre) -> None:
    named = [*await sources(stage, "fine", 1), *await sources(stage, "going-on", 1, finished=False)]

    for seed in range(4):  # whichever of the two the seed takes
        async with refused("FAILED_PRECONDITION", "SOURCE_NOT_FINISHED"):
            await stage.client.batches.start(spec(stage, size=1, sources=named, seed=seed))


@pytest.mark.parametrize(
    ("fields", "code", "reason", "field"),
    [
        ({"size": -1}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.size"),
        ({"size": 10_001}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.size"),
        ({"source": "sources/x"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.conversation.source"),
        ({"persona": "personas/busy-bob"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.conversation.persona"),
        (
            {"based_on": conversation_pb2.BasedOn(conversation="conversations/x", seq=1)},
            "INVALID_ARGUMENT",
            "SPEC_INVALID",
            "spec.conversation.based_on",
        ),
        (
            {"type": conversation_pb2.CONVERSATION_TYPE_MANUAL},
            "INVALID_ARGUMENT",
            "SPEC_INVALID",
            "spec.conversation.type",
        ),
        (
            {"sources": ["sources/x"], "source_filter": source_pb2.SourceFilter()},
            "INVALID_ARGUMENT",
            "SPEC_INVALID",
            "spec.source_filter",
        ),
        ({"linked_revisions": True}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.linked_revisions"),
        ({"sources": ["sources/x", "sources/x"]}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.sources"),
        ({"sources": ["sources/none"]}, "NOT_FOUND", "SOURCE_NOT_FOUND", None),
        ({"personas": [pb.PersonaShare(persona="personas/none")]}, "NOT_FOUND", "PERSONA_NOT_FOUND", None),
        (
            {"personas": [pb.PersonaShare(persona="personas/busy-bob", weight=-1)]},
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            "spec.personas[0].weight",
        ),
        (
            {"personas": [pb.PersonaShare(persona="personas/busy-bob", weight=float("nan"))]},
            "INVALID_ARGUMENT",
            "INVALID_ARGUMENT",
            "spec.personas[0].weight",
        ),
        ({"max_turns": 1000}, "INVALID_ARGUMENT", "INVALID_ARGUMENT", "spec.conversation.max_turns"),
        ({"model": "gpt-9"}, "INVALID_ARGUMENT", "SPEC_INVALID", "spec.conversation.model"),
    ],
)
async def test_a_spec_that_is_wrong_is_refused_and_the_field_named(
    stage: Theatre, fields: dict[str, Any], code: str, reason: str, field: str | None
) -> None:
    wanted = spec(stage, **{name: value for name, value in fields.items() if name != "persona"})
    wanted.conversation.persona = fields.get("persona", "")

    async with refused(code, reason) as errors:
        await stage.client.batches.start(wanted)

    assert field is None or field in [violation.field for violation in errors[0].violations]


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


async def test_one_that_is_only_created_runs_when_it_is_let(stage: Theatre) -> None:
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


async def test_counts_always_add_up(stage: Theatre) -> None:
    started = await stage.client.batches.start(spec(stage, Script(by_index={3: REFUSING}), size=20))

    async with stage.client.batches.watch(started.name) as events:
        async for _ in events:
            seen = await stage.client.batches.get(started.name)
            assert added_up(seen.counts) == 20
            going_on = seen.counts.created + seen.counts.pending + seen.counts.generating
            assert (going_on == 0) == (seen.state == Batch.STATE_COMPLETED)


async def test_progress_is_the_turn_of_so_many(stage: Theatre) -> None:
    held = Held()
    script = Script(persona=[says("a"), says("b"), held, leaves()])
    started = await stage.client.batches.start(spec(stage, script, size=1, max_turns=9))
    await held.begun.wait()

    [row] = await results(stage, started.name)
    assert (row.turns, row.max_turns, row.state) == (2, 9, State.STATE_GENERATING)
    assert (await stage.client.batches.get(started.name)).turns == 2
    held.released.set()
    await over(stage, started.name)


async def test_cancelling_ends_what_waits_and_what_runs_and_keeps_what_is_over(stage: Theatre) -> None:
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


async def test_a_created_batch_is_cancelled_at_once_and_never_runs(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=30), create_only=True)

    await stage.client.batches.cancel(created.name)

    done = await over(stage, created.name)
    assert (done.state, done.counts) == (Batch.STATE_CANCELLED, pb.BatchCounts(cancelled=30))
    assert done.usage.model_calls == 0
    assert (await stage.client.batches.run(created.name)).state == Batch.STATE_CANCELLED


async def test_cancelling_while_it_is_let_run_ends_every_conversation_once(stage: Theatre) -> None:
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


async def test_a_batch_whose_conversations_were_all_cancelled_one_by_one_is_over(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=2), create_only=True)
    for row in await results(stage, created.name):
        await stage.client.conversations.cancel(row.conversation)

    done = await over(stage, created.name)

    assert done.counts == pb.BatchCounts(cancelled=2)
    assert done.state == Batch.STATE_COMPLETED


async def test_the_same_request_returns_the_first_result_and_another_is_refused(stage: Theatre) -> None:
    wanted = spec(stage)
    first = await stage.client.batches.start(wanted, create_only=True, request_id="batch-twice")

    assert await stage.client.batches.start(wanted, create_only=True, request_id="batch-twice") == first
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await stage.client.batches.start(wanted, request_id="batch-twice")

    other = spec(stage)
    at_once = [stage.client.batches.start(other, create_only=True, request_id="batches-at-once") for _ in range(5)]
    assert len({batch.name for batch in await asyncio.gather(*at_once)}) == 1


async def test_the_same_request_makes_nothing_again_when_its_result_was_deleted(stage: Theatre) -> None:
    wanted = spec(stage, size=1)
    first = await stage.client.batches.start(wanted, request_id="batch-then-gone")
    await over(stage, first.name)
    await stage.client.batches.delete(first.name)

    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED") as errors:
        await stage.client.batches.start(wanted, request_id="batch-then-gone")
    assert first.name in str(errors[0])


async def test_batches_are_found_by_state_and_external_id(stage: Theatre) -> None:
    start, list_ = stage.client.batches.start, stage.client.batches.list
    one = await start(spec(stage, external_id="found"), create_only=True)
    two = await start(spec(stage, external_id="found"), create_only=True)

    assert [batch.name async for batch in list_(external_id="found")] == [one.name, two.name]
    created = [batch.name async for batch in list_(state=Batch.STATE_CREATED, external_id="found")]
    assert created == [one.name, two.name]
    assert [batch async for batch in list_(state=Batch.STATE_CANCELLED, external_id="found")] == []
    found = stage.client.conversations.list(conversation_pb2.ConversationFilter(batch=one.name))
    assert [conversation.index async for conversation in found] == [0, 1, 2, 3]


async def test_results_come_page_by_page(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage, size=5), create_only=True)
    stub = stage.client.batches._stub

    first = await stub.ListBatchResults(pb.ListBatchResultsRequest(batch=created.name, page_size=3))
    token = first.next_page_token
    rest = await stub.ListBatchResults(pb.ListBatchResultsRequest(batch=created.name, page_size=3, page_token=token))

    assert [row.index for row in (*first.results, *rest.results)] == [0, 1, 2, 3, 4]
    assert rest.next_page_token == ""


async def test_a_batch_is_deleted_with_all_that_is_its_own(stage: Theatre) -> None:
    [source] = await sources(stage, "of-batch", 1)
    done = await play(stage, sources=[source])
    [row, *_] = await results(stage, done.name)
    async with refused("FAILED_PRECONDITION", "CONVERSATION_REFERENCED"):
        await stage.client.conversations.delete(row.conversation)
    async with refused("FAILED_PRECONDITION", "STILL_REFERRED_TO") as errors:
        await stage.client.sources.delete(source)
    assert done.name in str(errors[0])

    await stage.client.batches.delete(done.name)

    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await stage.client.batches.get(done.name)
    async with refused("NOT_FOUND", "BATCH_NOT_FOUND"):
        await over(stage, done.name)
    async with refused("NOT_FOUND", "CONVERSATION_NOT_FOUND"):
        await stage.events(row.conversation)
    await stage.client.sources.delete(source)


async def test_a_batch_that_is_needed_or_not_over_is_not_deleted(stage: Theatre) -> None:
    created = await stage.client.batches.start(spec(stage), create_only=True)
    async with refused("FAILED_PRECONDITION", "BATCH_NOT_OVER"):
        await stage.client.batches.delete(created.name)

    done = await play(stage)
    [row, *_] = await results(stage, done.name)
    child = await stage.play(based_on=conversation_pb2.BasedOn(conversation=row.conversation, seq=1))
    async with refused("FAILED_PRECONDITION", "BATCH_REFERENCED") as errors:
        await stage.client.batches.delete(done.name)
    assert child.name in str(errors[0])


async def test_cursors_of_other_batches_and_places_are_refused(stage: Theatre) -> None:
    one, other = await play(stage, size=1), await play(stage, size=1)
    watched = stage.client.batches.watch(one.name)
    seen = [event async for event in watched]

    for name, cursor, code, reason in (
        (other.name, watched.cursor, "INVALID_ARGUMENT", "CURSOR_FOREIGN"),
        (one.name, "nonsense", "INVALID_ARGUMENT", "CURSOR_MALFORMED"),
        (one.name, encode_token("batches.watch", one.name, len(seen) + 1), "OUT_OF_RANGE", "CURSOR_EXPIRED"),
    ):
        async with refused(code, reason):
            await anext(stage.client.batches.watch(name, cursor=cursor))
    assert [event async for event in stage.client.batches.watch(one.name, cursor=watched.cursor)] == []


async def exported(stage: Theatre, name: str, cursor: str = "") -> list[pb.ExportTranscriptsResponse]:
    return [response async for response in stage.client.batches.export(name, cursor=cursor)]


async def test_transcripts_are_exported_as_lines_in_the_order_of_their_places(stage: Theatre) -> None:
    done = await play(stage, Script(by_index={1: REFUSING}))

    data = b"".join(response.chunk for response in await exported(stage, done.name))

    lines = [json.loads(line) for line in data.splitlines()]
    assert [line["conversation"].get("index", 0) for line in lines] == [0, 1, 2, 3]
    rows = await results(stage, done.name)
    assert [line["conversation"]["name"] for line in lines] == [row.conversation for row in rows]
    assert lines[1]["conversation"]["ended"]["reason"] == "MODEL_REFUSED"
    kinds_ = kinds(await stage.events(rows[0].conversation))
    assert [kind for event, kind in zip(lines[0]["events"], kinds_, strict=True) if kind in event] == kinds_
    assert data.endswith(b"\n")


async def test_an_export_goes_on_from_every_cursor_even_within_a_line(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await play(stage, size=3)
    whole = b"".join(response.chunk for response in await exported(stage, done.name))
    monkeypatch.setattr("services.synthesizer.api.exporting.CHUNK_BYTES", 1_000)

    responses = await exported(stage, done.name)

    assert b"".join(response.chunk for response in responses) == whole
    assert all(len(response.chunk) <= 1_000 for response in responses)
    assert len(responses) > 5
    had = b""
    for response in responses:
        had += response.chunk
        rest = await exported(stage, done.name, response.cursor)
        assert had + b"".join(one.chunk for one in rest) == whole


async def test_an_export_does_not_go_on_in_a_line_that_a_retry_changed(
    stage: Theatre, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = await play(stage, Script(by_index={0: REFUSING}), size=2)
    monkeypatch.setattr("services.synthesizer.api.exporting.CHUNK_BYTES", 500)
    [first, *_] = await exported(stage, done.name)
    await stage.client.batches.retry(done.name)
    await over(stage, done.name)

    async with refused("OUT_OF_RANGE", "CURSOR_EXPIRED"):
        await exported(stage, done.name, first.cursor)
    other = await play(stage, size=1)
    async with refused("INVALID_ARGUMENT", "CURSOR_FOREIGN"):
        await exported(stage, other.name, first.cursor)
    other_id = other.name.removeprefix("batches/")
    places: list[Position] = ["x", True, [0, 1], [True, 1, 1], [0, 1, -1], [other.spec.size, 1, 0]]
    for place in places:
        async with refused("INVALID_ARGUMENT", "CURSOR_MALFORMED") as errors:
            await exported(stage, other.name, encode_token("batches.export", other_id, place))
        assert [violation.field for violation in errors[0].violations] == ["cursor"]
