"""Personas are generated from measured customers and from drafts of a model, each checked field by field."""

import json
from typing import Any

import pytest

from services.synthesizer.personas.builtin import built_in
from services.synthesizer.personas.generation.band import typical
from services.synthesizer.personas.generation.drafts import near_duplicate, read_draft, read_drafts
from services.synthesizer.personas.generation.measuring import habits, language_of, measure
from services.synthesizer.personas.generation.model import Rejected
from services.synthesizer.personas.model import Persona, Personality, ResponseLength
from shared.llm.base import ChatReply
from shared.llm.briefs import Measured
from shared.model.events import AgentMessage, Event, UserMessage
from tests.unit.synthesizer.rehearse import in_place

DRAFT: dict[str, Any] = {
    "display_name": "Late Lea",
    "description": "Missed her connection and has slept on a bench.",
    "tone": "curt",
    "response_length": "SHORT",
    "decision_speed": "FAST",
    "objection_likelihood": "HIGH",
    "age_range": "25-35",
    "occupation": "nurse",
    "location": "Porto",
    "income": "",
    "behaviour_traits": ["asks_about_cost"],
    "goal": "Get home today.",
}
GERMAN = Measured("sources/s", "German", "friendly", "LONG", "SLOW", "LOW", ("uses_emoji",))


def talk(*texts: str, pause: int = 5) -> list[Event]:
    """The customer's texts, each `pause` seconds after the agent's."""
    events: list[Event] = []
    for place, text in enumerate(texts):
        at = place * 100_000
        events.append(Event("", 2 * place + 1, at, 0, AgentMessage("And?")))
        events.append(Event("", 2 * place + 2, at + pause * 1000, 0, UserMessage(text)))
    return events


def test_how_a_customer_writes_is_measured() -> None:
    measured = measure("sources/s", talk("where is it", "i want my money back", "WHY WOULD I WAIT", "no way"))
    assert measured == Measured(
        source="sources/s",
        language="English",
        tone="skeptical",
        response_length="SHORT",
        decision_speed="FAST",
        objection_likelihood="HIGH",
        traits=("writes_in_small_letters", "leaves_out_punctuation"),
    )


def test_politeness_and_length_and_pauses_are_measured_in_another_language() -> None:
    long = "Könnten Sie mir bitte sagen, wo mein Paket ist? Ich habe es am Montag bestellt und warte seit einer Woche. "
    measured = measure("sources/s", talk(long + "Vielen Dank!", long + "Danke!", pause=3_600))
    assert measured is not None
    assert (measured.language, measured.tone) == ("German", "enthusiastic")
    assert (measured.response_length, measured.decision_speed, measured.objection_likelihood) == ("LONG", "SLOW", "LOW")
    assert "says_please_and_thank_you" in measured.traits


def test_a_customer_who_said_next_to_nothing_is_not_measured() -> None:
    assert measure("sources/s", talk("Hi.")) is None


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Where is my order? I have waited for a week.", "English"),
        ("Où est ma commande ? Je ne suis pas content.", "French"),
        ("¿Dónde está mi pedido? No lo he recibido.", "Spanish"),
        ("Siparişim nerede? Bu çok kötü.", "Turkish"),
        ("注文はどこですか", "Japanese"),
        ("Где мой заказ?", "Russian"),
        ("Ok. 4711!", ""),
    ],
)
def test_a_language_is_told_by_its_letters_or_its_commonest_words(text: str, language: str) -> None:
    assert language_of([text]) == language


def test_a_draft_becomes_a_persona_and_what_was_measured_replaces_what_was_imagined() -> None:
    imagined = read_draft(DRAFT, "Portuguese", None)
    assert isinstance(imagined, Persona)
    assert (imagined.personality.tone, imagined.goal, imagined.language) == ("curt", "Get home today.", "Portuguese")

    measured = read_draft(DRAFT, "German", GERMAN)
    assert isinstance(measured, Persona)
    assert measured.display_name == "Late Lea"
    assert (measured.personality.tone, measured.personality.response_length) == ("friendly", ResponseLength.LONG)
    assert (measured.behaviour_traits, measured.goal) == (("uses_emoji",), "")


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"display_name": " "}, "Its display_name is empty."),
        ({"description": 7}, "Its description must be a text."),
        ({"goal": "x" * 1_001}, "Its goal has 1,001 characters; 1,000 are allowed."),
        ({"location": "\ud800"}, "Its location has half a character, or the character NUL."),
        ({"response_length": "HUGE"}, "Its response_length must be one of SHORT, MEDIUM or LONG."),
        ({"decision_speed": ["FAST"]}, "Its decision_speed must be one of SLOW, MEDIUM or FAST."),
        (
            {"behaviour_traits": ["Asks a lot"]},
            "Its behaviour_traits must be words in snake_case, such as asks_about_cost.",
        ),
        ({"behaviour_traits": ["a", "a"]}, "Its behaviour_traits must be different, and 20 at most."),
        ({"mood": "good"}, "There is no field mood."),
    ],
)
def test_a_draft_with_a_wrong_field_is_rejected_with_that_field(wrong: dict[str, Any], told: str) -> None:
    assert read_draft(DRAFT | wrong, "", None) == Rejected(
        str((DRAFT | wrong)["display_name"]).strip(), "DRAFT_INVALID", told
    )


@pytest.mark.parametrize("draft", [None, 7, "Bob", [DRAFT], {}])
def test_what_is_no_draft_is_rejected(draft: Any) -> None:
    rejected = read_draft(draft, "", None)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "DRAFT_INVALID"


async def test_drafts_are_read_from_broken_json_and_anything_else_is_an_unusable_answer() -> None:
    fenced = f"Here they are:\n```json\n{json.dumps({'personas': [DRAFT]})}\n```"
    assert await read_drafts(ChatReply(fenced), in_place) == [DRAFT]
    for text in ("I cannot do that.", "", "[]", '{"personas": []}', "[" * 100_000):
        rejected = await read_drafts(ChatReply(text), in_place)
        assert isinstance(rejected, Rejected)
        assert rejected.reason == "ANSWER_UNUSABLE"


def test_near_duplicates_have_the_same_name_or_nearly_the_same_words() -> None:
    lea = read_draft(DRAFT, "", None)
    assert isinstance(lea, Persona)
    other_name = read_draft(DRAFT | {"display_name": "Rita"}, "", None)
    other_words = read_draft(DRAFT | {"description": "Runs a bakery and bakes before dawn, whatever comes."}, "", None)
    assert isinstance(other_name, Persona)
    assert isinstance(other_words, Persona)
    assert near_duplicate(other_name, [lea]) == lea
    assert near_duplicate(other_words, [lea]) == lea, "it has the same name"
    assert near_duplicate(lea, built_in().values()) is None
    assert near_duplicate(Persona("", "Ana", "Runs a bakery.", Personality("kind")), [lea]) is None


def test_a_customer_unlike_the_others_in_one_habit_is_outside_the_band() -> None:
    usual = [talk(f"where is my parcel {number}", "it was due on monday please", "ok thanks") for number in range(20)]
    shouts = talk("where is my parcel!!", "it was due on monday please!!", "ok thanks!!")
    customers = [habits(events) for events in (*usual, shouts)]

    assert typical(customers, 0.9) == [True] * 20 + [False]
    assert typical([(float(value),) for value in range(21)], 0.8) == [2 <= value <= 18 for value in range(21)]
    assert typical(customers[-1:], 0.5) == [True]
