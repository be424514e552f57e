"""The offline model as the agent: it executes a procedure's steps over the conversation so far."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.synthesizer.offline.agent import Plays
from services.synthesizer.offline.kinds import Texts
from services.synthesizer.offline.wording import wording
from shared.llm.base import SILENCE, ChatReply, ChatRequest, Message, ToolRequest
from shared.llm.briefs import AgentBrief
from shared.llm.builtin_tools import END_CONVERSATION
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool

FIND = Tool("find_order")
NAME = Ask("full_name", "May I have your full name?")
ORDER = Ask("order_id", "What is your order ID?")


def user(text: str) -> Message:
    return Message("user", text)


def agent(text: str) -> Message:
    return Message("assistant", text)


def called(tool: str, result: Any) -> list[Message]:
    return [Message("assistant", call=ToolRequest(tool)), Message("tool", result=result)]


def act(steps: Sequence[Step], *messages: Message, tools: Sequence[Tool] = (FIND,)) -> ChatReply:
    return next_of(Plays(Texts()), steps, messages, tools)


def next_of(
    plays: Plays, steps: Sequence[Step], messages: Sequence[Message], tools: Sequence[Tool] = (FIND,)
) -> ChatReply:
    brief = AgentBrief("", tuple(steps))
    return plays.act(
        ChatRequest("offline", "", messages, (*tools, END_CONVERSATION), 1, 2, len(messages), brief), brief
    )


def filled(step: Ask, *said: str) -> Any:
    """The slot's value after these utterances: the first is unasked, the others reply to the question."""
    messages = [user(said[0])]
    for answered in said[1:]:
        messages += [agent(step.question), user(answered)]
    reply = act((step, Call("find_order", {"value": step.slot})), *messages)
    return reply.call.arguments.get("value") if reply.call else None


def test_it_says_and_asks_in_one_message() -> None:
    reply = act((Say("We are open."), NAME), user("Hello"))
    assert "We are open." in reply.text
    assert reply.text.endswith("May I have your full name?")


def test_it_does_not_ask_for_what_was_said_before() -> None:
    reply = act((NAME, Call("find_order", {"name": "full_name"})), user("Hi, my name is Ada Byron and my lamp broke."))
    assert reply.call == ToolRequest("find_order", {"name": "Ada Byron"})


