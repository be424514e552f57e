"""The pure part of the turn loop: `evolve` folds an event into the state, `decide` returns the next step.

The state depends only on the events, so a process that resumes after a crash performs the same step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import assert_never

from shared.model.events import (
    NO_USAGE,
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Opened,
    Outcome,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)
from shared.model.repeats import repeats, words_of
from shared.model.world import World

MAX_AGENT_ACTIONS = 50
"""How many tool calls and waits an agent may make before it must let the user speak."""

TRANSCRIPT = UserMessage | AgentMessage | ToolCall | ToolResult | Waited
"""The kinds of events that the transcript has."""


class Next(Enum):
    """Who takes the next step."""

    PERSONA = "persona"
    AGENT = "agent"
    TOOL = "tool"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class State:
    """The fold of a conversation's events.

    last_seq: the seq of the last event; 0 before the first.
    now: virtual time in milliseconds.
    turns: the persona's steps so far; copied events do not count.
    attempt: 1, and one more with each retry.
    transcript: the events of what was said and done, in order, copied events included, without the persona's
        thoughts and flags.
    resources: what tools read and change.
    next: who takes the next step, according to the last event.
    session: what the agent target returned last, for the next call. persona_session: what the persona target did.
    answered: how many results each rule of the tool config gave, by tool and index of the rule.
    open_calls: tool calls since the last message that have no answer yet, oldest first.
    actions: tool calls and waits since the user's last message.
    said: the words of each agent message, copied ones included. repeats: how many agent messages repeat an earlier one;
        copied ones do not count. See shared.model.repeats.
    flags: how many flags the persona's replies have; copied ones do not count.
    ended: how it ended; None while it is not over, and again after a retry.
    usage: the sum of the events' usage.
    """

    last_seq: int = 0
    now: int = 0
    turns: int = 0
    attempt: int = 0
    transcript: tuple[Event, ...] = ()
    resources: World = field(default_factory=World)
    next: Next = Next.PERSONA
    session: bytes = b""
    persona_session: bytes = b""
    answered: Mapping[tuple[str, int], int] = field(default_factory=dict)
    open_calls: tuple[ToolCall, ...] = ()
    actions: int = 0
    said: tuple[frozenset[str], ...] = ()
    repeats: int = 0
    flags: int = 0
    ended: Ended | None = None
    usage: Usage = NO_USAGE

    @property
    def undisturbed_seq(self) -> int:
        """The seq that the next event would have if nothing had failed: draws depend on it, so retries change none."""
        # Opened and the first AttemptStarted; every other event but an end belongs to the transcript.
        return len(self.transcript) + 3


def evolve(state: State, event: Event) -> State:
    """The state after one more event."""
    transcript, following, actions = state.transcript, state.next, state.actions
    attempt, ended, resources = state.attempt, state.ended, state.resources
    said, repeated, open_calls = state.said, state.repeats, state.open_calls
    session, persona_session = state.session, state.persona_session
    if event.session is not None and isinstance(event.body, UserMessage):
        persona_session = event.session
    elif event.session is not None:
        session = event.session
    answered = state.answered
    if isinstance(event.body, TRANSCRIPT):
        # Agents receive the transcript, so it must not contain what the persona thought or which mock answered.
        private = event.thoughts is not None or event.flags or event.mock_rule is not None or event.steps
        seen = replace(event, thoughts=None, flags=(), mock_rule=None, steps=()) if private else event
        transcript = (*transcript, seen)
    match event.body:
        case UserMessage(leaves=leaves):
            following, actions, open_calls = Next.NOBODY if leaves else Next.AGENT, 0, ()
        case AgentMessage(text):
            following, open_calls = Next.PERSONA, ()
            words = words_of(text)
            repeated += not event.copied and repeats(words, said)
            said = (*said, words)
        case ToolCall() as call:
            following, actions, open_calls = Next.TOOL, actions + 1, (*open_calls, call)
        case ToolResult(answer=answer) as result:
            open_calls = _without(open_calls, result)
            following = Next.TOOL if open_calls else Next.AGENT
            resources = resources.patched(answer.patches)
            if event.mock_rule is not None:
                rule = result.tool, event.mock_rule
                answered = {**answered, rule: answered.get(rule, 0) + 1}
        case Waited():
            following, actions = Next.AGENT, actions + 1
        case AttemptStarted(attempt):
            # A retry after AGENT_SAYS_NOTHING gives the agent as many actions again; any other changes no count.
            actions, ended = actions % MAX_AGENT_ACTIONS, None
        case Ended():
            ended = event.body
        case Opened(opened):
            resources = resources.added(opened)
        case _:
            assert_never(event.body)
    return State(
        last_seq=event.seq,
        now=event.at,
        turns=event.turn,
        attempt=attempt,
        transcript=transcript,
        resources=resources,
        next=following,
        session=session,
        persona_session=persona_session,
        answered=answered,
        open_calls=open_calls,
        actions=actions,
        said=said,
        repeats=repeated,
        flags=state.flags if event.copied else state.flags + len(event.flags),
        ended=ended,
        usage=state.usage if event.usage is None else state.usage + event.usage,
    )


def _without(calls: tuple[ToolCall, ...], result: ToolResult) -> tuple[ToolCall, ...]:
    """The open calls without the latest one that the result answers."""
    for place in reversed(range(len(calls))):
        if (calls[place].call_id, calls[place].tool) == (result.call_id, result.tool):
            return calls[:place] + calls[place + 1 :]
    return calls


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """The state after all the events."""
    state = state or State()
    for event in events:
        state = evolve(state, event)
    return state


@dataclass(frozen=True, slots=True)
class PersonaSpeaks:
    """The persona speaks, stays silent or leaves."""


@dataclass(frozen=True, slots=True)
class AgentActs:
    """The agent target takes one action."""


@dataclass(frozen=True, slots=True)
class ToolAnswers:
    """The tool config answers this call."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class End:
    """The conversation is over."""

    ended: Ended


Step = PersonaSpeaks | AgentActs | ToolAnswers | End


def decide(state: State, max_turns: int) -> Step | None:
    """The next step of a synthetic conversation, or None if it is over. max_turns: of the persona's steps."""
    if state.ended is not None:
        return None
    match state.next:
        case Next.NOBODY:
            return End(Ended(Outcome.COMPLETED, "USER_LEFT", "The user left."))
        case Next.PERSONA if state.turns >= max_turns:
            return End(Ended(Outcome.COMPLETED, "MAX_TURNS", f"The persona took its {max_turns} steps."))
        case Next.PERSONA:
            return PersonaSpeaks()
        case Next.TOOL:
            return ToolAnswers(state.open_calls[0])
        case Next.AGENT if state.actions >= MAX_AGENT_ACTIONS:
            sentence = f"The agent made {MAX_AGENT_ACTIONS} tool calls and waits without letting the user speak."
            return End(Ended(Outcome.FAILED, "AGENT_SAYS_NOTHING", sentence, Fault.AGENT))
        case Next.AGENT:
            return AgentActs()
        case _:
            assert_never(state.next)
