"""Whole conversations in one process: the example, and more than 100 real sources with their procedures."""

import gzip
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

from services.synthesizer.adapters.formats import read_procedures, read_sources
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.offline_provider import AsyncOfflineModel
from services.synthesizer.offline.wording import language_of
from services.synthesizer.personas.builtin import built_in
from services.synthesizer.redaction.redactor import Redaction, Redactor
from services.synthesizer.sources.model import SourceConversation
from shared.model.conversation import State
from shared.model.digest import transcript_digest
from shared.model.events import AgentMessage, Event, Outcome, ToolCall, UserMessage
from shared.model.steps import Ask, Call, Say, Tool
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
    """Tool and value of each recorded argument, of the calls whose values the customer says literally."""
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
            state = await rehearse(Stage(AsyncOfflineModel()), procedure, source_of(source), persona, index)
            assert state.ended is not None
            assert state.ended.outcome is Outcome.COMPLETED, state.ended


async def test_a_redacted_source_is_rehearsed_as_the_source_is_with_pseudonyms() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    assert isinstance(procedure, ProcedureRecord)
    sources = read_sources("greenroom", example("sources"))
    redacted = read_sources("greenroom", example("sources"), Redaction())
    persona = built_in()["personas/chatty-cathy"]
    replaced = 0
    for index, (source, its_twin) in enumerate(zip(sources, redacted, strict=True)):
        assert isinstance(source, SourceRecord)
        assert isinstance(its_twin, SourceRecord)
        played, again = [
            calls(await rehearse(Stage(AsyncOfflineModel()), procedure, source_of(one), persona, index))
            for one in (source, its_twin)
        ]
        assert again == {(tool, Redactor(Redaction()).redact(value)) for tool, value in played}
        replaced += again != played
    assert replaced > 5


async def test_the_same_seed_gives_the_same_conversation() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    source = next(read_sources("greenroom", example("sources")))
    assert isinstance(procedure, ProcedureRecord)
    assert isinstance(source, SourceRecord)
    persona = built_in()["personas/chatty-cathy"]
    digests = {
        transcript_digest(
            (await rehearse(Stage(AsyncOfflineModel()), procedure, source_of(source), persona, 3)).transcript
        )
        for _ in range(2)
    }
    assert len(digests) == 1


async def test_a_persona_without_a_source_speaks_first_and_ends_the_conversation() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    assert isinstance(procedure, ProcedureRecord)
    for index, persona in enumerate(built_in().values()):
        state = await rehearse(Stage(AsyncOfflineModel()), procedure, None, persona, index)
        assert isinstance(state.transcript[0].body, UserMessage)
        assert state.ended is not None
        assert state.ended.outcome is Outcome.COMPLETED


GERMAN = ProcedureRecord(
    "rueckgabe",
    "Rückgabe",
    "",
    "",
    (
        Ask("bestellnummer", "Wie lautet Ihre Bestellnummer?", {"type": "string", "pattern": r"^LH-\d{5}$"}),
        Ask("email", "Mit welcher E-Mail-Adresse haben Sie bestellt?", {"type": "string", "format": "email"}),
        Ask("adresse", "Wie lautet Ihre Adresse?"),
        Ask("wunsch", "Möchten Sie eine Erstattung oder einen Umtausch?", {"enum": ["Erstattung", "Umtausch"]}),
        Call("anlegen", {name: name for name in ("bestellnummer", "email", "adresse", "wunsch")}),
        Say("Die Rückgabe ist angelegt."),
    ),
    (Tool("anlegen"),),
    1,
)
SAID = ("Hallo, meine Lampe ist zerbrochen.", "Die ist LH-20417.", "mara.velden@example.com")
SAID_LATER = ("Lindenweg 12, 10115 Berlin", "Einen Umtausch bitte.", "Nein, das war alles, danke!")
ASKED = ("Guten Tag?", "Wie lautet Ihre Bestellnummer?", "Und Ihre E-Mail-Adresse?", "Und Ihre Adresse?")
ASKED_LATER = ("Möchten Sie eine Erstattung oder einen Umtausch?", "Kann ich sonst noch etwas für Sie tun?")


def german_source() -> SourceConversation:
    """A conversation of the German procedure."""
    bodies = [
        body
        for asked, said in zip((*ASKED, *ASKED_LATER), (*SAID, *SAID_LATER), strict=True)
        for body in (AgentMessage(asked), UserMessage(said))
    ]
    events = tuple(Event("", seq, 0, 0, body) for seq, body in enumerate(bodies, start=1))
    return source_of(SourceRecord("s", True, events, (), "rueckgabe", 1))


async def test_every_persona_and_the_agent_speak_german_where_source_and_procedure_do() -> None:
    source = german_source()
    for index, persona in enumerate(built_in().values()):
        state = await rehearse(Stage(AsyncOfflineModel()), GERMAN, source, persona, index)
        own = [event.body for event in state.transcript if not event.copied]
        (call,) = (body for body in own if isinstance(body, ToolCall))
        said = " ".join(body.text for body in own if isinstance(body, UserMessage | AgentMessage))
        assert dict(call.arguments) == {
            "bestellnummer": "LH-20417",
            "email": "mara.velden@example.com",
            "adresse": "Lindenweg 12, 10115 Berlin",
            "wunsch": "Umtausch",
        }
        assert language_of(said) == "German"
        assert not re.search(r"\b(?:the|you|thanks|please|sorry|your|that)\b", said, re.IGNORECASE), said


async def test_a_persona_of_another_language_than_its_agent_writes_its_own() -> None:
    (procedure,) = read_procedures("greenroom", example("procedures"))
    assert isinstance(procedure, ProcedureRecord)
    persona = replace(built_in()["personas/chatty-cathy"], language="German")
    state = await rehearse(Stage(AsyncOfflineModel()), procedure, None, persona, 1)
    said = [event.body.text for event in state.transcript if isinstance(event.body, UserMessage)]
    assert language_of(" ".join(said)) == "German"


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
        state = await rehearse(Stage(AsyncOfflineModel()), procedure, source_of(source), persona, index)
        assert state.ended is not None
        assert state.ended.outcome is Outcome.COMPLETED, (source.external_id, state.ended)
        wanted = said_by_the_customer(source)
        score["wanted"] += bool(wanted)
        score["made"] += bool(wanted & calls(state))
    assert score["wanted"] == 381
    assert score["made"] >= 0.85 * score["wanted"], score