@pytest.mark.parametrize(
    ("step", "said", "value"),
    [
        (NAME, ("Hello", "Ada Byron"), "Ada Byron"),
        (NAME, ("Hello", "sure, it's ada byron"), "ada byron"),
        (NAME, ("Hello", "Yes, Ada Byron. How long will it take?"), "Ada Byron"),
        (NAME, ("Hello", "Ada Byron and my account is 7F3K9Q2L"), "Ada Byron"),
        (NAME, ("Hello", "STOP"), None),
        (ORDER, ("My order ID is 99887766 and my account ID is 7F3K9Q2L",), "99887766"),
        (ORDER, ("Hello", "My account ID is 7F3K9Q2L"), None),
        (ORDER, ("Hello", "99887766"), "99887766"),
        (Ask("email", "Your e-mail?", {"format": "email"}), ("I am ada@example.com.",), "ada@example.com"),
        (Ask("phone", "Your phone number?"), ("call (555) 014-2298",), "(555) 014-2298"),
        (Ask("zip_code", "Your zip code?"), ("Hello", "It's 12345"), "12345"),
        (Ask("amount", "How much was it?"), ("I was charged $40 for it",), "$40"),
        (Ask("amount", "How much was it?"), ("Hello", "40, I think"), "40"),
        (Ask("visit_date", "When?", {"format": "date"}), ("next monday please",), "next monday"),
        (Ask("waiting_time", "How long, in days?"), ("Hello", "It's been five days"), "5"),
        (Ask("waiting_time", "How long, in days?"), ("Hello", "2 weeks"), "2 weeks"),
        (Ask("security_answer", "Your mother's maiden name?"), ("Hello", "Lovelace, if it costs nothing"), "Lovelace"),
        (Ask("security_answer", "Your mother's maiden name?"), ("Hello", "No. Not my problem."), None),
        (Ask("phone", "Your phone number?"), ("Hello", "The order number is 555-014-2298"), None),
        (Ask("account_id", "Your account ID?"), ("Hello", "my account id is PSIWLUGAEY."), "PSIWLUGAEY"),
        (Ask("order_id", "Your order ID?"), ("Hello", "I'm a gold member, too 7334417122"), "7334417122"),
        (Ask("item", "Which item?"), ("All Delta shirts are sold out",), "Delta shirts"),
        (Ask("item", "Which item?"), ("Hello", "Delta Blue jacket, size XL"), "Delta Blue jacket, size XL"),
        (Ask("address", "Your address?"), ("Hello", "4 Elm St., San Lima, Texas"), "4 Elm St., San Lima, Texas"),
        (Ask("heard", "How?", {"enum": ["email", "news"]}), ("Hello", "ada@email.com"), "email"),
        (Ask("party_size", "How many people?", {"type": "integer"}), ("Hello", "We are four"), "4"),
        (Ask("address", "Your address?"), ("Hello", "12 Main Street, Springfield"), "12 Main Street, Springfield"),
        (Ask("level", "Which?", {"enum": ["gold", "silver"]}), ("I'm a GOLD member",), "gold"),
        (Ask("how", "How?", {"enum": ["by_mail", "in_store"]}), ("Hello", "in the store I guess"), "in_store"),
        (Ask("contact", "How?", {"enum": ["email", "phone"]}), ("My email: a@example.com",), None),
        (Ask("code", "Code?", {"pattern": "^LH-\\d{5}$"}), ("order LH-20417 broke",), "LH-20417"),
        (Ask("agrees", "Do you agree?", {"type": "boolean"}), ("Hello", "Yeah, sure"), "true"),
        (Ask("note", "Anything to note?"), ("Hello", "Please ring twice."), "ring twice"),
        (Ask("note", "Anything to note?"), ("Hello", "I don't know"), None),
        (Ask("kind", "?", {"const": "fixed"}), ("Hello",), "fixed"),
    ],
)
def test_a_slot_is_filled_by_its_schema_and_its_name(step: Ask, said: tuple[str, ...], value: str | None) -> None:
    assert filled(step, *said) == value


def test_a_name_that_is_spelled_wrong_is_replaced_by_itself_spelled_right() -> None:
    steps = (
        Ask("full_name", "Your name?"),
        Ask("new_full_name", "Your new name?"),
        Call("find_order", {"to": "new_full_name"}),
    )
    wrong = user("My account has my name spelled wrong.")
    named = [wrong, agent("Your name?"), user("Ada Byron"), agent("Your new name?")]
    assert act(steps, *named[:3]).text.endswith("Your new name?")
    assert act(steps, *named, user("Ada Byron")).call == ToolRequest("find_order", {"to": "Ada Byron"})


@pytest.mark.parametrize("pattern", ["^((a+))+$", "^(a|a)+$", "(.*a){20}b", "(?=a)b", "("])
def test_every_pattern_of_a_slot_takes_bounded_time(pattern: str) -> None:
    step = Ask("code", "What is your code?", {"pattern": pattern})
    before = time.process_time()
    assert filled(step, f"1{'a' * 20_000}!") is None
    assert time.process_time() - before < 2


def test_a_slot_for_a_new_value_is_not_filled_with_the_old_one() -> None:
    steps = (
        Ask("current_name", "Your current name?"),
        Ask("new_name", "Your new name?"),
        Call("find_order", {"to": "new_name"}),
    )
    first = act(steps, user("My name is Ada Byron"))
    assert first.text.endswith("Your new name?")
    second = act(steps, user("My name is Ada Byron"), agent("Your new name?"), user("Ada Lovelace"))
    assert second.call == ToolRequest("find_order", {"to": "Ada Lovelace"})


ACCOUNT = Ask("account_id", "May I have your account ID, please?")
EITHER = Ask("full_name", "May I have your full name or your account ID, please?")
CALL = Call("find_order", {"name": "full_name", "account": "account_id"})


