"""What happens to a contact in campaigns, as rows: steps, replies, and messages that were not sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from shared.model.campaigns.model import Channel
from shared.model.events import Json, Sentiment


class Status(StrEnum):
    """What became of a message: held back until quiet hours or a holiday end, or dropped for a frequency cap."""

    NONE = ""
    SENT = "sent"
    HELD_BACK = "held_back"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class Response:
    """How a contact answers a message. All durations are milliseconds after it was sent.

    reply: "" is no response. after: when the reply arrives. opened, clicked: None if it does not open or click.
    unsubscribes: it uses the link of an e-mail to unsubscribe, at `after`.
    reasoning, sentiment, likely_to_convert: what it thinks, how it feels, and how likely it converts, 0 to 100.
    """

    reply: str = ""
    after: int = 0
    opened: int | None = None
    clicked: int | None = None
    unsubscribes: bool = False
    reasoning: str = ""
    sentiment: Sentiment = Sentiment.NEUTRAL
    likely_to_convert: int = 50


NO_RESPONSE = Response()


@dataclass(frozen=True, slots=True)
class Interaction:
    """One row.

    seq: from 1. at: virtual time, Unix milliseconds. campaign: its position among those that the contact is in.
    step: its id. type: the kind of the step, or `reply`, `unsubscribe` or `max_steps`.
    delay: milliseconds since the contact came to the step. channel, subject, message, headers: as it was sent or would
    have been. response: how the contact answers a message that was sent. reply: what arrived in this row.
    answers: the seq of the message that the reply answers; 0: none. opts_out: the reply or click opts out.
    branch: the edge that was taken; "" if none. target: the step that follows; "" if the campaign ends.
    due: when the contact continues at the target. ended: why the campaign ended, such as `goal` or `exit`; "" if not.
    fields, add_tags, remove_tags: how the contact changes. tool, arguments, answer: the call of a webhook.
    expected, actual, passed: what should be so and what was, where something can be wrong.
    """

    seq: int
    at: int
    campaign: int
    step: str
    type: str
    delay: int = 0
    channel: Channel | None = None
    status: Status = Status.NONE
    subject: str = ""
    message: str = ""
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)
    response: Response | None = None
    reply: str = ""
    answers: int = 0
    opts_out: bool = False
    branch: str = ""
    target: str = ""
    due: int = 0
    ended: str = ""
    fields: Mapping[str, Json] = field(default_factory=dict, hash=False)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()
    tool: str = ""
    arguments: Mapping[str, Json] = field(default_factory=dict, hash=False)
    answer: Json = None
    expected: str = ""
    actual: str = ""
    passed: bool = True
