"""The offline model as the agent: it executes a procedure's steps over the conversation so far."""

import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.llm.base import END_CONVERSATION, SILENCE, AgentBrief, ChatReply, ChatRequest, Message, ToolRequest
from shared.llm.offline.agent import Plays
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
    return next_of(Plays(), steps, messages, tools)


def next_of(
    plays: Plays, steps: Sequence[Step], messages: Sequence[Message], tools: Sequence[Tool] = (FIND,)
) -> ChatReply:
    brief = AgentBrief("", tuple(steps))
    return plays.act(
        ChatRequest("offline", "", messages, (*tools, END_CONVERSATION), 1, 2, len(messages), brief), brief
    )


def filled(step: Ask, *said: str) -> Any:
    """What the slot is filled with when the user says this, the first unasked and the rest in reply to the question."""
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
def test_a_slot_is_filled_by_its_schema_and_by_what_its_name_speaks_of(
    step: Ask, said: tuple[str, ...], value: str | None
) -> None:
    assert filled(step, *said) == value


@pytest.mark.parametrize("pattern", ["^((a+))+$", "^(a|a)+$", "(.*a){20}b", "(?=a)b", "("])
def test_no_pattern_of_a_slot_holds_the_processor(pattern: str) -> None:
    step = Ask("code", "What is your code?", {"pattern": pattern})
    before = time.process_time()
    assert filled(step, f"1{'a' * 20_000}!") is None
    assert time.process_time() - before < 2


def test_a_new_value_is_not_the_old_one() -> None:
    steps = (
        Ask("current_name", "Your current name?"),
        Ask("new_name", "Your new name?"),
        Call("find_order", {"to": "new_name"}),
    )
    first = act(steps, user("My name is Ada Byron"))
    assert first.text.endswith("Your new name?")
    second = act(steps, user("My name is Ada Byron"), agent("Your new name?"), user("Ada Lovelace"))
    assert second.call == ToolRequest("find_order", {"to": "Ada Lovelace"})


def test_it_asks_twice_and_goes_on_without() -> None:
    messages = [user("Hello"), agent(NAME.question), user("Why?")]
    assert act((NAME, End("Bye.")), *messages).text.endswith(NAME.question)
    reply = act((NAME, End("Bye.")), *messages, agent(NAME.question), user("No way."))
    assert reply.call is not None
    assert reply.call.tool == END_CONVERSATION.name


def test_silence_is_no_answer() -> None:
    messages = [user("Hello"), agent(NAME.question), user(SILENCE)]
    assert act((NAME, Call("find_order", {"name": "full_name"})), *messages).text.endswith(NAME.question)


def test_an_argument_has_the_type_that_its_tool_wants() -> None:
    tool = Tool("book", arguments_schema={"properties": {"people": {"type": "integer"}}})
    step = Ask("people", "How many people?", {"type": "integer"})
    reply = act((step, Call("book", {"people": "people"})), user("Hi"), agent(step.question), user("3"), tools=(tool,))
    assert reply.call == ToolRequest("book", {"people": 3})


def test_a_tool_is_not_called_without_what_it_requires() -> None:
    tool = Tool("book", arguments_schema={"properties": {"people": {"type": "integer"}}, "required": ["people"]})
    reply = act((Call("book", {"people": "people"}), End("Bye.")), user("Hi"), tools=(tool,))
    assert reply.call is not None
    assert reply.call.tool == END_CONVERSATION.name


@pytest.mark.parametrize(("shipped", "says"), [(True, "On its way."), (False, "Still here.")])
def test_it_branches_by_what_a_tool_answered(shipped: bool, says: str) -> None:
    steps = (
        Call("find_order"),
        Branch("results.find_order.shipped == true", "shipped"),
        End("Still here."),
        End("On its way.", id="shipped"),
    )
    reply = act(steps, user("Hello"), *called("find_order", {"shipped": shipped}))
    assert reply.call is not None
    assert says in reply.call.arguments["text"]


def test_an_error_of_a_tool_is_told_and_it_goes_on() -> None:
    error = {"error": {"code": "DOWN", "message": "The system is down."}}
    reply = act((Call("find_order"), NAME), user("Hello"), *called("find_order", error))
    assert "The system is down." in reply.text
    assert reply.text.endswith(NAME.question)


def test_a_circle_of_steps_comes_to_an_end() -> None:
    assert act((Say("Round.", id="a"), Branch("true", "a")), user("Hello")).text


def test_after_the_last_step_it_asks_for_more_until_the_user_declines() -> None:
    asked = act((Say("Done."),), user("Hello"))
    assert asked.text.startswith("Done.")
    more = act((Say("Done."),), user("Hello"), agent(asked.text), user("Can you also sing?"))
    assert more.text
    end = act((Say("Done."),), user("Hello"), agent(asked.text), user("No, that's all."))
    assert end.call is not None
    assert end.call.tool == END_CONVERSATION.name


def test_with_instructions_only_it_asks_for_what_the_fitting_tool_requires() -> None:
    tools = (
        Tool("cancel_booking", "Cancel a booking.", {"properties": {"reference": {}}, "required": ["reference"]}),
        Tool("play_music", "Play music."),
    )
    messages = [user("Please cancel my booking")]
    asked = act((), *messages, tools=tools)
    assert "reference" in asked.text
    reply = act((), *messages, agent(asked.text), user("Sure, it's XK42Z7"), tools=tools)
    assert reply.call == ToolRequest("cancel_booking", {"reference": "XK42Z7"})


def test_a_greeting_before_the_users_first_words_is_not_taken_for_a_question() -> None:
    reply = act((NAME,), agent("Welcome!"), user("Hi"))
    assert reply.text.endswith(NAME.question)


def test_it_opens_when_nothing_was_said() -> None:
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
def test_it_has_an_answer_to_any_conversation_and_the_same_one_again(messages: list[Message]) -> None:
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
def test_a_play_that_goes_on_does_what_one_from_the_beginning_does(messages: list[Message], pauses: list[int]) -> None:
    steps = (Say("Hi."), NAME, Call("find_order", {"name": "full_name"}), ORDER, Call("x"), End("Bye"))
    plays, upto = Plays(), 0
    for more in pauses:
        upto += more
        so_far = tuple(messages[:upto])
        assert next_of(plays, steps, so_far, (FIND, Tool("x"))) == act(steps, *so_far, tools=(FIND, Tool("x")))


def test_a_play_goes_on_through_a_whole_conversation_as_it_would_from_the_beginning() -> None:
    steps = (Say("Hi."), NAME, Call("find_order", {"name": "full_name"}), ORDER, Say("Thanks."), ORDER, End("Bye"))
    plays, messages = Plays(), [agent("Welcome!"), user("My lamp broke")]
    for said in ("no", "I don't know", "", "Ada Byron", "what?", "12345678", "no", "bye"):
        reply = next_of(plays, steps, messages)
        assert reply == act(steps, *messages)
        if reply.call is None:
            messages += [agent(reply.text), user(said or SILENCE)]
        else:
            messages += [Message("assistant", call=reply.call), Message("tool", result={"error": {"code": "NO"}})]