@pytest.mark.parametrize(
    ("said", "arguments"),
    [
        ("7F3K9Q2L", {"account": "7F3K9Q2L"}),
        ("My account ID is 7F3K9Q2L.", {"account": "7F3K9Q2L"}),
        ("I only have the account number, 40718852", {"account": "40718852"}),
        ("Ada Byron", {"name": "Ada Byron"}),
    ],
)
def test_an_answer_to_either_part_of_a_question_is_taken(said: str, arguments: dict[str, str]) -> None:
    enough = Branch("[full_name, account_id].filter(value, value != '').size() >= 1", "call")
    steps = (EITHER, enough, ACCOUNT, Call("find_order", CALL.arguments, id="call"))
    assert act(steps, user("Hello"), agent(EITHER.question), user(said)).call == ToolRequest("find_order", arguments)


@pytest.mark.parametrize(
    ("said", "option"), [("40718852", "Account ID"), ("account id", "Account ID"), ("Ada Byron", "Full name")]
)
def test_a_value_of_the_kind_that_an_option_names_chooses_it(said: str, option: str) -> None:
    step = Ask("which", "Which of these is it: full name or account id?", {"enum": ["Full name", "Account ID"]})
    assert filled(step, "Hello", said) == option


@pytest.mark.parametrize(
    ("said", "without"),
    [("I don't know.", True), ("I can't find it.", True), ("Ada Byron", False), ("7F3K9Q2L", False), ("Why?", False)],
)
def test_it_says_that_it_goes_on_without_only_what_was_declined(said: str, without: bool) -> None:
    step = Ask("full_name", EITHER.question, optional=True)
    text = act((step, Ask("wish", "What can I do?")), user("Hello"), agent(EITHER.question), user(said)).text
    assert any(phrase.is_in(text) for phrase in wording().agent["without"]) == without


@pytest.mark.parametrize(
    ("slot", "said", "value"),
    [
        ("phone", "Change my phone from (555) 014-2298 to (555) 014-7731", "(555) 014-7731"),
        ("phone", "(555) 014-2298 is wrong, it should be (555) 014-7731", "(555) 014-7731"),
        ("phone", "my new number: (555) 014-7731, the old one was (555) 014-2298", "(555) 014-7731"),
        ("address", "Not 12 Main Street, Leeds, but now 9 Oak Avenue, York", "9 Oak Avenue, York"),
        ("email", "from a@example.com to b@example.com please", "b@example.com"),
    ],
)
def test_a_reply_with_an_old_and_a_new_value_gives_the_new_one(slot: str, said: str, value: str) -> None:
    assert filled(Ask(f"new_{slot}", f"What is your new {slot}?"), "Hello", said) == value


@pytest.mark.parametrize("said", ["My phone is (555) 014-2298.", "Hello"])
def test_a_value_that_nobody_called_new_is_no_new_one(said: str) -> None:
    step = Ask("new_phone", "What is your new phone number?")
    assert act((step, Call("find_order", {"to": "new_phone"})), user(said)).text.endswith(step.question)


def test_a_tool_is_not_called_without_any_of_its_arguments() -> None:
    steps = (Ask("new_name", "Your new name?", optional=True), Call("find_order", {"name": "new_name"}), End("Bye."))
    reply = act(steps, user("Hello"), agent("Your new name?"), user("I don't know."))
    assert reply.call is not None
    assert reply.call.tool == END_CONVERSATION.name


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("May I have your PIN number or {{ other }}, please?", "May I have your PIN number, please?"),
        ("May I have {{ other }} or your account ID, please?", "May I have your account ID, please?"),
        ("Hello {{ other }}, how are you?", "Hello, how are you?"),
        ("Which one: {{ other }}, red or blue?", "Which one: red or blue?"),
        ("Your order ({{ other }}) is ready.", "Your order is ready."),
        ("Is it red, {{ other }}, or blue?", "Is it red, or blue?"),
        ("Tell me the name or the {{ other }}.", "Tell me the name."),
        ("It is {{ 'red' | alternatives: other, 'blue', 'green' }}.", "It is red, blue or green."),
        ("It is {{ other | alternatives: 'red' }}.", "It is red."),
    ],
)
def test_no_empty_part_is_spoken(template: str, text: str) -> None:
    steps = (Ask("wish", template), Ask("other", "And the other?"))
    assert act(steps, user("Hello")).text.endswith(text)


