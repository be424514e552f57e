"""The offline model as the persona: it tells the real customer's facts in its own manner, and always ends."""

import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.offline import persona as offline
from services.synthesizer.offline.closing import Cue, parts
from services.synthesizer.offline.filling import Filler, Heard
from services.synthesizer.offline.kinds import Texts, mentions
from services.synthesizer.offline.material import Material
from services.synthesizer.offline.replies import agrees
from services.synthesizer.offline.slots import slot_of
from services.synthesizer.offline.wording import LANGUAGES, wording
from shared.llm.base import ChatRequest, Message
from shared.llm.briefs import PersonaBrief
from shared.llm.persona_reply import PersonaReply
from shared.model.draws import draw
from shared.model.events import Sentiment, Thoughts
from shared.model.steps import Ask

THOUGHTS = Thoughts("", Sentiment.NEUTRAL, 50)
MATERIAL = (
    ("May I have your name?", "Sure, it's Ada Byron, I have been a customer for ten years and I love your lamps."),
    ("And the order ID and account ID?", "Order ID: 99887766"),
    ("", "Account ID: 7F3K9Q2L"),
    ("How would you like your refund?", "Back to my card would be best."),
    ("Is there anything else?", "How long will that take?"),
    ("Two days.", "That's all, thank you!"),
)


def values(reply: PersonaReply) -> list[str]:
    """The values in what the persona says."""
    return [mention.value for mention in mentions(reply.text)]


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


def next_step(request: ChatRequest, brief: PersonaBrief) -> PersonaReply:
    return offline.speak(request, brief, Material(brief, Texts()))


def knows(reply: PersonaReply) -> bool:
    """False if the persona says that it does not know."""
    own = wording().persona
    phrases = (*own["unknown"], *own["unknown_short"], *own["unknown_long"])
    return not any(phrase.is_in(reply.text) for phrase in phrases)


def speak(brief: PersonaBrief, *asked: str, own: tuple[str, ...] = ("My lamp broke.",), seed: int = 1) -> PersonaReply:
    """The reply to the agent's words `asked`, after the persona said `own`."""
    messages = [message for text in own for message in (Message("user", "Go on."), Message("assistant", text))]
    messages += [Message("user", text) for text in asked]
    return next_step(ChatRequest("offline", "", messages, (), seed, 0, len(messages), brief), brief)


@pytest.mark.parametrize("length", ["SHORT", "MEDIUM", "LONG"])
@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Could you tell me your full name, please?", "Ada Byron"),
        ("What is your order number?", "99887766"),
        ("May I have your account ID?", "7F3K9Q2L"),
    ],
)
def test_its_answer_always_has_the_value_that_was_asked_for(length: str, question: str, value: str) -> None:
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


def test_it_answers_with_the_reply_to_a_similar_question() -> None:
    assert "card" in speak(persona(), "How would you like to receive the refund?").text


def test_it_says_that_it_does_not_know_what_the_real_customer_never_said() -> None:
    assert not knows(speak(persona(), "What is your e-mail address?"))


FACTS = (
    ("May I have your name, phone and zip code?", "Ada Byron, (555) 014-2298, zip is 20417"),
    ("What is your order ID?", "99887766"),
    ("Your e-mail address?", "ada@example.com"),
    ("Could you give me your password?", "Xq7Lamps"),
)


@pytest.mark.parametrize(
    "question",
    [
        "May I have your PIN number, please?",
        "What is your username?",
        "May I have your account ID, please?",
        "What is your mother's maiden name?",
        "What is the answer to your security question?",
        "What is your pet's name?",
        "What is the name of your company?",
        "What is your full address?",
        "What is your date of birth?",
        "Please tell me your new phone number.",
        "What is your new full name?",
        "What is your credit card number?",
    ],
)
def test_it_gives_no_value_of_another_kind(question: str) -> None:
    for length in ("SHORT", "MEDIUM", "LONG"):
        assert not knows(speak(persona(length, material=FACTS), question))


