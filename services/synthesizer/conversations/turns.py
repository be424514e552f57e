"""The turn loop: performs the step that `decide` returns."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, assert_never

from services.synthesizer.conversations.mocked_tools import MockedTools
from services.synthesizer.conversations.model import BUILT_IN_AGENT, LAST_TIME, AgentTarget, Conversation
from services.synthesizer.conversations.moves import Move, StepFailed, numbered
from services.synthesizer.conversations.persona_player import PersonaPlayer
from services.synthesizer.conversations.persona_replies import MAX_TEXT
from services.synthesizer.conversations.retries import Retries
from services.synthesizer.conversations.targets import (
    MAX_SESSION_BYTES,
    Action,
    Call,
    EndTalk,
    Say,
    Several,
    StaySilent,
    Target,
    TargetFailed,
    TargetUnavailable,
    View,
    WaitUntil,
)
from services.synthesizer.personas.model import DecisionSpeed, Persona
from services.synthesizer.procedures.model import Revision
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.llm.base import (
    ModelDenied,
    ModelFailed,
    ModelUnavailable,
    StepTooMuchWork,
    StepUnusable,
)
from shared.llm.budget import BudgetReached
from shared.llm.recorder import RecordingMissing
from shared.model.conversation import (
    MAX_AGENT_ACTIONS,
    AgentActs,
    End,
    PersonaSpeaks,
    State,
    Step,
    ToolAnswers,
    decide,
    evolve,
)
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
    UserMessage,
    Waited,
)
from shared.model.numbers import INEXACT, inexact
from shared.waits import Waits

MAX_TOOL_NAME = 128
MAX_ARGUMENT_BYTES = 256 * 1024

_PERSONA_SECONDS: Mapping[DecisionSpeed, tuple[float, float]] = {
    DecisionSpeed.SLOW: (1800, 7200),
    DecisionSpeed.MEDIUM: (60, 600),
    DecisionSpeed.FAST: (5, 60),
}
_SILENCE_FACTOR = 10
_AGENT_SECONDS = (1.0, 5.0)
_TOOL_SECONDS = (0.1, 2.0)
_ENDED = Ended(Outcome.COMPLETED, "AGENT_ENDED", "The agent ended the conversation.")


class Loop(Protocol):
    """What advances a conversation."""

    async def advance(self, state: State) -> tuple[Sequence[Event], State]:
        """The events of the next step, and the state after them; no events when the conversation is over."""
        ...


@dataclass(frozen=True, slots=True)
class TurnLoop:
    """Advances one conversation.

    revision: None if an external agent needs none. player: plays the persona. target: the agent under test.
    tools: answer the agent's calls. retries: of an unavailable agent.
    waits: notes what it waits for, by batch.
    """

    conversation: Conversation
    revision: Revision | None
    persona: Persona
    player: PersonaPlayer
    target: Target
    tools: MockedTools
    retries: Retries = field(default_factory=Retries)
    waits: Waits = field(default_factory=Waits)

    async def advance(self, state: State) -> tuple[Sequence[Event], State]:
        """The events of the next step and of the tool answers and endings that follow it, and the state after them.

        Returns no events when the conversation is over. Append the events in one transaction: then a killed process
        resumes at the same step.
        """
        events: list[Event] = []
        while step := decide(state, self.conversation.spec.max_turns):
            if events and isinstance(step, PersonaSpeaks | AgentActs):
                break
            try:
                moves = await self._perform(step, state)
            except StepFailed as failure:
                moves = (failure.move,)
            except RecordingMissing as missing:
                moves = (StepFailed(Fault.INFRASTRUCTURE, missing.reason, str(missing)).move,)
            for event in numbered(moves, state):
                events.append(event)
                state = evolve(state, event)
        return events, state

    async def _perform(self, step: Step, state: State) -> tuple[Move, ...]:
        match step:
            case PersonaSpeaks():
                with self._waiting_for(self.conversation.spec.persona_target, self.conversation.spec.persona_model):
                    return await self._persona_speaks(state)
            case AgentActs():
                with self._waiting_for(self.conversation.spec.agent, self.conversation.spec.agent_model):
                    return await self._agent_acts(state)
            case ToolAnswers(call):
                return (await self._tool_answers(call, state),)
            case End(ended):
                return (Move(ended),)
            case _:
                assert_never(step)

    def _waiting_for(self, target: AgentTarget | None, model: str) -> AbstractContextManager[None]:
        """A call to a target, or to the model of the persona or of the built-in agent."""
        whom = model if target is None or target.kind == BUILT_IN_AGENT else f"the {target.kind} target"
        own, batch = self.conversation.id, self.conversation.batch
        return self.waits.call(whom, own, batch) if batch else self.waits.call(whom, own)

    async def _persona_speaks(self, state: State) -> tuple[Move, ...]:
        first, *others = await self.player.speak(state)
        low, high = _PERSONA_SECONDS[self.persona.personality.decision_speed]
        after = self._delay(low, high, state.undisturbed_seq, "persona")
        assert isinstance(first.body, UserMessage)
        if first.body.silent and not first.body.leaves:
            after *= _SILENCE_FACTOR
        return first._replace(after=after), *others

    async def _agent_acts(self, state: State) -> tuple[Move, ...]:
        seq = state.undisturbed_seq
        view = View(
            conversation=self.conversation.name,
            seq=seq,
            transcript=state.transcript,
            tools=self.revision.tools if self.revision else (),
            instructions=self.revision.instructions if self.revision else "",
            now=state.now,
            session=state.session,
        )
        action = await self._act(view)
        if action.session is not None and len(action.session) > MAX_SESSION_BYTES:
            detail = f"The agent's session has {len(action.session)} bytes; {MAX_SESSION_BYTES} are allowed."
            raise StepFailed(Fault.AGENT, "AGENT_SESSION_TOO_LARGE", detail)
        try:
            first, *others = self._bodies_of(action, state)
        except StepFailed as failed:
            failed.move = failed.move._replace(usage=action.usage, model_call=action.model_call)
            raise
        after = self._delay(*_AGENT_SECONDS, seq, "agent")
        match first:
            case Waited(until):
                after = until - state.now
            case Ended():
                after = 0
            case _:
                pass
        move = Move(first, after, action.usage, action.session, action.model_call, steps=action.steps)
        return (
            move,
            *(Move(body, model_call=None if isinstance(body, ToolResult) else action.model_call) for body in others),
        )

    def _bodies_of(self, action: Action, state: State) -> Sequence[Kind]:
        """What the action does, as the bodies of one event or several. Raises StepFailed."""
        match action.does:
            case Say(text):
                return (AgentMessage(self._speakable(text)),)
            case Call() as call:
                return self._tool_calls((call,), state.undisturbed_seq, state.transcript)
            case Several(texts, calls, ends):
                said = tuple(AgentMessage(self._speakable(text)) for text in texts)
                called = self._tool_calls(calls, state.undisturbed_seq + len(said), state.transcript)
                return (*said, *called, *([_ENDED] if ends else []))
            case WaitUntil(until):
                if not state.now < until <= LAST_TIME:
                    detail = "The agent waits for a time in the past or after the year 9999."
                    raise StepFailed(Fault.AGENT, "AGENT_WAITS_FOR_NO_TIME", detail)
                return (Waited(until),)
            case EndTalk(text):
                return (AgentMessage(self._speakable(text)), _ENDED) if text else (_ENDED,)
            case StaySilent():
                detail = "The agent stays silent, as only a customer may."
                raise StepFailed(Fault.AGENT, "AGENT_SAID_NOTHING", detail)
            case _:
                assert_never(action.does)

    def _tool_calls(
        self, calls: Sequence[Call], seq: int, transcript: Sequence[Event]
    ) -> tuple[ToolCall | ToolResult, ...]:
        """The calls, and the answers to those whose arguments cannot be used."""
        if len(calls) > MAX_AGENT_ACTIONS:
            detail = f"The agent called {len(calls)} tools at once; {MAX_AGENT_ACTIONS} are allowed."
            raise StepFailed(Fault.AGENT, "AGENT_CALLS_TOO_MANY", detail)
        called = tuple(
            ToolCall(_call_id(seq + place, transcript), call.tool, self._callable(call.tool, call.arguments))
            for place, call in enumerate(calls)
        )
        refused = tuple(
            ToolResult(one.call_id, one.tool, ToolAnswer(error=ToolError("INVALID_ARGUMENTS", call.problem)))
            for one, call in zip(called, calls, strict=True)
            if call.problem
        )
        return called + refused

    async def _act(self, view: View) -> Action:
        """The agent's action. Raises StepFailed."""
        try:
            return await self.retries.act(self.target, view)
        except (ModelUnavailable, ModelDenied) as error:
            raise StepFailed(Fault.INFRASTRUCTURE, error.reason, str(error)) from error
        except (TargetUnavailable, TargetFailed, ModelFailed, StepUnusable, StepTooMuchWork) as error:
            raise StepFailed(Fault.AGENT, error.reason, str(error)) from error
        except BudgetReached as reached:
            raise StepFailed(None, reached.reason, str(reached)) from reached

    async def _tool_answers(self, call: ToolCall, state: State) -> Move:
        spec, index, seq = self.conversation.spec, self.conversation.index, state.undisturbed_seq
        context = CallContext(state.resources, state.answered, partial(draw, spec.seed, index, seq))
        found = await self.tools.answer(call, context)
        after = self._delay(*_TOOL_SECONDS, seq, "tool") if found.milliseconds is None else found.milliseconds
        return Move(ToolResult(call.call_id, call.tool, found.answer), after, mock_rule=found.rule)

    def _delay(self, low: float, high: float, seq: int, purpose: str) -> int:
        """A delay between low and high seconds in virtual milliseconds, drawn by the seed."""
        uniform = draw(self.conversation.spec.seed, self.conversation.index, seq, f"{purpose}-delay")
        return round(1000 * (low + (high - low) * uniform))

    def _speakable(self, text: str) -> str:
        if not text.strip():
            raise StepFailed(Fault.AGENT, "AGENT_SAID_NOTHING", "The agent said an empty text.")
        if len(text) > MAX_TEXT:
            detail = f"The agent said {len(text):,} characters at once; {MAX_TEXT:,} are allowed."
            raise StepFailed(Fault.AGENT, "AGENT_SAID_TOO_MUCH", detail)
        return text

    def _callable(self, tool: str, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        size = len(json.dumps(arguments))
        if len(tool) > MAX_TOOL_NAME or size > MAX_ARGUMENT_BYTES:
            allowed = f"a name of {MAX_TOOL_NAME} characters and arguments of {MAX_ARGUMENT_BYTES} bytes are allowed"
            detail = f"The agent called a tool with a name of {len(tool)} and arguments of {size}; {allowed}."
            raise StepFailed(Fault.AGENT, "AGENT_CALL_TOO_LARGE", detail)
        if (where := inexact(arguments, "arguments")) is not None:
            detail = f"The agent called {tool}, and {where} {INEXACT}."
            raise StepFailed(Fault.AGENT, "AGENT_CALL_NOT_EXACT", detail)
        return arguments


def _call_id(seq: int, transcript: Sequence[Event]) -> str:
    """An id for a call that no earlier call has; copied calls bring ids of their own."""
    taken = {event.body.call_id for event in transcript if isinstance(event.body, ToolCall)}
    call_id = f"call-{seq}"
    while call_id in taken:
        call_id += "-again"
    return call_id