def test_it_asks_twice_and_continues_without_the_value() -> None:
    messages = [user("Hello"), agent(NAME.question), user("Why?")]
    assert act((NAME, End("Bye.")), *messages).text.endswith(NAME.question)
    reply = act((NAME, End("Bye.")), *messages, agent(NAME.question), user("No way."))
    assert reply.call is not None
    assert reply.call.tool == END_CONVERSATION.name


def test_silence_is_no_answer() -> None:
    messages = [user("Hello"), agent(NAME.question), user(SILENCE)]
    assert act((NAME, Call("find_order", {"name": "full_name"})), *messages).text.endswith(NAME.question)


def test_an_argument_has_the_type_of_the_tools_schema() -> None:
    tool = Tool("book", arguments_schema={"properties": {"people": {"type": "integer"}}})
    step = Ask("people", "How many people?", {"type": "integer"})
    reply = act((step, Call("book", {"people": "people"})), user("Hi"), agent(step.question), user("3"), tools=(tool,))
    assert reply.call == ToolRequest("book", {"people": 3})


def test_a_tool_is_not_called_without_its_required_arguments() -> None:
    tool = Tool("book", arguments_schema={"properties": {"people": {"type": "integer"}}, "required": ["people"]})
    reply = act((Call("book", {"people": "people"}), End("Bye.")), user("Hi"), tools=(tool,))
    assert reply.call is not None
    assert reply.call.tool == END_CONVERSATION.name


@pytest.mark.parametrize(("shipped", "says"), [(True, "On its way."), (False, "Still here.")])
def test_it_branches_by_the_answer_of_a_tool(shipped: bool, says: str) -> None:
    steps = (
        Call("find_order"),
        Branch("results.find_order.shipped == true", "shipped"),
        End("Still here."),
        End("On its way.", id="shipped"),
    )
    reply = act(steps, user("Hello"), *called("find_order", {"shipped": shipped}))
    assert reply.call is not None
    assert says in reply.call.arguments["text"]


def test_it_tells_the_error_of_a_tool_and_continues() -> None:
    error = {"error": {"code": "DOWN", "message": "The system is down."}}
    reply = act((Call("find_order"), NAME), user("Hello"), *called("find_order", error))
    assert "The system is down." in reply.text
    assert reply.text.endswith(NAME.question)


def test_a_loop_of_steps_ends() -> None:
    assert act((Say("Round.", id="a"), Branch("true", "a")), user("Hello")).text


def test_after_the_last_step_it_asks_for_more_until_the_user_declines() -> None:
    asked = act((Say("Done."),), user("Hello"))
    assert asked.text.startswith("Done.")
    more = act((Say("Done."),), user("Hello"), agent(asked.text), user("Can you also sing?"))
    assert more.text
    end = act((Say("Done."),), user("Hello"), agent(asked.text), user("No, that's all."))
    assert end.call is not None
    assert end.call.tool == END_CONVERSATION.name


def test_it_never_says_the_same_twice_in_a_row() -> None:
    brief = AgentBrief("", (Say("Done."),))
    for seed in range(300):
        said: list[Message] = [user("Hello")]
        for _ in range(3):
            request = ChatRequest("offline", "", tuple(said), (END_CONVERSATION,), seed, 0, len(said), brief)
            said += [agent(Plays(Texts()).act(request, brief).text), user("I see.")]
        assert said[1].text != said[3].text
        assert said[3].text != said[5].text


def test_with_instructions_only_it_asks_for_the_arguments_of_the_matching_tool() -> None:
    tools = (
        Tool("cancel_booking", "Cancel a booking.", {"properties": {"reference": {}}, "required": ["reference"]}),
        Tool("play_music", "Play music."),
    )
    messages = [user("Please cancel my booking")]
    asked = act((), *messages, tools=tools)
    assert "reference" in asked.text
    reply = act((), *messages, agent(asked.text), user("Sure, it's XK42Z7"), tools=tools)
    assert reply.call == ToolRequest("cancel_booking", {"reference": "XK42Z7"})


