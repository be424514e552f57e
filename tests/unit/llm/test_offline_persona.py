"""The offline model as the persona: the real customer's facts in the persona's manner, and always an end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidArgument
from shared.llm.base import LEAVE, STAY_SILENT, ChatReply, ChatRequest, Message, PersonaBrief
from shared.llm.offline.persona import speak as next_step
from shared.llm.offline.wording import wording
from shared.llm.registry import PROVIDERS, open_model

MATERIAL = (
    ("May I have your name?", "Sure, it's Ada Byron, I have been a customer for ten years and I love your lamps."),
    ("And the order ID and account ID?", "Order ID: 99887766"),
    ("", "Account ID: 7F3K9Q2L"),
    ("How would you like your refund?", "Back to my card would be best."),
    ("Is there anything else?", "How long will that take?"),
    ("Two days.", "That's all, thank you!"),
)


def persona(
    length: str = "MEDIUM",
    objects: str = "NEVER",
    traits: tuple[str, ...] = (),
    material: tuple[tuple[str, str], ...] = MATERIAL,
    opening: tuple[str, ...] = ("My lamp broke.",),
    goal: str = "",
    tone: str = "",
) -> PersonaBrief:
    return PersonaBrief("P", "", tone, length, objects, traits, goal, opening, material)


def speak(brief: PersonaBrief, *asked: str, own: tuple[str, ...] = ("My lamp broke.",), seed: int = 1) -> ChatReply:
    """What it does when the agent said this last, and it said `own` before, the agent a word between."""
    messages = [message for text in own for message in (Message("user", "Go on."), Message("assistant", text))]
    messages += [Message("user", text) for text in asked]
    return next_step(ChatRequest("offline", "", messages, (STAY_SILENT, LEAVE), seed, 0, len(messages), brief), brief)


@pytest.mark.parametrize("length", ["SHORT", "MEDIUM", "LONG"])
@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Could you tell me your full name, please?", "Ada Byron"),
        ("What is your order number?", "99887766"),
        ("May I have your account ID?", "7F3K9Q2L"),
    ],
)
def test_it_never_loses_the_value_that_it_is_asked_for(length: str, question: str, value: str) -> None:
    for seed in range(10):
        assert value in speak(persona(length), question, seed=seed).text


def test_a_short_persona_says_less_than_a_long_one() -> None:
    question = "Could you tell me your full name, please?"
    short, long = (
        [len(speak(persona(kind), question, seed=seed).text) for seed in range(20)] for kind in ("SHORT", "LONG")
    )
    assert sum(short) < sum(long) / 3


def test_it_answers_several_questions_at_once() -> None:
    text = speak(persona(), "May I have your name and your order ID, please?").text
    assert "Ada Byron" in text
    assert "99887766" in text


def test_it_answers_with_what_was_said_to_much_the_same_question() -> None:
    assert "card" in speak(persona(), "How would you like to receive the refund?").text


def test_it_says_so_when_it_was_asked_for_what_nobody_said() -> None:
    assert speak(persona(), "What is your e-mail address?").text in wording().persona["unknown"]


def test_it_chooses_from_what_it_is_offered() -> None:
    assert speak(persona("SHORT"), "Which would you like: the red one, the blue one or the green one?").text in (
        "Red one",
        "Blue one",
        "Green one",
    )


def test_it_leaves_when_it_is_asked_for_more_and_has_nothing_more() -> None:
    reply = speak(persona(), "Is there anything else I can help you with?")
    assert reply.call is not None
    assert reply.call.tool == LEAVE.name
    assert reply.call.arguments["text"]


def test_a_curious_persona_first_asks_what_is_still_unsaid() -> None:
    brief = persona(traits=("asks_many_questions",))
    assert speak(brief, "Is there anything else?").text == "How long will that take?"
    again = speak(brief, "Is there anything else?", own=("My lamp broke.", "How long will that take?"))
    assert again.call is not None


def test_an_objecting_persona_gives_in_when_it_is_asked_again() -> None:
    question = "May I have your order ID, please?"
    brief = persona(objects="HIGH", tone="skeptical")
    replies = [speak(brief, question, seed=seed).text for seed in range(60)]
    objections = [text for text in replies if "99887766" not in text]
    assert 5 < len(objections) < 30
    messages = (Message("user", question), Message("assistant", objections[0]), Message("user", f"I see. {question}"))
    for seed in range(60):
        request = ChatRequest("offline", "", messages, (STAY_SILENT, LEAVE), seed, 0, 3, brief)
        assert "99887766" in next_step(request, brief).text


def test_who_rarely_responds_is_silent_now_and_then_but_not_twice_on_end() -> None:
    brief = persona(traits=("rarely_responds",))
    question = "May I have your order ID, please?"
    silent = [reply.call is not None for reply in (speak(brief, question, seed=seed) for seed in range(60))]
    assert 5 < sum(silent) < 40
    assert all(speak(brief, question, f"Are you there? {question}", seed=seed).call is None for seed in range(60))


def test_who_tests_the_opt_out_does_so_once() -> None:
    brief = persona(traits=("tests_opt_out",))
    phrases = wording().traits["tests_opt_out"]["opt_out"]
    said = {
        speak(brief, "Your name?", own=("My lamp broke.", "Yes.", "Yes.", "Yes."), seed=seed).text for seed in range(9)
    }
    assert said <= set(phrases)
    assert speak(brief, "Your name?", own=("My lamp broke.", "Yes.", phrases[0], "Yes.")).text not in phrases


def test_traits_make_it_ask() -> None:
    brief = persona(traits=("asks_about_cost",))
    questions = wording().traits["asks_about_cost"]["ask"]
    replies = [speak(brief, "How would you like your refund?", seed=seed).text for seed in range(60)]
    assert any(question in text for text in replies for question in questions)


def test_without_a_source_it_opens_from_its_goal() -> None:
    brief = persona(opening=(), material=(), goal="Find out what a lamp costs.")
    reply = next_step(ChatRequest("offline", "", (), (STAY_SILENT, LEAVE), 1, 0, 1, brief), brief)
    assert "find out what a lamp costs" in reply.text.lower()


def test_it_runs_out_of_patience() -> None:
    own = tuple(f"Answer {number}" for number in range(20))
    reply = speak(persona(), "And what is your favourite lamp?", own=own)
    assert reply.call is not None
    assert reply.call.tool == LEAVE.name


@given(st.lists(st.text(max_size=40), max_size=6), st.sampled_from(["SHORT", "MEDIUM", "LONG"]), st.integers(0, 99))
def test_it_has_an_answer_to_anything_and_the_same_one_again(asked: list[str], length: str, seed: int) -> None:
    traits = ("rarely_responds", "tests_opt_out", "asks_for_details", "unheard_of")
    brief = persona(length, "HIGH", traits, tone="cold and skeptical")
    reply = speak(brief, *asked, seed=seed)
    assert reply.call is not None or reply.text.strip()
    assert reply == speak(brief, *asked, seed=seed)


async def test_a_model_is_opened_by_its_name() -> None:
    brief = persona()
    request = ChatRequest("offline", "", (), (), 1, 0, 1, brief)
    assert (await open_model("offline").complete(request)).usage.model_calls == 1
    with pytest.raises(InvalidArgument, match=", ".join(PROVIDERS)):
        open_model("ofline")