@pytest.mark.parametrize(
    ("question", "shape"),
    [
        ("May I have your PIN number, please?", r"\d{4}"),
        ("What is your account ID?", r"\d{8}"),
        ("What is your e-mail address?", r"\S+@example\.(com|org)"),
        ("What is your mother's maiden name?", r"[A-Z][a-z]+"),
        ("What is your full address?", r"\d+ [\w ]+, \w+"),
    ],
)
def test_told_to_make_values_up_it_keeps_to_one_of_the_right_kind(question: str, shape: str) -> None:
    brief = persona("SHORT", material=())
    material = Material(brief, Texts())
    values = set()
    for earlier, lead in enumerate(("", "Thanks. ", "I'm sorry, I still need one thing. ")):
        messages = [Message("user", "Hi."), Message("assistant", "My lamp broke.")] * (1 + earlier)
        messages.append(Message("user", f"{lead}{question}"))
        request = ChatRequest("offline", "", messages, (), 1, 0, len(messages), brief)
        said = offline.speak(request, brief, material, makes_up=True).text
        values.add(said.rpartition(": ")[2].rstrip("."))
    (value,) = values
    assert re.fullmatch(shape, value)


@pytest.mark.parametrize(
    "said",
    [
        ("(555) 014-2298 is what you have", "it should be (555) 014-7731"),
        ("Change it from (555) 014-2298 to (555) 014-7731",),
        ("(555) 014-2298", "(555) 014-7731"),
        ("My phone is (555) 014-2298", "My new phone number is (555) 014-7731"),
    ],
)
def test_it_tells_its_old_value_from_its_new_one(said: tuple[str, ...]) -> None:
    brief = persona("SHORT", material=tuple(("", text) for text in said))
    assert values(speak(brief, "What is your current phone number?")) == ["(555) 014-2298"]
    assert values(speak(brief, "What is your new phone number?")) == ["(555) 014-7731"]


@pytest.mark.parametrize("said", ["Please send it to 12 Main Street, Leeds", "My new address is 12 Main Street, Leeds"])
def test_a_plain_question_is_answered_by_the_only_value(said: str) -> None:
    brief = persona("SHORT", material=(("", said),))
    assert "12 Main Street" in speak(brief, "What is your full address?").text


def test_a_value_is_not_given_as_both_the_old_and_the_new_one() -> None:
    brief = persona("SHORT", material=(("Your name?", "Ada Byron"), ("And the new name?", "Ada Byron")))
    assert values(speak(brief, "What is your current name?")) == ["Ada Byron"]
    assert not knows(speak(brief, "What is your new name?"))


def test_a_name_that_is_spelled_wrong_on_the_account_is_replaced_by_itself() -> None:
    wrong = ("How can I help?", "My account has my name, and it is not spelled right.")
    brief = persona("SHORT", material=(wrong, ("Your name?", "Ada Byron")))
    assert values(speak(brief, "What is your new full name?")) == ["Ada Byron"]


@pytest.mark.parametrize(
    ("said", "question", "value"),
    [
        ((("How many days have you been waiting?", "5 days"),), "How long ago was that, in days?", "5 days"),
        ((("How much would you like to pay?", "99"),), "May I have the amount in dollars, please?", "99"),
        ((("How much?", "The refund amount is 474"), ("", "$74")), "May I have the amount in dollars?", "$74"),
        (
            (("What is your mother's maiden name?", "Lovelace"),),
            "Your security question, your maiden name?",
            "Lovelace",
        ),
        ((("", "The security question's answer is Rex if that helps"),), "Your security answer?", "Rex"),
        ((("", "I'm ada77 and forgot the password"),), "What is your username?", "ada77"),
        ((("", "I need help"), ("", "Ada byron")), "May I have your full name?", "Ada byron"),
        ((("Your account and order IDs?", "I am a gold member too 7334417122"),), "Your order ID?", "7334417122"),
        ((("And the current number on file?", "5550142298"),), "What is your current phone number?", "5550142298"),
    ],
)
def test_a_value_is_found_by_what_was_asked_and_said_before_it(
    said: tuple[tuple[str, str], ...], question: str, value: str
) -> None:
    text = speak(persona("SHORT", material=said), question).text
    assert value in text
    assert knows(PersonaReply(text, THOUGHTS))


