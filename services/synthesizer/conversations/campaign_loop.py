"""Plays a persona through campaigns, as a conversation: messages and replies are its events, and keep the rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from services.synthesizer.conversations.campaign_contact import ContactPlayer
from services.synthesizer.conversations.mocked_tools import MockedTools
from services.synthesizer.conversations.model import LAST_TIME, Conversation
from services.synthesizer.conversations.moves import MAX_DETAIL, Move, StepFailed, numbered
from services.synthesizer.tool_configs.replies.kind import CallContext
from shared.compute.offload import Offload
from shared.model.campaigns import simulation
from shared.model.campaigns.interactions import Interaction, Status
from shared.model.campaigns.rows import pack_rows, unpack_rows
from shared.model.campaigns.simulation import Script
from shared.model.conversation import State, evolve
from shared.model.draws import draw
from shared.model.events import (
    AgentMessage,
    Ended,
    Event,
    Fault,
    Json,
    Outcome,
    Thoughts,
    ToolAnswer,
    ToolCall,
    ToolResult,
    UserMessage,
)
from shared.model.work_budget import TooMuchWork
from shared.plain import plain


class CampaignLoop:
    """Advances one conversation, as a TurnLoop does.

    contact: its fields and tags. scripts: the same twice, for the event loop and for a thread.
    """

    def __init__(
        self,
        conversation: Conversation,
        contact: tuple[Mapping[str, Json], Sequence[str]],
        scripts: tuple[Script, Script],
        player: ContactPlayer,
        tools: MockedTools,
        offload: Offload,
    ) -> None:
        self._conversation = conversation
        self._fields, self._tags = contact
        self._here, self._in_thread = scripts
        self._player = player
        self._tools = tools
        self._offload = offload
        self._reached: tuple[int, simulation.State] | None = None

    async def advance(self, state: State) -> tuple[Sequence[Event], State]:
        """The events of the next message, reply or call, or of the end, and the state after them.

        Returns no events when the conversation is over. The steps in between are rows of the event that follows them.
        """
        if state.ended is not None:
            return (), state
        now = self._position(state)
        rows: list[Interaction] = []
        moves: Sequence[Move] = ()
        while not moves:
            row = await self._next(now)
            if row is None:
                moves = (self._end(now, rows),)
                break
            try:
                row, moves = await self._perform(row, now, state)
            except StepFailed as failure:
                # A retry takes the same steps again.
                rows, moves = [], (failure.move,)
                break
            rows.append(row)
            now = simulation.evolve(now, row)
        kept = [replace(row, message="") if row.status is Status.SENT else row for row in rows]
        moves = (*moves[:-1], moves[-1]._replace(session=pack_rows(kept) if kept else None))
        events = numbered(moves, state)
        for event in events:
            state = evolve(state, event)
        self._reached = state.last_seq, now
        return events, state

    def _position(self, state: State) -> simulation.State:
        """Where the contact is: the fold of the rows that the events keep."""
        if self._reached is not None and self._reached[0] == state.last_seq:
            return self._reached[1]
        now = self._here.begin(self._fields, self._conversation.spec.epoch, self._tags)
        for row in interactions(state.transcript):
            now = simulation.evolve(now, row)
        return now

    async def _next(self, now: simulation.State) -> Interaction | None:
        seed, index = self._conversation.spec.seed, self._conversation.index
        try:
            row = await self._offload(
                partial(self._here.next, now, seed, index), partial(self._in_thread.next, now, seed, index)
            )
        except TooMuchWork:
            row = self._here.stuck(now)
        if row is not None and row.at > LAST_TIME:
            return None
        return row

    async def _perform(
        self, row: Interaction, now: simulation.State, state: State
    ) -> tuple[Interaction, tuple[Move, ...]]:
        """The row with what the persona or a tool answers, and the moves that show it; none for a silent step."""
        after = max(0, row.at - state.now)
        if row.status is Status.SENT:
            place = self._here.place(now, row.campaign)
            shown = _shown(row)
            answer = await self._player.answer(row, shown, now, place, state)
            said = Move(AgentMessage(shown), after, answer.usage, model_call=answer.model_call, flags=answer.flags)
            return replace(row, response=answer.response), (said,)
        if row.answers and row.reply:
            asked = next(one for one in now.arrivals if one.answers == row.answers)
            thoughts = Thoughts(asked.reasoning, asked.sentiment, asked.likely_to_convert)
            return row, (Move(UserMessage(row.reply), after, thoughts=thoughts),)
        if row.tool:
            call = ToolCall(f"call-{row.seq}", row.tool, row.arguments)
            draws = partial(draw, self._conversation.spec.seed, self._conversation.index, row.seq)
            found = await self._tools.answer(call, CallContext(state.resources, state.answered, draws))
            moves = Move(call, after), Move(ToolResult(call.call_id, row.tool, found.answer), mock_rule=found.rule)
            return replace(row, answer=shown_answer(found.answer)), moves
        return row, ()

    def _end(self, now: simulation.State, rows: Sequence[Interaction]) -> Move:
        if any(one.ended == "failed" for one in now.positions):
            failed = [f"The step {row.step}: {row.actual}" for row in rows if row.ended == "failed"]
            detail = " ".join(failed) or "A step of another campaign failed; its interaction says why."
            return Move(Ended(Outcome.FAILED, "CAMPAIGN_STEP_FAILED", plain(detail, MAX_DETAIL), Fault.AGENT))
        if now.over:
            detail = f"The contact took {self._here.max_steps} steps and was not through."
            return Move(Ended(Outcome.COMPLETED, "MAX_STEPS", detail))
        if not all(one.ended for one in now.positions):
            detail = "The virtual clock cannot go beyond the year 9999, where the next step is due."
            return Move(Ended(Outcome.COMPLETED, "TIME_OVER", detail))
        endings = ", ".join(one.ended for one in now.positions)
        return Move(Ended(Outcome.COMPLETED, "CAMPAIGN_ENDED", f"The campaigns ended: {endings}."))


def interactions(events: Iterable[Event]) -> Iterator[Interaction]:
    """The rows that the events of a campaign's conversation keep."""
    for event in events:
        if event.session is not None:
            for row in unpack_rows(event.session):
                if row.status is Status.SENT and isinstance(event.body, AgentMessage):
                    yield replace(row, message=event.body.text.removeprefix(_subject(row)))
                else:
                    yield row


def shown_answer(answer: ToolAnswer) -> Json:
    """What templates and conditions see of the answer to a webhook."""
    error = answer.error
    return answer.value if error is None else {"error": error.code, "message": error.message}


def _shown(row: Interaction) -> str:
    """A message as the transcript shows it."""
    return _subject(row) + row.message


def _subject(row: Interaction) -> str:
    return f"Subject: {row.subject}\n\n" if row.subject else ""
