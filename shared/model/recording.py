"""Whether the calls of models are recorded."""

from enum import StrEnum


class Recording(StrEnum):
    """What a conversation does with recordings of model calls.

    RECORD: each call is recorded before its answer is used, and one that the conversation recorded is not made again.
    REPLAY: every answer is a recorded one; no model is called. LIVE: nothing is recorded.
    """

    RECORD = "RECORD"
    REPLAY = "REPLAY"
    LIVE = "LIVE"
