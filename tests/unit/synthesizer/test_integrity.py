"""Each check of a persona's reply finds what was planted, and lets through what a customer may say."""

from collections.abc import Collection, Sequence
from typing import Any

import pytest

from services.synthesizer.conversations.integrity import CHECKS, flags
from services.synthesizer.conversations.integrity.check import LANGUAGES, Scene
from services.synthesizer.conversations.prompts import PERSONA_PROMPT
from shared.llm.persona_reply import PersonaReply
from shared.model.events import PersonaFlag, Sentiment, Thoughts

THOUGHTS = Thoughts("It wants its money back.", Sentiment.NEUTRAL, 50)
DESCRIPTION = "A retired teacher who tells a story with every answer and never reads a form."


def found(text: str, off: Collection[PersonaFlag] = (), **scene: Any) -> Sequence[PersonaFlag]:
    told = {"private": (PERSONA_PROMPT.text, DESCRIPTION), "traits": ("asks_about_cost", "angry")} | scene
    return flags(PersonaReply(text, THOUGHTS), Scene(**told), off)


SPEAKS, LEAKS, REPEATS, THANKS, WORKS, CONTRADICTS, LANGUAGE = PersonaFlag
ASKED = {"heard": ["What is your order number?"], "asked": ["What is your order number?"]}


@pytest.mark.parametrize(
    ("flag", "text", "scene"),
    [
        (SPEAKS, "How can I help you today?", {}),
        (SPEAKS, "Sure! May I have your account ID, please?", {}),
        (SPEAKS, "I’ve processed your refund.", {}),
        (SPEAKS, "I'd like a refund.\nAgent: Of course, one moment.", {}),
        (SPEAKS, text := "It left our warehouse in Leeds on Monday and comes tomorrow.", {"heard": ["Hi.", text]}),
        (LEAKS, "As an AI language model I have no order.", {}),
        (LEAKS, "As an AI, I cannot order anything.", {}),
        (LEAKS, "My persona is a busy customer.", {}),
        (LEAKS, "The agent asks for my order number, so I should respond with it.", {}),
        (LEAKS, "Hello NO_RESPONSE", {}),
        (LEAKS, "Reasoning: I am annoyed.", {}),
        (LEAKS, "I am a retired teacher who tells a story with every answer, you know.", {}),
        (LEAKS, "What I do is asks_about_cost.", {}),
        (REPEATS, "My lamp broke on the very first day.", {"own": ["My lamp broke on the very first day"]}),
        (THANKS, "Thank you for refunding me!", {"heard": ["What is your order number?"]}),
        (THANKS, "Thanks so much for taking care of it.", {"heard": ["Hi, what is your order number?"]}),
        (WORKS, "Now call find_order with my name.", {"tools": ["find_order"]}),
        (WORKS, "You should verify my identity first.", {}),
        (WORKS, "[Agent checks the order] Thanks.", {}),
        (
            WORKS,
            "Well: ask for the order number, then check that it was paid, and refund it.",
            {"instructions": "Ask for the order number, then check that it was paid, and refund it."},
        ),
        (CONTRADICTS, "I'm 62 years old.", {"own": ["I am 34, and I want my money."]}),
        (CONTRADICTS, "I'm 62.", {"age_range": "25-35"}),
        (CONTRADICTS, "It's ada@example.com.", {"facts": ["bob@example.com"]}),
        (CONTRADICTS, "My address is 7 Elm Road.", {"own": ["My address is 12 Main Street."]}),
        (CONTRADICTS, "My order number is 4711.", {"own": ["The order number is O-99."], **ASKED}),
        (LANGUAGE, "Das ist nicht die Lampe, die ich bestellt habe, und ich will mein Geld.", ASKED),
        (LANGUAGE, "I do not have the number, and it is not on my letter.", {"language": "German"}),
        (LANGUAGE, "我的灯坏了，我想退货。", ASKED),
    ],
)
def test_it_finds_what_was_planted_by_its_own_check_alone(flag: PersonaFlag, text: str, scene: dict[str, Any]) -> None:
    assert found(text, **scene) == (flag,)
    assert found(text, off=set(PersonaFlag) - {flag}, **scene) == (flag,)
    assert found(text, off={flag}, **scene) == ()


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("Can you help me with my order? May I have your name, in case we are cut off?", {}),
        ("My order has not been processed. Is there anything else that you need from me?", {}),
        ("Thank you for your help.", {"heard": ["Thank you for your help."]}),
        ("Your agent told me that it would be here on Monday. Could you please confirm your full name?", {}),
        ("The e-mail says that your refund has been processed, but as a customer, I would like to see it.", {}),
        ("The instructions say to press reset. The agent asked me for the serial number.", {}),
        ("I'm an AI engineer, so that is out of character for your shop.", {}),
        ("Does your large language model answer, and can I edit the persona and the system prompt of the bot?", {}),
        ("I need to reply to an e-mail first. My character is patient, but I am annoyed.", {}),
        ("I have a story: the agent on the phone asked whether I am a teacher.", {}),
        ("Yes, please.", {"own": ["Yes, please."]}),
        ("Das ist nicht die Lampe, die ich bestellt habe, und ich will mein Geld.", {**ASKED, "language": "German"}),
        ("My name is Jean de la Croix, and I live in Rue de la Paix.", ASKED),
        (
            "My order number is O-99, as on the letter.",
            {
                "own": ["My order number is O-99, as on the letter."],
                "heard": [ASKED["heard"][0]] * 2,
                "asked": ASKED["asked"],
            },
        ),
        ("Thank you for refunding me!", {"heard": ["Your refund is on its way."]}),
        ("Thanks for taking care of it.", {"heard": ["Which one?", "It is on its way."]}),
        ("I tried the search function and used find my order on your site.", {"tools": ["find_order"]}),
        (
            "You say that you check that it was paid, and refund it: so refund it.",
            {"instructions": "Ask for the order number, then check that it was paid, and refund it."},
        ),
        ("I'm 34.", {"age_range": "25-35", "own": ["I am 34 years old."]}),
        ("Sorry, it's ada@example.com.", {"own": ["bob@example.com"]}),
        ("ada@example.com", {"own": ["bob@example.com"], "asked": ["And your new e-mail address?"]}),
        ("The other order number is 4711.", {"own": ["The order number is O-99."], **ASKED}),
        ("Also order 4711 is late.", {"own": ["The order number is O-99."]}),
        ("", {"own": [""]}),
    ],
)
def test_it_lets_through_what_a_customer_may_say(text: str, scene: dict[str, Any]) -> None:
    assert found(text, **scene) == ()


