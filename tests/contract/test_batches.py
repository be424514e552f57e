"""Batches: their sources, personas and seeds, and that every conversation is played."""

from collections import Counter
from typing import Any

import pytest

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2, source_pb2
from tests.contract.batches import added_up, over, play, results, sources, spec
from tests.scripted import Script, State, Theatre, procedure_line, refused, says

Batch = pb.Batch


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


async def test_agent_messages_that_repeat_earlier_ones_are_counted_for_each_conversation(stage: Theatre) -> None:
    stuck = Script(
        persona=[says("I have none.")],
        agent=[says("What is your order number?"), says("what is  your order number"), says("And your name?")],
    )
    done = await play(stage, Script(by_index={1: stuck}), size=3, max_turns=17)

    rows = await results(stage, done.name)
    assert done.state == Batch.STATE_COMPLETED
    assert [row.repeated_agent_messages for row in rows] == [0, 15, 0]
    assert done.repeated_agent_messages == 15
    assert (await stage.client.conversations.get(rows[1].conversation)).repeated_agent_messages == 15


async def test_a_batch_has_fifty_conversations_with_equal_shares_of_the_built_in_personas_by_default(
    stage: Theatre,
) -> None:
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


async def test_a_named_source_without_a_link_is_refused_and_a_filter_skips_it(stage: Theatre) -> None:
    [loose] = await sources(stage, "loose", 1)

    async with refused("FAILED_PRECONDITION", "SOURCE_NOT_LINKED") as errors:
        wanted = spec(stage, procedure="", sources=[loose], linked_revisions=True)
        await stage.client.batches.start(wanted)
    assert loose in str(errors[0])

    by_filter = source_pb2.SourceFilter(external_id="loose-0")
    async with refused("FAILED_PRECONDITION", "NO_LINKED_SOURCES"):
        wanted = spec(stage, procedure="", source_filter=by_filter, linked_revisions=True)
        await stage.client.batches.start(wanted)

    nothing = source_pb2.SourceFilter(external_id="loose-1")
    async with refused("FAILED_PRECONDITION", "NO_SOURCES"):
        await stage.client.batches.start(spec(stage, source_filter=nothing))


async def test_a_named_source_that_is_not_finished_is_refused_even_if_no_conversation_needs_it(stage: Theatre) -> None:
    named = [*await sources(stage, "fine", 1), *await sources(stage, "going-on", 1, finished=False)]

    for seed in range(4):  # seeds choose different sources
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


async def test_conversations_of_an_earlier_batch_are_played_again_with_their_sources_personas_and_indexes(
    stage: Theatre,
) -> None:
    named = await sources(stage, "again", 3)
    first = await stage.client.batches.start(spec(stage, size=6, sources=named), create_only=True)
    fields: dict[str, Any] = {"sources": [], "size": 0, "again": pb.Again(batch=first.name, indexes=[4, 1])}

    second = await play(stage, **fields)

    def place(row: pb.BatchResult) -> tuple[int, str, str]:
        return row.index, row.source, row.persona

    rows = await results(stage, first.name)
    assert list(map(place, await results(stage, second.name))) == [place(rows[1]), place(rows[4])]
    assert (second.spec.size, list(second.spec.again.indexes)) == (2, [1, 4])


async def test_only_conversations_that_a_batch_has_are_played_again(stage: Theatre) -> None:
    first = await stage.client.batches.start(spec(stage, size=2), create_only=True)

    async with refused("FAILED_PRECONDITION", "CONVERSATIONS_NOT_FOUND"):
        await stage.client.batches.start(spec(stage, size=0, again=pb.Again(batch=first.name, indexes=[2])))
    async with refused("INVALID_ARGUMENT", "SPEC_INVALID") as errors:
        await stage.client.batches.start(spec(stage, size=3, again=pb.Again(batch=first.name, indexes=[1])))
    assert [violation.field for violation in errors[0].violations] == ["spec.size"]