@pytest.mark.parametrize("said", ["The order number is 555-014-2298", "Order ID 5550142298", "Shoes are my life!"])
def test_a_number_or_a_phrase_of_something_else_is_no_answer(said: str) -> None:
    brief = persona("SHORT", material=(("May I have your name, phone number and order ID?", said),))
    assert not knows(speak(brief, "What is your phone number?"))
    assert not knows(speak(brief, "What is your full name?"))


def test_it_tells_what_it_has_from_what_it_wants_instead() -> None:
    before = "What payment method would you like?"
    wants, has = (before, "I want to switch it to Paypal"), ("", "I think I am paying by debit card right now")
    brief = persona("SHORT", material=(wants, has))
    assert "paypal" in speak(brief, "What is your new payment method: debit card or paypal?").text.lower()
    assert "debit card" in speak(brief, "What is your current payment method: debit card or paypal?").text.lower()


def test_words_of_the_agent_that_ask_nothing_are_not_answered() -> None:
    brief = persona("SHORT", material=(("Here is your new password. Anything else?", "That is all. I can log in."),))
    assert not knows(speak(brief, "I can't see your password. What is the answer to your security question?"))


def test_a_question_that_only_mentions_a_kind_is_answered_as_it_was() -> None:
    material = (("Did our e-mail reach you?", "It came this morning."),)
    assert (
        speak(persona("SHORT", material=material), "Did the e-mail reach you?").text.count("It came this morning") == 1
    )


def test_one_token_is_not_the_answer_to_two_questions() -> None:
    material = (("May I have your account ID and your order ID?", "7F3K9Q2L"),)
    brief = persona("SHORT", material=material)
    messages = [Message("user", "Hi."), Message("assistant", "My lamp broke.")]
    messages += [Message("user", "What is your account ID?"), Message("assistant", "7F3K9Q2L")]
    messages += [Message("user", "What is your order ID?")]
    request = ChatRequest("offline", "", messages, (), 1, 0, 5, brief)
    assert not knows(next_step(request, brief))


def test_it_chooses_one_of_the_options() -> None:
    assert speak(persona("SHORT"), "Which would you like: the red one, the blue one or the green one?").text in (
        "Red one",
        "Blue one",
        "Green one",
    )


def leaves(reply: PersonaReply) -> bool:
    return reply.leaves and not reply.silent


def thoughts(reply: PersonaReply) -> Thoughts:
    assert reply.thoughts is not None
    return reply.thoughts


@pytest.mark.parametrize(
    "said",
    [
        "I'll take care of that for you right away.",
        "We take care of all our customers, so let me look at that.",
        "Is the lamp damaged, or is it something else?",
        "What else did you order?",
        "Is there anything else wrong with the lamp?",
        "Do you remember anything else about the order?",
        "Is that all that was in the box?",
        "Please confirm with yes. If there is anything else, let me know afterwards.",
        "Have a good look at the lamp. Is it cracked?",
        "Have a nice day! But first, what is your order ID?",
        "You can say goodbye to shipping fees.",
        "Before we say goodbye, please tell me your order ID.",
        "Thank you for contacting us about your lamp, I'll look into it.",
        "You're welcome. Let me look that up for you.",
        "Thanks for your further questions; I'm reading them now.",
        "Stand by, please.",
        "I'll send that to you shortly.",
        "Someone will be with you soon.",
        "Is there anything else you remember?",
        "Before closing the chat, please tell me your order ID.",
        "Later today the driver comes.",
        "Guten Tag!",
        "Noch eine Frage: wie lautet Ihre Postleitzahl?",
        "Ist sonst noch etwas an der Lampe kaputt?",
        "Haben Sie noch etwas anderes bestellt?",
        "Fehlt noch etwas in dem Paket?",
        "Ist das alles, was in der Schachtel war?",
        "Die Lampe kommt bis morgen.",
        "Schönen Dank für Ihre Nachricht, ich sehe nach.",
        "Bitte bestätigen Sie mit Ja. Wenn es sonst noch etwas gibt, sagen Sie mir danach Bescheid.",
    ],
)
@pytest.mark.parametrize("material", [MATERIAL, ()])
def test_it_stays_when_the_agent_only_uses_the_words_of_a_goodbye(
    said: str, material: tuple[tuple[str, str], ...]
) -> None:
    for length in ("SHORT", "MEDIUM", "LONG"):
        assert not leaves(speak(persona(length, material=material), said))


