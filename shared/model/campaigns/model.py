"""A campaign: a graph of steps that send messages to one contact, wait, and branch.

Durations are seconds, times of day are minutes since midnight at the contact's place. Texts are Liquid templates over
`TEMPLATE_NAMES`; conditions are CEL over the names in `conditions.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import ClassVar

from shared.model.campaigns.expectations import Expectation
from shared.model.campaigns.times import read_date
from shared.model.events import Json

MAX_STEPS = 5_000
"""The most steps of a campaign."""
MAX_CONDITION = 2_000
"""The most characters of a condition."""
MAX_SMS = 5_000
"""The most characters of the template of an SMS."""
MAX_EMAIL = 200_000
"""The most characters of the template of an e-mail's body."""

TEMPLATE_NAMES = ("contact", "tags", "reply", "results", "sender", "unsubscribe_url")
"""What a template can name. contact: the fields that the contact has. reply: the last reply, or "".
results: the last answer of each webhook by tool. sender: its name, sms, email and address."""


class Channel(StrEnum):
    """How a message reaches the contact."""

    SMS = "sms"
    EMAIL = "email"


class Weekday(StrEnum):
    """A day of the week, in order."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class FieldType(StrEnum):
    """What values a contact field has. A date is text such as `2026-12-24`."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    DATE = "date"


EMPTY: Mapping[FieldType, Json] = {
    FieldType.TEXT: "",
    FieldType.INTEGER: 0,
    FieldType.NUMBER: 0.0,
    FieldType.BOOLEAN: False,
    FieldType.DATE: "",
}
"""What conditions see of a field that the contact does not have and that has no default."""