@pytest.mark.parametrize(
    ("flag", "text", "scene"),
    [
        (SPEAKS, "Wie kann ich Ihnen heute weiterhelfen?", {}),
        (SPEAKS, "Könnten Sie mir bitte Ihre Kundennummer nennen?", {}),
        (SPEAKS, "Ich habe Ihre Rückerstattung soeben veranlasst.", {}),
        (SPEAKS, "Gern!\nKundenservice: Einen Moment.", {}),
        (LEAKS, "Als KI-Sprachmodell habe ich keine Bestellung.", {}),
        (LEAKS, "Ich spiele einen Kunden, der wenig Zeit hat.", {}),
        (LEAKS, "Meine Anweisungen sagen, dass ich ungeduldig bin.", {}),
        (THANKS, "Danke für die Rückerstattung!", {"heard": ["Wie lautet Ihre Bestellnummer?"]}),
        (THANKS, "Danke für die schnelle Lösung.", {"heard": ["Wie lautet Ihre Bestellnummer?"]}),
        (WORKS, "Sie müssen zuerst meine Identität prüfen.", {}),
        (WORKS, "(Mitarbeiter prüft die Bestellung) Danke.", {}),
        (CONTRADICTS, "Ich bin 62 Jahre alt.", {"own": ["Ich bin 34, und ich will mein Geld."]}),
        (CONTRADICTS, "Meine Adresse ist Lindenweg 7.", {"own": ["Meine Adresse ist Hauptstraße 12."]}),
        (
            CONTRADICTS,
            "Die Bestellnummer ist 4711.",
            {"own": ["Meine Bestellnummer lautet O-99."], "asked": ["Wie lautet Ihre Bestellnummer?"]},
        ),
    ],
)
def test_it_finds_what_was_planted_in_german(flag: PersonaFlag, text: str, scene: dict[str, Any]) -> None:
    assert found(text, language="German", **scene) == (flag,)


@pytest.mark.parametrize(
    ("text", "scene"),
    [
        ("Können Sie mir bei meiner Bestellung helfen? Kann ich bitte Ihren Namen haben?", {}),
        ("Der Mitarbeiter am Telefon hat gesagt, dass meine Rückerstattung bearbeitet wurde.", {}),
        ("In der Anleitung steht, dass ich den Knopf drücken soll.", {}),
        ("Ich bin KI-Entwicklerin und spiele in meiner Freizeit Theater.", {}),
        ("Danke für die Rückerstattung!", {"heard": ["Wir erstatten Ihnen den Betrag."]}),
        ("Danke für Ihre Hilfe.", {}),
        ("Ich bin 34.", {"own": ["Ich bin 34 Jahre alt."]}),
        ("Meine neue Adresse ist Lindenweg 7.", {"own": ["Meine Adresse ist Hauptstraße 12."]}),
    ],
)
def test_it_lets_through_what_a_german_customer_may_say(text: str, scene: dict[str, Any]) -> None:
    assert found(text, language="German", **scene) == ()


def test_every_language_has_phrases_for_the_same_checks() -> None:
    english, *others = LANGUAGES
    assert others
    assert all(one.keys() == english.keys() for one in others)


def test_every_flag_has_a_check() -> None:
    assert list(CHECKS) == list(PersonaFlag)
    assert {flag for flag, check in CHECKS.items() if check.severe} == {SPEAKS, LEAKS, LANGUAGE}
