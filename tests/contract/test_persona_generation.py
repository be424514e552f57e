"""GeneratePersonas: from a description or from sources, each persona stored whole or reported."""

import json
from pathlib import Path
from typing import Any

from greenroom.synthesizer.v1.persona_pb2 import GeneratePersonasRequest, GeneratePersonasResponse, Personality
from greenroom.synthesizer.v1.source_pb2 import SourceFilter
from shared.llm.base import ModelUnavailable
from tests.scripted import Line, Script, Theatre, answers, refused, refuses, source_line
from tests.suite import EXAMPLES, suite
from tests.unit.synthesizer.test_persona_generation import DRAFT

SEED = 77


def drafts(*changes: dict[str, Any]) -> Line:
    """An answer with a draft for each of the changes."""
    return answers(json.dumps({"personas": [DRAFT | change for change in changes]}))


def named(name: str, **more: Any) -> dict[str, Any]:
    """A draft that has nothing in common with others."""
    words = ("description", "occupation", "location", "goal")
    return {"display_name": name} | {field: f"{name}'s {field} {name}{field}" for field in words} | more


async def generate(stage: Theatre, *lines: Line, **request: Any) -> list[GeneratePersonasResponse]:
    """What a generation streams while its model answers with the lines."""
    stage.model.scripts[SEED] = Script(agent=lines)
    fields: dict[str, Any] = {"model": "another", "seed": SEED} | request
    asked = GeneratePersonasRequest(**fields)
    return [response async for response in stage.client.personas.generate(asked)]


async def test_personas_of_a_description_are_stored_with_their_origin(stage: Theatre) -> None:
    lines = [drafts(named("Ada"), named("Bo"))]

    first, second, last = await generate(stage, *lines, description="Angry travellers", count=2, language="Dutch")

    assert (last.summary.stored, last.summary.rejected, last.summary.usage.model_calls) == (2, 0, 1)
    assert await stage.client.personas.get(first.persona.name) == first.persona
    assert (second.persona.display_name, second.persona.language) == ("Bo", "Dutch")
    origin = second.persona.origin
    assert (origin.model, origin.description, origin.source) == ("another", "Angry travellers", "")
    assert len(origin.prompt) == 12
    [request] = stage.model.scripts[SEED].asked
    assert "Angry travellers" in request.system
    assert "Dutch" in request.system
    assert request.output is not None


async def test_rejected_drafts_are_reported_and_others_take_their_place(stage: Theatre) -> None:
    lines = [
        answers("I would rather not."),
        drafts(named("Cy"), named("Cy"), {"display_name": "Di", "tone": 7}),
        drafts(named("Eve"), named("Flo")),
    ]

    told = await generate(stage, *lines, description="Anybody", count=3)

    assert [one.WhichOneof("outcome") for one in told] == [
        "rejected", "persona", "rejected", "rejected", "persona", "persona", "summary",
    ]  # fmt: skip
    rejected = [one.rejected for one in told if one.HasField("rejected")]
    assert [one.reason for one in rejected] == ["ANSWER_UNUSABLE", "NEAR_DUPLICATE", "DRAFT_INVALID"]
    assert "I would rather not." in rejected[0].detail
    assert (rejected[2].display_name, rejected[2].detail) == ("Di", "Its tone must be a text.")
    mine = [one.display_name async for one in stage.client.personas.list() if one.HasField("origin")]
    assert not {"Di"} & set(mine)


async def test_a_model_that_never_answers_as_it_should_ends_with_a_summary(stage: Theatre) -> None:
    told = await generate(stage, answers("{"), description="Anybody", count=1)

    assert {one.rejected.reason for one in told[:-1]} == {"ANSWER_UNUSABLE"}
    assert (told[-1].summary.stored, told[-1].summary.rejected) == (0, len(told) - 1)


async def test_an_outage_ends_the_call_and_keeps_what_was_stored(stage: Theatre) -> None:
    down = ModelUnavailable(model="scripted", why="it is down")
    five = drafts(*(named(f"Kept{number}") for number in range(5)))

    async with refused("UNAVAILABLE", "MODEL_UNAVAILABLE"):
        await generate(stage, five, down, description="Anybody", count=6)

    kept = [one.display_name async for one in stage.client.personas.list()]
    assert {f"Kept{number}" for number in range(5)} <= set(kept)


async def test_a_repeated_request_streams_the_same_personas_and_asks_no_model(stage: Theatre) -> None:
    lines = [drafts(named("Hal"), named("Hal"), named("Ira")), drafts(named("Jo"))]
    request: dict[str, Any] = {"description": "Anybody", "count": 3, "request_id": "three"}

    first = await generate(stage, *lines, **request)
    again = await generate(stage, **request)

    assert again == first
    assert not stage.model.scripts[SEED].asked
    async with refused("ALREADY_EXISTS", "REQUEST_ID_REUSED"):
        await generate(stage, **request | {"count": 4})
    await stage.client.personas.delete(first[0].persona.name)
    async with refused("FAILED_PRECONDITION", "REQUEST_RESULT_DELETED"):
        await generate(stage, **request)


