"""The turn loop, a pure function: the next step after each state."""

from collections.abc import Sequence

import pytest

from shared.model.conversation import (
    MAX_AGENT_ACTIONS,
    AgentActs,
    End,
    PersonaSpeaks,
    State,
    ToolAnswers,
    decide,
    evolve,
    fold,
)
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Kind,
    Opened,
    Outcome,
    Resource,
    ResourcePatch,
    ToolAnswer,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)


def after(*bodies: Kind, start: State | None = None) -> State:
    """The state after these happened one after the other, a second apart."""
    state = start or State()
    for body in bodies:
        turn = state.turns + isinstance(body, UserMessage)
        state = evolve(state, Event(f"e{state.last_seq}", state.last_seq + 1, state.now + 1000, turn, body))
    return state


CALL = ToolCall("call-1", "find_order", {"id": "A1"})
RESULT = ToolResult("call-1", "find_order", ToolAnswer({"found": True}))


def test_without_a_source_the_persona_opens() -> None:
    assert decide(after(Opened()), max_turns=20) == PersonaSpeaks()


def test_the_persona_speaks_after_a_greeting_of_the_agent() -> None:
    assert decide(after(Opened(), AgentMessage("Hello!")), max_turns=20) == PersonaSpeaks()


@pytest.mark.parametrize(
    "bodies",
    [
        (UserMessage("Hi"),),
        (UserMessage(silent=True),),
        (UserMessage("Hi"), CALL, RESULT),
        (UserMessage("Hi"), Waited(1)),
    ],
    ids=["a user message", "silence", "a tool's answer", "a wait"],
)
def test_the_agent_acts_after(bodies: Sequence[Kind]) -> None:
    assert decide(after(Opened(), *bodies), max_turns=20) == AgentActs()


def test_a_tool_call_is_answered_before_anything_else() -> None:
    assert decide(after(Opened(), UserMessage("Hi"), CALL), max_turns=20) == ToolAnswers(CALL)


def test_it_is_over_when_the_user_leaves() -> None:
    step = decide(after(Opened(), UserMessage("Bye", leaves=True)), max_turns=20)

    assert isinstance(step, End)
    assert (step.ended.outcome, step.ended.reason) == (Outcome.COMPLETED, "USER_LEFT")


def test_max_turns_counts_the_personas_steps_and_the_agent_has_the_last_word() -> None:
    one_step = after(Opened(), UserMessage("Hi"))
    assert decide(one_step, max_turns=1) == AgentActs()

    step = decide(after(AgentMessage("Hello"), start=one_step), max_turns=1)
    assert isinstance(step, End)
    assert step.ended.reason == "MAX_TURNS"


def test_copied_user_messages_do_not_count_as_turns() -> None:
    state = fold([Event("a", 1, 0, 0, Opened()), Event("b", 2, 0, 0, UserMessage("Hi"), copied=True)])

    assert state.turns == 0


def test_an_agent_that_only_acts_fails_the_conversation_and_a_retry_gives_it_another_chance() -> None:
    state = after(Opened(), UserMessage("Hi"))
    for _ in range(MAX_AGENT_ACTIONS):
        state = after(CALL, RESULT, start=state)
    step = decide(state, max_turns=20)
    assert isinstance(step, End)
    assert (step.ended.fault, step.ended.reason) == (Fault.AGENT, "AGENT_SAYS_NOTHING")

    retried = after(step.ended, AttemptStarted(2), start=state)
    assert decide(retried, max_turns=20) == AgentActs()


def test_nothing_follows_an_end_until_a_retry_resumes_at_the_step_that_failed() -> None:
    failed = after(Opened(), UserMessage("Hi"), CALL, Ended(Outcome.FAILED, "TOOL_NOT_MOCKED", fault=Fault.TOOL_MOCK))
    assert decide(failed, max_turns=20) is None

    assert decide(after(AttemptStarted(2), start=failed), max_turns=20) == ToolAnswers(CALL)


def test_resources_change_by_merge_patches_and_only_in_the_new_state() -> None:
    before = after(
        Opened((Resource("order", "A1", {"state": "open", "lines": {"a": 1, "b": 2}}),)), UserMessage("Hi"), CALL
    )
    patch = ResourcePatch("order", "A1", {"state": "returned", "lines": {"a": None}})

    then = after(ToolResult("call-1", "find_order", ToolAnswer({}, patches=(patch,))), start=before)

    assert then.resources["order", "A1"] == {"state": "returned", "lines": {"b": 2}}
    assert before.resources["order", "A1"] == {"state": "open", "lines": {"a": 1, "b": 2}}


def test_usage_adds_up_over_the_events() -> None:
    said = Event("a", 1, 0, 1, UserMessage("Hi"), usage=Usage(1, 10, 5))
    answered = Event("b", 2, 0, 1, AgentMessage("Hello"), usage=Usage(1, 20, 7))

    assert fold([said, answered]).usage == Usage(2, 30, 12)
