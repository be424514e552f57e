"""Transcripts as reports show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a line shows."""

    USER = "USER"
    AGENT = "AGENT"
    CALL = "CALL"
    ANSWER = "ANSWER"
    ERROR = "ERROR"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a conversation. seq: its place. copied: True if it comes from the source.

    text: what was said, a call as `tool(name=value)`, an answer as JSON, or a sentence.
    """

    seq: int
    kind: Kind
    text: str
    copied: bool = False


Transcripts = Mapping[str, Sequence[Line]]
"""Lines by the name of the conversation; those that were deleted are missing."""
