"""The turn loop's active half: performs the step that `decide` says, and numbers the events that come of it."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple, TypeVar

import stamina

from services.synthesizer.conversations.messages import Messages, persona_message
from services.synthesizer.conversations.model import LAST_TIME, Conversation
from services.synthesizer.conversations.targets import (
    Action,
    Call,
    EndTalk,
    Say,
    Target,
    TargetFailed,
    TargetUnavailable,
    View,
    WaitUntil,
)
from services.synthesizer.persona import DecisionSpeed, Persona
from services.synthesizer.procedure import Revision
from services.synthesizer.tool_answers import RecordedRules, answer, check_arguments
from shared.errors import Unavailable
from shared.ids import new_id
from shared.llm.base import (
    LEAVE,
    STAY_SILENT,
    ChatModel,
    ChatReply,
    ChatRequest,
    ModelRefused,
    ModelUnavailable,
    PersonaBrief,
)
from shared.model.conversation import AgentActs, End, PersonaSpeaks, State, Step, ToolAnswers, decide, evolve
from shared.model.draws import draw
from shared.model.events import (
    AgentMessage,
    Ended,
    Event,
    Fault,
    Json,
    Kind,
    Outcome,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    Usage,
    UserMessage,
    Waited,
)

R = TypeVar("R")

ATTEMPTS = 5
"""How often a model or an agent that is unavailable is asked before the conversation fails."""

MAX_SESSION_BYTES = 64 * 1024
MAX_TEXT = 20_000
MAX_TOOL_NAME = 128
MAX_ARGUMENT_BYTES = 256 * 1024
MAX_DETAIL = 1_000

_PERSONA_SECONDS: Mapping[DecisionSpeed, tuple[float, float]] = {
    DecisionSpeed.SLOW: (1800, 7200),
    DecisionSpeed.MEDIUM: (60, 600),
    DecisionSpeed.FAST: (5, 60),
}
_SILENCE_FACTOR = 10
_AGENT_SECONDS = (1.0, 5.0)
_TOOL_SECONDS = (0.1, 2.0)


class Move(NamedTuple):
    """An event to be: what happens, how many virtual milliseconds later, what it cost, what the agent keeps."""

    body: Kind
    after: int = 0
    usage: Usage | None = None
    session: bytes | None = None


class StepFailed(Exception):
    """A step that cannot be performed, and who is to blame."""

    def __init__(self, fault: Fault, reason: str, detail: str) -> None:
        super().__init__(detail)
        # It may quote what a model or an agent said, and no database keeps the character NUL.
        detail = detail.replace("\0", "\N{REPLACEMENT CHARACTER}")[:MAX_DETAIL]
        self.ended = Ended(Outcome.FAILED, reason, detail, fault)


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """Everything that one conversation's steps need, resolved.

    revision: None when an external agent needs none.
    recorded: the rules that the source's recorded calls make.
    """

    conversation: Conversation
    revision: Revision | None
    persona: Persona
    persona_brief: PersonaBrief
    persona_system: str
    model: ChatModel
    target: Target
    recorded: RecordedRules
    persona_sees: Messages = field(default_factory=lambda: Messages(persona_message))

    async def advance(self, state: State) -> tuple[Sequence[Event], State]:
        """The events of the next step and of those after it that need nobody's answer, and the state after them.

        There are none when it is over.

        Whoever appends them in one transaction can be killed at any moment: the fold of what was stored says the same
        step again.
        """
        events: list[Event] = []
        while step := decide(state, self.conversation.spec.max_turns):
            if events and isinstance(step, PersonaSpeaks | AgentActs):
                break
            try:
                moves = await self._perform(step, state)
            except StepFailed as failure:
                moves = (Move(failure.ended),)
            for event in numbered(moves, state):
                events.append(event)
                state = evolve(state, event)
        return events, state

    async def _perform(self, step: Step, state: State) -> tuple[Move, ...]:
        match step:
            case PersonaSpeaks():
                return (await self._persona_speaks(state),)
            case AgentActs():
                return await self._agent_acts(state)
            case ToolAnswers(call):
                return (self._tool_answers(call, state),)
            case End(ended):
                return (Move(ended),)

    async def _persona_speaks(self, state: State) -> Move:
        spec, seq = self.conversation.spec, state.last_seq + 1
        request = ChatRequest(
            model=spec.model,
            system=self.persona_system,
            messages=self.persona_sees.of(state.transcript),
            tools=(STAY_SILENT, LEAVE),
            seed=spec.seed,
            index=self.conversation.index,
            seq=seq,
            brief=self.persona_brief,
        )
        reply = await ask(self.model, request, Fault.PERSONA_MODEL)
        low, high = _PERSONA_SECONDS[self.persona.personality.decision_speed]
        after = self._delay(low, high, seq, "persona")
        if reply.call is None:
            return Move(UserMessage(reply.text[:MAX_TEXT]), after, reply.usage)
        if reply.call.tool == LEAVE.name:
            text = str(reply.call.arguments.get("text", ""))[:MAX_TEXT]
            return Move(UserMessage(text, silent=not text, leaves=True), after, reply.usage)
        if reply.call.tool == STAY_SILENT.name:
            return Move(UserMessage(silent=True), after * _SILENCE_FACTOR, reply.usage)
        detail = f"The persona's model asked for {reply.call.tool}, which a persona does not have."
        raise StepFailed(Fault.PERSONA_MODEL, "PERSONA_MODEL_UNUSABLE", detail)

    async def _agent_acts(self, state: State) -> tuple[Move, ...]:
        seq = state.last_seq + 1
        view = View(
            conversation=self.conversation.name,
            seq=seq,
            transcript=state.transcript,
            tools=self.revision.tools if self.revision else (),
            instructions=self.revision.instructions if self.revision else "",
            now=state.now,
            session=state.session,
        )
        action = await act(self.target, view)
        after = self._delay(*_AGENT_SECONDS, seq, "agent")
        usage, session = action.usage, action.session
        if session is not None and len(session) > MAX_SESSION_BYTES:
            detail = f"The agent's session has {len(session)} bytes; {MAX_SESSION_BYTES} are allowed."
            raise StepFailed(Fault.AGENT, "AGENT_SESSION_TOO_LARGE", detail)
        match action.does:
            case Say(text):
                return (Move(AgentMessage(self._speakable(text)), after, usage, session),)
            case Call(tool, arguments):
                call = ToolCall(_call_id(seq, state.transcript), tool, self._callable(tool, arguments))
                return (Move(call, after, usage, session),)
            case WaitUntil(until):
                if not state.now < until <= LAST_TIME:
                    detail = "The agent waits for a time that is over, or that is beyond the year 9999."
                    raise StepFailed(Fault.AGENT, "AGENT_WAITS_FOR_NO_TIME", detail)
                return (Move(Waited(until), until - state.now, usage, session),)
            case EndTalk(text):
                ended = Ended(Outcome.COMPLETED, "AGENT_ENDED", "The agent ended the conversation.")
                if not text:
                    return (Move(ended, 0, usage, session),)
                return (Move(AgentMessage(self._speakable(text)), after, usage, session), Move(ended))

    def _tool_answers(self, call: ToolCall, state: State) -> Move:
        tools = {tool.name: tool for tool in self.revision.tools} if self.revision else {}
        after = self._delay(*_TOOL_SECONDS, state.last_seq + 1, "tool")
        found: ToolAnswer | None
        if self.revision is not None and call.tool not in tools:
            found = ToolAnswer(error=ToolError("UNKNOWN_TOOL", f"There is no tool {call.tool}."))
        elif call.tool in tools and (wrong := check_arguments(tools[call.tool], call.arguments)):
            found = ToolAnswer(error=ToolError("INVALID_ARGUMENTS", wrong))
        else:
            found = answer(self.conversation.spec.tool_config, self.recorded, call)
        if found is None:
            detail = f"No mock answers this call of {call.tool}; add a rule that matches its arguments, or a default."
            raise StepFailed(Fault.TOOL_MOCK, "TOOL_NOT_MOCKED", detail)
        return Move(ToolResult(call.call_id, call.tool, found), after)

    def _delay(self, low: float, high: float, seq: int, purpose: str) -> int:
        """Virtual milliseconds between low and high seconds, drawn by the seed."""
        uniform = draw(self.conversation.spec.seed, self.conversation.index, seq, f"{purpose}-delay")
        return round(1000 * (low + (high - low) * uniform))

    def _speakable(self, text: str) -> str:
        if not text.strip():
            raise StepFailed(Fault.AGENT, "AGENT_SAID_NOTHING", "The agent said an empty text.")
        if len(text) > MAX_TEXT:
            detail = f"The agent said {len(text)} characters at once; {MAX_TEXT} are allowed."
            raise StepFailed(Fault.AGENT, "AGENT_SAID_TOO_MUCH", detail)
        return text

    def _callable(self, tool: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        size = len(json.dumps(arguments))
        if len(tool) > MAX_TOOL_NAME or size > MAX_ARGUMENT_BYTES:
            allowed = f"a name of {MAX_TOOL_NAME} characters and arguments of {MAX_ARGUMENT_BYTES} bytes are allowed"
            detail = f"The agent called a tool with a name of {len(tool)} and arguments of {size}; {allowed}."
            raise StepFailed(Fault.AGENT, "AGENT_CALL_TOO_LARGE", detail)
        return arguments


def _call_id(seq: int, transcript: Sequence[Event]) -> str:
    """Names a call in its conversation; one that was copied from elsewhere may have the name of its place already."""
    taken = {event.body.call_id for event in transcript if isinstance(event.body, ToolCall)}
    call_id = f"call-{seq}"
    while call_id in taken:
        call_id += "-again"
    return call_id


def numbered(moves: Sequence[Move], state: State) -> list[Event]:
    """The moves as the events that follow state."""
    events = []
    seq, at, turn = state.last_seq, state.now, state.turns
    for move in moves:
        seq, at = seq + 1, min(at + move.after, LAST_TIME)
        turn += isinstance(move.body, UserMessage)
        events.append(Event(new_id(), seq, at, turn, move.body, usage=move.usage, session=move.session))
    return events


async def ask(model: ChatModel, request: ChatRequest, fault: Fault) -> ChatReply:
    """Ask a model, again if it is unavailable; raises StepFailed with the fault when that does not help."""
    try:
        reply = await _again_if(ModelUnavailable, lambda: model.complete(request))
    except (ModelUnavailable, ModelRefused) as error:
        raise StepFailed(fault, error.reason, str(error)) from error
    if reply.call is None and not reply.text.strip():
        raise StepFailed(fault, "MODEL_SAID_NOTHING", f"The model {request.model} answered with an empty text.")
    # One answer was recorded, whatever it took to get it.
    return reply if reply.usage.model_calls == 1 else replace(reply, usage=replace(reply.usage, model_calls=1))


async def act(target: Target, view: View) -> Action:
    """Let the agent act, again if it is unavailable; raises StepFailed when that does not help."""
    try:
        return await _again_if(TargetUnavailable, lambda: target.act(view))
    except (TargetUnavailable, TargetFailed) as error:
        raise StepFailed(Fault.AGENT, error.reason, str(error)) from error


async def _again_if(passing: type[Unavailable], attempt: Callable[[], Awaitable[R]]) -> R:
    """The attempt's result; what may pass is tried again with backoff."""
    try:
        # The retry machinery costs as much as a turn of the offline model; it is set up when it is needed.
        return await attempt()
    except passing:
        retried = stamina.AsyncRetryingCaller(attempts=ATTEMPTS - 1, timeout=None).on(passing)
        return await retried(attempt)
