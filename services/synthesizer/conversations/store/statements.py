"""The statements that an append of a conversation's events runs in its transaction."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Update, bindparam, insert, update

from services.synthesizer.conversations.store.tables import USAGE, conversations
from services.synthesizer.store import requests


def _row_of(*columns: str) -> Update:
    return (
        update(conversations)
        .where(conversations.c.id == bindparam("of"))
        .values({name: bindparam(f"new_{name}") for name in columns})
    )


_FOLD = ("turns", "repeats", "flags", "last_seq", "attempt", *USAGE)
GOES_ON = _row_of(*_FOLD)
"""Writes the fold. It leaves out the state, because that would update three indexes."""
TAKEN_UP = _row_of("state", *_FOLD)
"""Also writes the state, after a job's first event."""
ENDS = _row_of("state", *_FOLD, "reason", "detail", "fault", "digest", "end_time")
"""Also writes how the conversation ended."""


@dataclass(frozen=True, slots=True)
class BatchStatements:
    """What a conversation's transactions write about its batch. The store of batches makes them, app.py passes them in.

    runs: the batch has a running conversation; parameter `of_batch`.
    ends: the batch ends if all its conversations have ended; parameters `of_batch` and `at`, Unix milliseconds.
    resumes: ended batches run again; parameter `of_batches`, a list.
    cancelled: a condition on a row of conversations, true if its batch was cancelled.
    """

    runs: Update
    ends: Update
    resumes: Update
    cancelled: ColumnElement[bool]


REMEMBER = insert(requests)
"""Stores the request id of an append."""
