"""The turn loop, pure: `evolve` folds an event into the state, `decide` says the next step. Whoever performs the step
appends the events that come of it; after a crash the same fold says the same step again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from shared.model.events import (
    NO_USAGE,
    AgentMessage,
    AttemptStarted,
    Ended,
    Event,
    Fault,
    Json,
    Opened,
    Outcome,
    ResourcePatch,
    ToolCall,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)

MAX_AGENT_ACTIONS = 50
"""How many tool calls and waits an agent may make before it must say something."""


SAID_OR_DONE = UserMessage | AgentMessage | ToolCall | ToolResult | Waited
"""What belongs to the transcript."""


class Next(Enum):
    """Whose step is next."""

    PERSONA = "persona"
    AGENT = "agent"
    TOOL = "tool"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class State:
    """The fold of a conversation's events.

    last_seq: the seq of the last event; 0 before the first.
    now: virtual time in milliseconds.
    turns: the persona's steps so far; copied events count none.
    attempt: how often it was taken up.
    transcript: what was said and done, in order, copied events included.
    resources: the world, by (type, id), copied on write.
    next: whose step is next, as far as the last event says.
    session: what the agent target wants to be handed back.
    actions: tool calls and waits since something was last said.
    ended: how it ended; None while it goes on, and again after a retry.
    usage: what the models were asked for.
    """

    last_seq: int = 0
    now: int = 0
    turns: int = 0
    attempt: int = 0
    transcript: tuple[Event, ...] = ()
    resources: Mapping[tuple[str, str], Mapping[str, Json]] = field(default_factory=dict)
    next: Next = Next.PERSONA
    session: bytes = b""
    actions: int = 0
    ended: Ended | None = None
    usage: Usage = NO_USAGE


def evolve(state: State, event: Event) -> State:
    """The state after one more event."""
    transcript, following, actions = state.transcript, state.next, state.actions
    attempt, ended, resources = state.attempt, state.ended, state.resources
    if isinstance(event.body, SAID_OR_DONE):
        transcript, actions = (*transcript, event), 0
    match event.body:
        case UserMessage(leaves=leaves):
            following = Next.NOBODY if leaves else Next.AGENT
        case AgentMessage():
            following = Next.PERSONA
        case ToolCall():
            following, actions = Next.TOOL, state.actions + 1
        case ToolResult(answer=answer):
            following, actions = Next.AGENT, state.actions
            resources = patched(resources, answer.patches)
        case Waited():
            following, actions = Next.AGENT, state.actions + 1
        case AttemptStarted(attempt):
            actions, ended = 0, None
        case Ended():
            ended = event.body
        case Opened(opened):
            resources = {(resource.type, resource.id): resource.data for resource in opened}
    return State(
        last_seq=event.seq,
        now=event.at,
        turns=event.turn,
        attempt=attempt,
        transcript=transcript,
        resources=resources,
        next=following,
        session=state.session if event.session is None else event.session,
        actions=actions,
        ended=ended,
        usage=state.usage if event.usage is None else state.usage + event.usage,
    )


def fold(events: Iterable[Event], state: State | None = None) -> State:
    """The state after all the events."""
    state = state or State()
    for event in events:
        state = evolve(state, event)
    return state


def patched(
    resources: Mapping[tuple[str, str], Mapping[str, Json]], patches: Iterable[ResourcePatch]
) -> Mapping[tuple[str, str], Mapping[str, Json]]:
    """The resources with the patches applied in order; the given mapping is left as it was."""
    for patch in patches:
        key = (patch.type, patch.id)
        resources = {**resources, key: _merged(resources.get(key, {}), patch.merge)}
    return resources


def _merged(target: Json, patch: Json) -> Json:
    """JSON merge patch, RFC 7396 section 2."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result


@dataclass(frozen=True, slots=True)
class PersonaSpeaks:
    """The persona takes its step: speak, stay silent, or leave."""


@dataclass(frozen=True, slots=True)
class AgentActs:
    """The agent target takes its action."""


@dataclass(frozen=True, slots=True)
class ToolAnswers:
    """The mock answers this call."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class End:
    """The conversation is over."""

    ended: Ended


Step = PersonaSpeaks | AgentActs | ToolAnswers | End


def decide(state: State, max_turns: int) -> Step | None:
    """The next step of a synthetic conversation, or None when it is over.

    It knows no kind of agent target and no kind of model; `max_turns` counts the persona's steps.
    """
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
            call = state.transcript[-1].body
            assert isinstance(call, ToolCall)
            return ToolAnswers(call)
        case Next.AGENT if state.actions >= MAX_AGENT_ACTIONS:
            sentence = f"The agent made {MAX_AGENT_ACTIONS} tool calls and waits in a row without a word to the user."
            return End(Ended(Outcome.FAILED, "AGENT_SAYS_NOTHING", sentence, Fault.AGENT))
        case Next.AGENT:
            return AgentActs()