async def test_a_request_that_was_cut_short_goes_on_without_asking_again_what_was_answered(stage: Theatre) -> None:
    down = ModelUnavailable(model="scripted", why="it is down")
    five = drafts(*(named(f"Half{number}") for number in range(5)))
    request: dict[str, Any] = {"description": "Anybody", "count": 6, "request_id": "six"}
    async with refused("UNAVAILABLE", "MODEL_UNAVAILABLE"):
        await generate(stage, five, down, **request)

    told = await generate(stage, drafts(named("Whole")), **request)

    names = [one.persona.display_name for one in told[:-1]]
    assert names == [*(f"Half{number}" for number in range(5)), "Whole"]
    assert (told[-1].summary.stored, told[-1].summary.usage.model_calls) == (6, 2)
    assert len(stage.model.scripts[SEED].asked) == 1
    mine = [one.display_name async for one in stage.client.personas.list()]
    assert len([name for name in mine if name in names]) == 6


async def test_traits_are_measured_in_the_sources_and_not_imagined(stage: Theatre) -> None:
    shouting = [{"user_message": {"text": text}} for text in ("WHERE IS IT!!", "I WANT IT NOW!!", "NO WAY!!")]
    [source] = await stage.import_sources(source_line("s-shouts", events=shouting, resources=[]))

    made, _ = await generate(stage, drafts(named("Gil", tone="friendly")), sources=[source], count=1)

    persona = made.persona
    assert (persona.display_name, persona.personality.tone) == ("Gil", "angry")
    assert persona.personality.response_length == Personality.RESPONSE_LENGTH_SHORT
    assert "uses_exclamation_marks" in persona.behaviour_traits
    assert "writes_in_capital_letters" in persona.behaviour_traits
    assert persona.goal == ""
    assert persona.origin.source == source
    assert "uses exclamation marks" in stage.model.scripts[SEED].asked[0].system


async def test_what_cannot_be_generated_is_refused_by_name(stage: Theatre) -> None:
    nowhere = SourceFilter(external_id="nowhere")
    for request, code, reason in (
        ({"description": " "}, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ({"description": "x", "model": "acme:small"}, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ({"sources": ["sources/none"]}, "NOT_FOUND", "SOURCE_NOT_FOUND"),
        ({"source_filter": nowhere}, "FAILED_PRECONDITION", "NOTHING_TO_GENERATE_FROM"),
        ({"sources": [stage.source], "source_filter": nowhere}, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
        ({"description": "x", "band": 0.9}, "INVALID_ARGUMENT", "INVALID_ARGUMENT"),
    ):
        async with refused(code, reason):
            await generate(stage, **request)
    async with refused("FAILED_PRECONDITION", "MODEL_REFUSED"):
        await generate(stage, refuses(), description="x")


async def test_the_offline_model_draws_personas_from_sources_and_from_nothing_else(tmp_path: Path) -> None:
    async with suite("sqlite", tmp_path) as greenroom:
        await greenroom.client.sources.import_file(EXAMPLES / "sources.jsonl")
        request = GeneratePersonasRequest(source_filter=SourceFilter(), count=3)

        told = [response async for response in greenroom.client.personas.generate(request)]

        made = [one.persona for one in told if one.HasField("persona")]
        assert (len(made), told[-1].summary.stored) == (3, 3)
        assert len({(one.personality.tone, tuple(one.behaviour_traits)) for one in made}) == 3
        assert {one.language for one in made} == {"English"}
        assert all(one.origin.source.startswith("sources/") for one in made)
        async with refused("FAILED_PRECONDITION", "OFFLINE_NEEDS_SOURCES"):
            _ = [one async for one in greenroom.client.personas.generate(GeneratePersonasRequest(description="Bob"))]
        async with refused("INVALID_ARGUMENT", "INVALID_ARGUMENT") as errors:
            request.description = "Bob"
            _ = [one async for one in greenroom.client.personas.generate(request)]
    assert [one.field for one in errors[0].violations] == ["description"]


async def test_the_offline_model_stops_with_one_reason_once_all_customers_of_the_sources_are_personas(
    tmp_path: Path,
) -> None:
    async with suite("sqlite", tmp_path) as greenroom:
        await greenroom.client.sources.import_file(EXAMPLES / "sources.jsonl")
        request = GeneratePersonasRequest(source_filter=SourceFilter(), count=50)

        first = [one async for one in greenroom.client.personas.generate(request)]
        again = [one async for one in greenroom.client.personas.generate(request)]

    ends = [one.rejected.reason for told in (first, again) for one in told if one.rejected.reason != "NEAR_DUPLICATE"]
    made = [one.persona for one in first if one.HasField("persona")]
    assert (len(made), again[-1].summary.stored) == (first[-1].summary.stored, 0)
    assert len(made) >= 3
    assert first[-2].rejected == again[-2].rejected
    assert [reason for reason in ends if reason] == ["NOTHING_NEW"] * 2
    assert again[-1].summary.rejected <= 1 + sum(one.rejected.reason == "NEAR_DUPLICATE" for one in first)