@pytest.mark.parametrize(
    "said",
    [
        "Is there anything else I can help you with?",
        "Great! Anything else?",
        "Can I help you with something else today?",
        "Do you have any other questions for me?",
        "Do you need any further assistance?",
        "What else can I do for you?",
        "Will that be all?",
        "If there is anything else, let me know.",
        "Your refund is on its way. Is there anything more I may help you with?",
        "Goodbye!",
        "Thanks for calling. Bye-bye.",
        "Have a great rest of your day.",
        "Enjoy your evening!",
        "Take care, and stay safe!",
        "Thank you for your time, take care.",
        "You too!",
        "I hope you have a lovely weekend.",
        "Thanks again, and have a wonderful rest of your week!",
        "Cheerio!",
        "Talk soon!",
        "I'm closing this chat now.",
        "How else may I assist you today?",
        "Does that answer all your questions?",
        "Feel free to reach out if you need anything else.",
        "Tschüssi!",
        "Bis bald!",
        "Machen Sie's gut!",
        "Alles Gute!",
        "Ihnen noch einen angenehmen Abend!",
        "Schönes Wochenende!",
        "Kann ich Ihnen noch weiterhelfen?",
        "Womit kann ich noch helfen?",
        "Wäre das dann alles?",
        "Sonst noch Wünsche?",
        "Falls Sie noch etwas brauchen, sagen Sie Bescheid.",
        "Bei weiteren Fragen stehe ich Ihnen gern zur Verfügung.",
    ],
)
def test_it_leaves_after_a_goodbye_or_a_closing_question(said: str) -> None:
    for length in ("SHORT", "MEDIUM", "LONG"):
        assert leaves(speak(persona(length, material=()), said))


@pytest.mark.parametrize(
    "said",
    [
        "No.",
        "Nope, cheers!",
        "Nothing, ta.",
        "Nee, danke.",
        "Nö, das wär's.",
        "Das war dann alles.",
        "Gerade nicht.",
        "Nein, alles bestens.",
        "Mehr brauche ich nicht.",
        "Dankeschön, bis bald!",
        "Nicht dass ich wüsste.",
    ],
)
def test_it_knows_the_real_customers_no_in_any_words(said: str) -> None:
    assert parts(said, Cue.MORE, last=False)


@pytest.mark.parametrize("said", ["Ja, wie lange dauert das?", "Doch, eine Frage habe ich.", "Yes, one more thing."])
def test_it_knows_that_the_real_customer_wanted_more(said: str) -> None:
    assert not parts(said, Cue.MORE, last=False)


def test_asked_for_more_it_first_says_what_the_real_customer_still_wanted() -> None:
    question = "Is there anything else I can help you with?"
    assert speak(persona(), question).text == "How long will that take?"
    assert leaves(speak(persona(), question, own=("My lamp broke.", "How long will that take?")))


def test_a_curious_persona_also_asks_what_the_real_customer_asked_before() -> None:
    material = (("I see.", "Do you also sell bulbs?"), ("Is there anything else?", "No, that's all."))
    question = "Is there anything else?"
    assert speak(persona(traits=("asks_many_questions",), material=material), question).text == material[0][1]
    assert leaves(speak(persona(material=material), question))


def test_it_leaves_unasked_where_the_real_customer_did() -> None:
    material = (("May I have your name?", "Ada Byron"), ("Your order is on its way.", "Great, thanks."))
    own = ("My lamp broke.", "Ada Byron")
    assert leaves(speak(persona(material=material), "It will arrive on Monday.", own=own))
    assert not leaves(speak(persona(material=material), "One moment, I'm looking that up.", own=own))
    assert not leaves(speak(persona(material=material), "It will arrive on Monday."))


