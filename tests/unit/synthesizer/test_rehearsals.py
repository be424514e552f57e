"""Whole conversations in one process: the example, and a hundred and more real sources with their procedures."""

import gzip
from collections import Counter
from pathlib import Path

from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.builtin_personas import built_in
from shared.llm.offline import OfflineModel
from shared.model.conversation import State
from shared.model.digest import transcript_digest
from shared.model.events import Outcome, ToolCall, UserMessage
from tests.data import shared_data
from tests.unit.synthesizer.rehearse import Stage, rehearse, source_of

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "returns"


def abcd(name: str) -> list[bytes]:
    return gzip.decompress((shared_data("abcd") / f"{name}.jsonl.gz").read_bytes()).splitlines()


def example(name: str) -> list[bytes]:
    return (EXAMPLE / f"{name}.jsonl").read_bytes().splitlines()


def calls(state: State) -> set[tuple[str, str]]:
    """Tool and value of each argument of the calls that the agent made."""
    made = [event.body for event in state.transcript if isinstance(event.body, ToolCall) and not event.copied]
    return {(call.tool, str(value).casefold()) for call in made for value in call.arguments.values()}


def said_by_the_customer(source: SourceRecord) -> set[tuple[str, str]]:
    """Tool and values of the recorded calls all of whose values the customer literally says."""
    words = "\n".join(event.body.text for event in source.events if isinstance(event.body, UserMessage)).casefold()
    recorded = [event.body for event in source.events if isinstance(event.body, ToolCall) and event.body.arguments]
    return {
        (call.tool, str(value).casefold())
        for call in recorded
        if all(str(value).casefold() in words for value in call.arguments.values())
        for value in call.arguments.values()
    }


async def test_the_example_is_read_without_a_problem_and_every_persona_ends_its_conversations() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    assert isinstance(procedure, ProcedureRecord)
    for index, source in enumerate(read_sources("greenroom", example("sources"))):
        assert isinstance(source, SourceRecord), source
        for persona in built_in().values():
            state = await rehearse(Stage(OfflineModel()), procedure, source_of(source), persona, index)
            assert state.ended is not None
            assert state.ended.outcome is Outcome.COMPLETED, state.ended


async def test_a_rehearsal_is_the_same_again() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    source = next(read_sources("greenroom", example("sources")))
    assert isinstance(procedure, ProcedureRecord)
    assert isinstance(source, SourceRecord)
    persona = built_in()["personas/chatty-cathy"]
    digests = {
        transcript_digest((await rehearse(Stage(OfflineModel()), procedure, source_of(source), persona, 3)).transcript)
        for _ in range(2)
    }
    assert len(digests) == 1


async def test_a_persona_without_a_source_opens_and_comes_to_an_end() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    assert isinstance(procedure, ProcedureRecord)
    for index, persona in enumerate(built_in().values()):
        state = await rehearse(Stage(OfflineModel()), procedure, None, persona, index)
        assert isinstance(state.transcript[0].body, UserMessage)
        assert state.ended is not None
        assert state.ended.outcome is Outcome.COMPLETED


async def test_most_real_sources_bring_about_a_recorded_call_with_the_customers_values() -> None:
    read = read_procedures("abcd", abcd("procedures"))
    procedures = {item.external_id: item for item in read if isinstance(item, ProcedureRecord)}
    sources = [item for item in read_sources("abcd", abcd("dialogues")) if isinstance(item, SourceRecord)]
    personas = list(built_in().values())
    assert (len(procedures), len(sources)) == (47, 500)
    score: Counter[str] = Counter()
    for index, source in enumerate(sources):
        persona = personas[index % len(personas)]
        procedure = procedures[source.procedure_external_id]
        state = await rehearse(Stage(OfflineModel()), procedure, source_of(source), persona, index)
        assert state.ended is not None
        assert state.ended.outcome is Outcome.COMPLETED, (source.external_id, state.ended)
        wanted = said_by_the_customer(source)
        score["wanted"] += bool(wanted)
        score["made"] += bool(wanted & calls(state))
    assert score["wanted"] == 381
    assert score["made"] >= 0.85 * score["wanted"], score
