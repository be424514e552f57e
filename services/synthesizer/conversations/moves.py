"""Moves: events before they have a number."""

from collections.abc import Sequence
from typing import NamedTuple

from services.synthesizer.conversations.model import LAST_TIME
from shared.ids import new_id
from shared.model.conversation import State
from shared.model.events import (
    Ended,
    Event,
    Fault,
    Kind,
    ModelCall,
    Outcome,
    PersonaFlag,
    Thoughts,
    Usage,
    UserMessage,
)
from shared.plain import plain

MAX_DETAIL = 1_000


class Move(NamedTuple):
    """An event before it has a number.

    after: virtual milliseconds since the event before. usage, model_call: of the model that decided it, if any.
    session: the new one of the agent or of the customer. thoughts: the persona's. flags: of its reply.
    mock_rule: the index of the rule that gave a tool's result. steps: those that the built-in agent came through.
    """

    body: Kind
    after: int = 0
    usage: Usage | None = None
    session: bytes | None = None
    model_call: ModelCall | None = None
    thoughts: Thoughts | None = None
    flags: tuple[PersonaFlag, ...] = ()
    mock_rule: int | None = None
    steps: tuple[int, ...] = ()


class StepFailed(Exception):
    """A step cannot be performed.

    fault: who is to blame; None if nobody is, so that the conversation is cancelled.
    usage: of answers that were paid for and cannot be used. flags: of the last one.
    """

    def __init__(
        self,
        fault: Fault | None,
        reason: str,
        detail: str,
        usage: Usage | None = None,
        flags: tuple[PersonaFlag, ...] = (),
    ) -> None:
        super().__init__(detail)
        # The detail may quote a model or an agent.
        outcome = Outcome.CANCELLED if fault is None else Outcome.FAILED
        self.move = Move(Ended(outcome, reason, plain(detail, MAX_DETAIL), fault), usage=usage, flags=flags)


def numbered(moves: Sequence[Move], state: State) -> list[Event]:
    """The moves of one step as events that follow the state."""
    events = []
    seq, at = state.last_seq, state.now
    turn = state.turns + any(isinstance(move.body, UserMessage) for move in moves)
    for move in moves:
        seq, at = seq + 1, min(at + move.after, LAST_TIME)
        events.append(
            Event(
                id=new_id(),
                seq=seq,
                at=at,
                turn=turn,
                body=move.body,
                usage=move.usage,
                session=move.session,
                model_call=move.model_call,
                thoughts=move.thoughts,
                flags=move.flags,
                mock_rule=move.mock_rule,
                steps=move.steps,
            )
        )
    return events