def test_an_objecting_persona_gives_in_when_it_is_asked_again() -> None:
    question = "May I have your order ID, please?"
    brief = persona(objects="HIGH", tone="skeptical")
    replies = [speak(brief, question, seed=seed).text for seed in range(60)]
    objections = [text for text in replies if "99887766" not in text]
    assert 5 < len(objections) < 30
    messages = (Message("user", question), Message("assistant", objections[0]), Message("user", f"I see. {question}"))
    for seed in range(60):
        request = ChatRequest("offline", "", messages, (), seed, 0, 3, brief)
        assert "99887766" in next_step(request, brief).text


def test_asked_again_it_answers_with_yes_or_no_what_the_real_customer_evaded() -> None:
    question, evaded = "Shall I cancel the order and refund it?", "Please tell me first what the refund would be."
    brief = persona(material=(("Shall I refund the order?", evaded),))
    messages = (Message("user", question), Message("assistant", evaded), Message("user", f"Sorry. {question}"))

    assert evaded in speak(brief, question).text
    request = ChatRequest("offline", "", messages, (), 1, 0, 3, brief)
    assert agrees(next_step(request, brief).text) is not None


def test_a_persona_that_rarely_responds_is_silent_at_times_and_never_twice_in_a_row() -> None:
    brief = persona(traits=("rarely_responds",))
    question = "May I have your order ID, please?"
    silent = [reply.silent for reply in (speak(brief, question, seed=seed) for seed in range(60))]
    assert 5 < sum(silent) < 40
    assert not any(speak(brief, question, f"Are you there? {question}", seed=seed).silent for seed in range(60))


def test_a_persona_that_tests_the_opt_out_does_so_once() -> None:
    brief = persona(traits=("tests_opt_out",))
    phrases = wording().traits["tests_opt_out"]["opt_out"]
    said = {
        speak(brief, "Your name?", own=("My lamp broke.", "Yes.", "Yes.", "Yes."), seed=seed).text for seed in range(9)
    }
    assert all(any(phrase.is_in(text) for phrase in phrases) for text in said)
    again = speak(brief, "Your name?", own=("My lamp broke.", "Yes.", said.pop(), "Yes."))
    assert not any(phrase.is_in(again.text) for phrase in phrases)


def test_traits_add_questions() -> None:
    brief = persona(traits=("asks_about_cost",))
    questions = wording().traits["asks_about_cost"]["ask"]
    replies = [speak(brief, "How would you like your refund?", seed=seed).text for seed in range(60)]
    assert any(question.is_in(text) for text in replies for question in questions)


def test_some_traits_make_it_change_the_subject_or_press_for_time() -> None:
    own = ("My lamp broke.", "Yes.", "Yes.", "Yes.", "Yes.")
    for trait, use in (("changes_the_subject", "aside"), ("wants_it_short", "hurry")):
        brief = persona(traits=(trait,))
        replies = [speak(brief, "How would you like your refund?", own=own, seed=seed).text for seed in range(20)]
        said = [any(phrase.is_in(text) for phrase in wording().traits[trait][use]) for text in replies]
        assert 2 < sum(said) < 18


def test_it_gives_no_value_before_it_is_asked_for_it() -> None:
    material = (("Who are you?", "Ada Byron, the order ID is 99887766"),)
    assert "99887766" not in speak(persona("LONG", material=material), "May I have your name, please?").text


def test_now_and_then_it_corrects_a_slip_and_the_agent_takes_the_second_value() -> None:
    question = "What is your order ID?"
    replies = [speak(persona(), question, seed=seed).text for seed in range(100)]
    slips = [text for text in replies if values(PersonaReply(text, THOUGHTS))[0] != "99887766"]
    assert 1 < len(slips) < 25
    slot = slot_of(Ask("order_id", question))
    for text in replies:
        assert Filler(Texts()).fill(slot, [Heard(text, question)], question, frozenset()) == "99887766"


