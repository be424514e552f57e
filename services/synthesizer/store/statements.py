"""What the transaction of an append writes beside its events: all of the service that the writer's process imports."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Update, bindparam, exists, func, insert, or_, update

from services.synthesizer.conversations.model import ConversationState
from services.synthesizer.store.tables import batches, conversations, requests
from shared.db.appends import Constant

_GOING_ON = [ConversationState.CREATED, ConversationState.PENDING, ConversationState.GENERATING]


def _one_of(column: ColumnElement[str], values: Sequence[str]) -> ColumnElement[bool]:
    """`column IN values`, in a form that can be executed for many rows at once."""
    return or_(*(column == value for value in values))


def _row_of(*columns: str) -> Update:
    return (
        update(conversations)
        .where(conversations.c.id == bindparam("of"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


_STANDS = ("turns", "last_seq", "attempt", "model_calls", "input_tokens", "output_tokens")
GOES_ON = Constant(__name__, _row_of(*_STANDS))
"""What the fold says, beside the events. The state stays what it is: to write it is to write three indexes."""
TAKEN_UP = Constant(__name__, _row_of("state", *_STANDS))
"""The same with the state that a job's first event brings."""
ENDS = Constant(__name__, _row_of("state", *_STANDS, "reason", "detail", "fault", "digest", "end_time"))
"""The same with how it ended."""

BATCH_RUNS = Constant(
    __name__,
    update(batches).where(batches.c.id == bindparam("of_batch"), batches.c.state == "PENDING").values(state="RUNNING"),
)
BATCH_IS_OVER = Constant(
    __name__,
    update(batches)
    .where(
        batches.c.id == bindparam("of_batch"),
        _one_of(batches.c.state, ["CREATED", "PENDING", "RUNNING"]),
        ~exists().where(conversations.c.batch == bindparam("of_batch"), _one_of(conversations.c.state, _GOING_ON)),
    )
    .values(
        # Cancelled is what was asked for; a batch whose last conversation had ended before is completed all the same.
        state=func.coalesce(func.nullif(batches.c.wanted, ""), "COMPLETED"),
        end_time=bindparam("at"),
    ),
)

REMEMBER = Constant(__name__, insert(requests))
"""The request that these events came with."""

ALL = (GOES_ON, TAKEN_UP, ENDS, BATCH_RUNS, BATCH_IS_OVER, REMEMBER)