def test_with_instructions_only_it_finds_the_user_and_confirms_the_one_tool_that_changes_something() -> None:
    text = {"type": "string"}
    tools = (
        Tool("find_user_id_by_email", "Find a user.", {"properties": {"email": text}, "required": ["email"]}),
        Tool("cancel_order", "Cancel an order.", {"properties": {"user_id": text}, "required": ["user_id"]}),
        Tool("return_order", "Return an order.", {"properties": {"user_id": text}, "required": ["user_id"]}),
        END_CONVERSATION,
    )
    brief = AgentBrief("Obtain explicit confirmation before you change anything.", ())

    def replies(*messages: Message) -> ChatReply:
        return Plays(Texts()).act(ChatRequest("offline", "", messages, tools, 1, 2, len(messages), brief), brief)

    wish = user("Please cancel my order")
    asked = replies(wish)
    assert "email" in asked.text
    said = (wish, agent(asked.text), user("ada@example.com"))
    assert replies(*said).call == ToolRequest("find_user_id_by_email", {"email": "ada@example.com"})
    found = (*said, *called("find_user_id_by_email", "ada_byron_1815"))
    confirms = replies(*found)
    assert "cancel order" in confirms.text
    assert replies(*found, agent(confirms.text), user("Yes, please.")).call == ToolRequest(
        "cancel_order", {"user_id": "ada_byron_1815"}
    )
    refused = replies(*found, agent(confirms.text), user("No, wait."))
    assert refused.call is None


def test_a_greeting_before_the_users_first_words_is_not_taken_for_a_question() -> None:
    reply = act((NAME,), agent("Welcome!"), user("Hi"))
    assert reply.text.endswith(NAME.question)


def test_it_speaks_first_when_nothing_was_said() -> None:
    assert act((NAME,)).text.endswith(NAME.question)


TURNS = st.lists(
    st.one_of(
        st.builds(user, st.text(max_size=30)),
        st.builds(agent, st.text(max_size=30)),
        st.builds(
            lambda result: Message("tool", result=result), st.none() | st.text() | st.dictionaries(st.text(), st.none())
        ),
        st.builds(lambda tool: Message("assistant", call=ToolRequest(tool)), st.sampled_from(["find_order", "x"])),
    ),
    max_size=12,
)


@given(TURNS)
def test_it_answers_every_conversation_and_gives_the_same_answer_again(messages: list[Message]) -> None:
    steps = (
        NAME,
        Call("find_order", {"name": "full_name"}),
        Branch("results.find_order.ok == true", "end"),
        ORDER,
        End("Bye", id="end"),
    )
    reply = act(steps, *messages)
    assert reply.call is not None or reply.text.strip()
    assert reply == act(steps, *messages)


@given(TURNS, st.lists(st.integers(1, 4), max_size=12))
def test_a_continued_play_acts_like_one_from_the_beginning(messages: list[Message], pauses: list[int]) -> None:
    steps = (Say("Hi."), NAME, Call("find_order", {"name": "full_name"}), ORDER, Call("x"), End("Bye"))
    plays, upto = Plays(Texts()), 0
    for more in pauses:
        upto += more
        so_far = tuple(messages[:upto])
        assert next_of(plays, steps, so_far, (FIND, Tool("x"))) == act(steps, *so_far, tools=(FIND, Tool("x")))


def test_a_play_is_continued_through_a_whole_conversation() -> None:
    steps = (Say("Hi."), NAME, Call("find_order", {"name": "full_name"}), ORDER, Say("Thanks."), ORDER, End("Bye"))
    plays, messages = Plays(Texts()), [agent("Welcome!"), user("My lamp broke")]
    for said in ("no", "I don't know", "", "Ada Byron", "what?", "12345678", "no", "bye"):
        reply = next_of(plays, steps, messages)
        assert reply == act(steps, *messages)
        if reply.call is None:
            messages += [agent(reply.text), user(said or SILENCE)]
        else:
            messages += [Message("assistant", call=reply.call), Message("tool", result={"error": {"code": "NO"}})]
