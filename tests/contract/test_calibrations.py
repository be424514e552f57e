"""Calibrations of batches and of sources, over real gRPC on both databases."""

import random
from collections.abc import AsyncIterator
from typing import Any

import pytest

from greenroom.client import Client
from greenroom.evaluator.v1 import calibration_pb2 as pb
from greenroom.evaluator.v1.evaluation_pb2 import ConversationNames
from greenroom.synthesizer.v1 import batch_pb2, persona_pb2
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from tests.scripted import Script, Theatre, leaves, refused, refuses, says, source_line, theatre
from tests.suite import new_stores

State = pb.Calibration
WORDS = ("the", "lamp", "came", "late", "but", "works", "so", "send", "me", "another", "one", "to", "my", "old", "flat")
HALVES = ("half-0", "half-1")
ASKS = Script(persona=[says("Is it free? And why not?"), leaves("So what does it cost?")], agent=[says("It is free.")])
CURIOUS = persona_pb2.Persona(display_name="Curious Cleo", behaviour_traits=["asks_many_questions", "wants_it_short"])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
async def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Theatre]:
    stores = new_stores(request)
    others = {"evaluator": stores["evaluator"]}
    async with theatre(
        stores.pop("synthesizer"), tmp_path_factory.mktemp("calibrations"), others=others, model_attempts=1
    ) as made:
        draws = random.Random(7)
        for place, half in enumerate(HALVES):
            lines = [person(f"person-{place}-{number}", draws) for number in range(40)]
            await made.import_sources(*lines, labels=[half])
        yield made


def person(external_id: str, draws: random.Random) -> str:
    """A source whose customer says some words at random, and asks now and then."""

    def some_words() -> str:
        said = " ".join(draws.choices(WORDS, k=draws.randint(4, 14)))
        return f"{said}?" if draws.random() < 0.1 else said

    events = [{"user_message": {"text": some_words()}}]
    for _ in range(draws.randint(2, 5)):
        events += [{"agent_message": {"text": "I see."}}, {"user_message": {"text": some_words()}}]
    return source_line(external_id, events=events, resources=[])


def people(*halves: str) -> SourceFilter:
    return SourceFilter(labels=halves)


async def over(client: Client, spec: pb.CalibrationSpec) -> pb.Calibration:
    """The calibration of the spec, once it is over."""
    async with client.calibrations.watch((await client.calibrations.start(spec)).name) as talks:
        async for _ in talks:
            pass
    assert talks.summary is not None
    return talks.summary


async def start_batch(stage: Theatre, size: int, **fields: Any) -> str:
    """A batch whose persona only asks; the first conversation fails for its model."""
    persona = (await stage.client.personas.create(CURIOUS)).name
    script = Script(by_index={0: Script(persona=[refuses()])}, persona=ASKS.persona, agent=ASKS.agent)
    spec = batch_pb2.BatchSpec(conversation=stage.spec(script, persona=""), size=size, **fields)
    spec.personas.add(persona=persona, weight=1)
    return (await stage.client.batches.start(spec)).name


async def test_one_half_of_the_people_is_at_the_floor_from_the_other(stage: Theatre) -> None:
    found = await over(stage.client, pb.CalibrationSpec(sources=people(HALVES[1]), people=people(HALVES[0])))

    assert (found.state, found.people, found.personas, found.left_out) == (State.STATE_COMPLETED, 40, 40, 0)
    [every] = found.groups
    assert not every.differs
    assert every.floor.low <= every.distance.value <= every.floor.high
    assert not found.after_opening


async def test_a_persona_is_told_from_people_in_the_trait_that_it_declares(stage: Theatre) -> None:
    batch = await start_batch(stage, 21)

    found = await over(stage.client, pb.CalibrationSpec(batch=batch, people=people(HALVES[0])))

    assert (found.state, found.people, found.personas, found.left_out) == (State.STATE_COMPLETED, 40, 20, 1)
    _, persona = found.groups
    assert (persona.display_name, persona.conversations) == ("Curious Cleo", 20)
    measures = {one.measure: one for one in persona.measures}
    assert measures["questions"].differs
    assert measures["questions"].shift.low > 0
    assert measures["questions"].personas > measures["questions"].people
    assert [(one.trait, one.measure, one.above, one.shown) for one in persona.traits] == [
        ("asks_many_questions", "questions", True, True),
        ("wants_it_short", "words", False, True),
    ]
    html = b"".join([chunk async for chunk in stage.client.calibrations.render(found.name)]).decode()
    assert html.count("<svg") > len(measures)
    assert "Curious Cleo" in html
    markdown = pb.RenderCalibrationRequest.FORMAT_MARKDOWN
    text = b"".join([chunk async for chunk in stage.client.calibrations.render(found.name, markdown)]).decode()
    assert "| Curious Cleo | asks_many_questions | share of turns that ask above people |" in text


async def test_the_people_of_a_batch_are_its_sources_and_their_openings_do_not_count(stage: Theatre) -> None:
    batch = await start_batch(stage, 21, source_filter=people(HALVES[0]))

    found = await over(stage.client, pb.CalibrationSpec(batch=batch))

    assert (found.state, found.people, found.after_opening) == (State.STATE_COMPLETED, 40, True)
    assert list(found.spec.people.labels) == [HALVES[0]]
    [listed] = [one async for one in stage.client.calibrations.list() if one.name == found.name]
    assert [one.distance for one in listed.groups] == [one.distance for one in found.groups]
    assert not listed.groups[0].measures
    async with stage.client.calibrations.watch(found.name) as talks:
        measured = [one async for one in talks]
    assert [one.person for one in measured] == [False] * 21 + [True] * 40
    assert all(one.after_opening["turns"] == one.whole["turns"] - 1 for one in measured if one.person)


async def test_what_cannot_be_compared_is_refused_or_fails_in_a_sentence(stage: Theatre) -> None:
    start = stage.client.calibrations.start
    played = (await stage.play(ASKS)).name
    async with refused("FAILED_PRECONDITION", "PEOPLE_NOT_SAID"):
        await start(pb.CalibrationSpec(conversations=ConversationNames(names=[played])))
    async with refused("FAILED_PRECONDITION", "PEOPLE_UNKNOWN"):
        await start(pb.CalibrationSpec(batch=await start_batch(stage, 2)))
    async with refused("FAILED_PRECONDITION", "NOTHING_TO_EVALUATE"):
        await start(pb.CalibrationSpec(sources=people(HALVES[0]), people=people("nobody")))

    few = await over(
        stage.client,
        pb.CalibrationSpec(conversations=ConversationNames(names=[played]), people=people(HALVES[0])),
    )

    assert (few.state, few.reason) == (State.STATE_FAILED, "TOO_FEW_TO_COMPARE")
    assert few.detail == (
        "The user says something in 40 conversations of people and 1 of personas; at least 20 and 10 are needed."
    )
    async with refused("FAILED_PRECONDITION", "CALIBRATION_UNFINISHED"):
        async for _ in stage.client.calibrations.render(few.name):
            pass