@dataclass(frozen=True, slots=True)
class Field:
    """A declared field of contacts, `contact.<name>` in conditions and templates.

    values: the only values that it takes; empty: any. minimum, maximum: inclusive; None: not bounded.
    default: what a contact without the field has; None: nothing.
    """

    name: str
    type: FieldType = FieldType.TEXT
    description: str = ""
    values: tuple[Json, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    default: Json = None


@dataclass(frozen=True, slots=True)
class QuietHours:
    """No message is sent from `start` until `end` at the contact's place; equal: there are no quiet hours."""

    start: int = 21 * 60
    end: int = 8 * 60

    def covers(self, minute: int) -> bool:
        """True if the minute of the day is quiet."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


@dataclass(frozen=True, slots=True)
class Cap:
    """A contact gets at most `messages` in any `within` seconds. channel: None: both together."""

    messages: int
    within: int
    channel: Channel | None = None


@dataclass(frozen=True, slots=True)
class Sender:
    """Who sends. sms: a number or short code. email: an address. address: postal, for the foot of e-mails."""

    name: str = ""
    sms: str = ""
    email: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class SendSms:
    """Send an SMS. body: a template."""

    kind: ClassVar[str] = "send_sms"
    body: str


@dataclass(frozen=True, slots=True)
class SendEmail:
    """Send an e-mail. subject, body, and the values of headers are templates; a body with tags is HTML."""

    kind: ClassVar[str] = "send_email"
    subject: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class WaitForReply:
    """Wait until the contact replies, at most `timeout` seconds.

    A reply continues at the step's `next`, the timeout at `on_timeout`, or at `next` too if that is empty.
    """

    kind: ClassVar[str] = "wait_for_reply"
    timeout: int
    on_timeout: str = ""


@dataclass(frozen=True, slots=True)
class Delay:
    """Wait for `duration`, then until it is `time` of day on a `weekday`; those that are None are left out.

    What is so already is not waited for. A weekday without a time keeps the time of day.
    """

    kind: ClassVar[str] = "delay"
    duration: int | None = None
    time: int | None = None
    weekday: Weekday | None = None


@dataclass(frozen=True, slots=True)
class Branch:
    """Continue at `next` if the condition `when` holds. name: for reports; "": its position."""

    when: str
    next: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """Continue at the first branch that holds, or at `otherwise`, which is empty if there is no else."""

    kind: ClassVar[str] = "condition"
    branches: tuple[Branch, ...]
    otherwise: str = ""

    @property
    def named(self) -> list[tuple[str, Branch]]:
        """The branches with their names, or else their positions from 1."""
        return [(branch.name or str(number), branch) for number, branch in enumerate(self.branches, 1)]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way of a split. weight: its share, relative to the others'."""

    name: str
    next: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Split:
    """Draw one of the arms for the contact."""

    kind: ClassVar[str] = "split"
    arms: tuple[Arm, ...]


@dataclass(frozen=True, slots=True)
class UpdateContact:
    """Change the contact. fields: new values by field; texts are templates."""

    kind: ClassVar[str] = "update_contact"
    fields: Mapping[str, Json] = field(default_factory=dict, hash=False)
    add_tags: tuple[str, ...] = ()
    remove_tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Webhook:
    """Call a tool, which the tool config of a rehearsal mocks; its answer becomes `results.<tool>`.

    arguments: values by name; texts are templates. url: where the call goes when nobody rehearses.
    """

    kind: ClassVar[str] = "webhook"
    tool: str
    arguments: Mapping[str, Json] = field(default_factory=dict, hash=False)
    url: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """The contact did what the campaign is for. It ends here, unless the step has a `next`."""

    kind: ClassVar[str] = "goal"
    name: str = ""


@dataclass(frozen=True, slots=True)
class Exit:
    """The campaign ends for the contact. reason: for reports."""

    kind: ClassVar[str] = "exit"
    reason: str = ""


Action = SendSms | SendEmail | WaitForReply | Delay | Condition | Split | UpdateContact | Webhook | Goal | Exit
"""What a step does."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A way from a step to another one.

    branch: `next`, `reply`, `timeout`, `otherwise`, the name of an arm, or the name or number of a branch.
    """

    step: str
    branch: str
    target: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step. next: the id of the step that follows; empty for conditions, splits and ends."""

    id: str
    action: Action
    next: str = ""

    @property
    def edges(self) -> tuple[Edge, ...]:
        """Its ways to other steps, in order; those without a target are left out."""
        match self.action:
            case Condition() as condition:
                ways = [(name, branch.next) for name, branch in condition.named]
                ways.append(("otherwise", condition.otherwise))
            case Split(arms):
                ways = [(arm.name, arm.next) for arm in arms]
            case WaitForReply(on_timeout=on_timeout):
                ways = [("reply", self.next), ("timeout", on_timeout or self.next)]
            case Exit():
                ways = []
            case _:
                ways = [("next", self.next)]
        return tuple(Edge(self.id, branch, target) for branch, target in ways if target)


@dataclass(frozen=True, slots=True)
class Campaign:
    """A message workflow.

    start: the id of the first step; "": the first in the list. time_zone: an IANA name, of contacts that have none in
    their field `time_zone`. holidays: days on which no message is sent. Ids of steps may repeat or be unknown in a
    campaign that was not checked.
    """

    display_name: str
    steps: tuple[Step, ...]
    description: str = ""
    start: str = ""
    time_zone: str = "UTC"
    quiet_hours: QuietHours = QuietHours()
    caps: tuple[Cap, ...] = ()
    sender: Sender = Sender()
    holidays: tuple[date, ...] = ()
    contact: tuple[Field, ...] = ()
    expectations: tuple[Expectation, ...] = ()

    @property
    def first(self) -> str:
        """The id of the step where contacts enter; "" if there are no steps."""
        return self.start or (self.steps[0].id if self.steps else "")


def has_type(value: Json, of: FieldType) -> bool:
    """True if a contact field of the type can have the value."""
    match of:
        case FieldType.TEXT:
            return isinstance(value, str)
        case FieldType.INTEGER:
            return isinstance(value, int) and not isinstance(value, bool)
        case FieldType.NUMBER:
            return isinstance(value, int | float) and not isinstance(value, bool)
        case FieldType.BOOLEAN:
            return isinstance(value, bool)
        case FieldType.DATE:
            try:
                return isinstance(value, str) and bool(read_date(value))
            except ValueError:
                return False