def test_it_never_says_the_same_twice_in_a_row() -> None:
    for seed in range(20):
        own = ["My lamp broke."]
        for _ in range(6):
            own.append(speak(persona("SHORT"), "May I have your account ID?", own=tuple(own), seed=seed).text)
        assert all(first != second for first, second in itertools.pairwise(own))


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_phrase_has_a_value_and_a_value_in_a_phrase_is_found(language: str) -> None:
    words = wording(language)
    for uses in (words.persona, *words.tones.values(), *words.traits.values()):
        for use, phrase in ((use, phrase) for use, phrases in uses.items() for phrase in phrases):
            for seed in range(40 if "{wrong}" not in phrase.template else 0):
                text = phrase.text(lambda choice, seed=seed: draw(seed, 0, 0, choice))  # type: ignore[misc]
                for value in ("99887766", "ada@example.com", "12 Main Street, Springfield") if "{text}" in text else ():
                    filled = text.replace("{text}", value)
                    assert value in [mention.value for mention in mentions(filled)], (use, filled)
                bare = text.replace("{text}", "").format(goal="", Goal="")
                assert not mentions(bare), (use, bare)


def test_without_a_source_it_opens_from_its_goal() -> None:
    brief = persona(opening=(), material=(), goal="Find out what a lamp costs.")
    reply = next_step(ChatRequest("offline", "", (), (), 1, 0, 1, brief), brief)
    assert "find out what a lamp costs" in reply.text.lower()


def test_it_says_a_goal_in_another_language_than_english_as_it_is_written() -> None:
    brief = replace(persona(opening=(), material=(), goal="Ich möchte meine Lampe zurückgeben."), language="German")
    opening = next_step(ChatRequest("offline", "", (), (), 1, 0, 1, brief), brief).text
    assert "ich möchte meine Lampe zurückgeben" in opening.replace("Ich", "ich")
    assert "I'd like" not in opening


GOAL = "You want to exchange your lamp. You are Ada Byron in zip code 20417. You do not remember your order ID."


def test_it_pursues_its_goal_in_the_first_person_and_tells_the_facts_in_it_only_when_asked() -> None:
    brief = persona(opening=(), material=(), goal=GOAL)
    opening = next_step(ChatRequest("offline", "", (), (), 1, 0, 1, brief), brief).text
    assert "I want to exchange my lamp" in opening
    assert "Ada" not in opening
    assert values(speak(brief, "May I have your full name?", own=(opening,))) == ["Ada Byron"]
    assert values(speak(brief, "What is your zip code?", own=(opening,))) == ["20417"]
    assert not knows(speak(brief, "What is your order ID?", own=(opening,)))


def test_it_runs_out_of_patience() -> None:
    own = tuple(f"Answer {number}" for number in range(20))
    reply = speak(persona(), "And what is your favourite lamp?", own=own)
    assert leaves(reply)
    assert (thoughts(reply).sentiment, thoughts(reply).likely_to_convert) == (Sentiment.NEGATIVE, 0)


def test_an_objection_annoys_it_and_makes_it_less_likely_to_convert() -> None:
    brief = persona(objects="HIGH", tone="skeptical")
    replies = [speak(brief, "May I have your order ID, please?", seed=seed) for seed in range(60)]
    likely = {
        sentiment: {thoughts(reply).likely_to_convert for reply in replies if thoughts(reply).sentiment is sentiment}
        for sentiment in Sentiment
    }
    assert likely == {Sentiment.POSITIVE: set(), Sentiment.NEUTRAL: {30}, Sentiment.NEGATIVE: {20}}


def test_it_leaves_content_when_nothing_annoyed_it() -> None:
    reply = speak(persona(objects="LOW", material=()), "Goodbye!")
    assert (thoughts(reply).sentiment, thoughts(reply).likely_to_convert) == (Sentiment.POSITIVE, 90)


@given(st.lists(st.text(max_size=40), max_size=6), st.sampled_from(["SHORT", "MEDIUM", "LONG"]), st.integers(0, 99))
def test_it_answers_everything_and_gives_the_same_answer_again(asked: list[str], length: str, seed: int) -> None:
    traits = ("rarely_responds", "tests_opt_out", "asks_for_details", "unheard_of")
    brief = persona(length, "HIGH", traits, tone="cold and skeptical")
    reply = speak(brief, *asked, seed=seed)
    assert reply.silent or reply.text.strip()
    assert thoughts(reply).reasoning
    assert 0 <= thoughts(reply).likely_to_convert <= 100
    assert reply == speak(brief, *asked, seed=seed)
