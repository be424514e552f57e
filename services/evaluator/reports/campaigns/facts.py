"""What the rows of all contacts show of each step of a campaign."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from services.evaluator.reports.campaigns.model import Simulated
from shared.model.campaigns.interactions import Interaction, Status
from shared.model.campaigns.model import Channel, Condition, Goal, Step, WaitForReply
from shared.model.events import Sentiment

OPEN_ENDS = ("end", "no_branch", "no_arm")
"""How a campaign ends without a goal or an exit."""


@dataclass
class StepFacts:
    """What happened at a step. Lists of durations are milliseconds.

    contacts: that came to it. sent, held_back, dropped: messages. held_for: how long each was held.
    answered, opened, opt_outs, negative: of the messages that were sent. nth: which message of the contact an opt-out
    followed. replies: how long those took that the step waited for. late: how long after its timeout a reply came.
    unread: replies with which a condition went on at `otherwise`. example: by kind, the first conversation.
    """

    contacts: int = 0
    sent: int = 0
    held_back: int = 0
    held_for: list[int] = field(default_factory=list)
    dropped: int = 0
    answered: int = 0
    opened: int = 0
    opt_outs: int = 0
    negative: int = 0
    nth: list[int] = field(default_factory=list)
    replies: list[int] = field(default_factory=list)
    late: list[int] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    example: dict[str, str] = field(default_factory=dict)


@dataclass
class Facts:
    """All contacts together. steps: by id. lost: for contacts without a goal, how often each choice was their last.

    choice: (step, branch) where a step has several ways. lost_in: a conversation for each.
    """

    contacts: Sequence[Simulated]
    steps: dict[str, StepFacts]
    lost: Counter[tuple[str, str]] = field(default_factory=Counter)
    lost_in: dict[tuple[str, str], str] = field(default_factory=dict)


def converted(contact: Simulated) -> bool:
    """True if the contact reached a goal."""
    return any(row.type == Goal.kind for row in contact.rows)


def facts_of(steps: Sequence[Step], contacts: Sequence[Simulated]) -> Facts:
    """The facts. contacts: with the rows of this campaign only."""
    found = Facts(contacts, defaultdict(StepFacts, {step.id: StepFacts() for step in steps}))
    by_id = {step.id: step for step in reversed(steps)}
    for contact in contacts:
        _add(found, contact, by_id)
    return found


def _add(found: Facts, contact: Simulated, by_id: dict[str, Step]) -> None:
    rows = {row.seq: row for row in contact.rows}
    reply, sent, choice = "", 0, ("", "")
    held: dict[str, int] = {}
    timed_out: Interaction | None = None
    for place in {row.step for row in contact.rows}:
        found.steps[place].contacts += 1
    for row in contact.rows:
        facts = found.steps[row.step]
        if not row.passed:
            _count(facts, contact, row.type if row.status is Status.NONE else "after_stop")
        if row.ended in OPEN_ENDS:
            _count(facts, contact, row.ended)
        if row.status is Status.HELD_BACK:
            facts.held_back += 1
            held[row.step] = row.at
            facts.example.setdefault("held", contact.conversation)
        elif row.status is Status.DROPPED:
            facts.dropped += 1
            facts.example.setdefault("dropped", contact.conversation)
        elif row.status is Status.SENT:
            sent += 1
            if row.step in held:
                facts.held_for.append(row.at - held.pop(row.step))
            _sent(facts, row)
        if row.answers and (asked := rows.get(row.answers)) is not None:
            if row.opts_out:
                message = found.steps[asked.step]
                message.opt_outs += 1
                message.nth.append(sum(one.status is Status.SENT and one.seq <= asked.seq for one in contact.rows))
                message.example.setdefault("opt_out", contact.conversation)
            elif row.reply and timed_out is not None and row.type == "reply" and timed_out.seq > row.answers:
                late = found.steps[timed_out.step]
                late.late.append(row.at - timed_out.at)
                late.example.setdefault("late", contact.conversation)
        reply = row.reply or reply
        step = by_id.get(row.step)
        if step is None:
            continue
        if isinstance(step.action, WaitForReply):
            if row.branch == "timeout":
                timed_out = row
            elif row.branch == "reply":
                facts.replies.append(row.delay)
        if isinstance(step.action, Condition) and row.branch == "otherwise" and reply:
            facts.unread.append(reply)
            facts.example.setdefault("unread", contact.conversation)
        if row.branch and len(step.edges) > 1:
            choice = (row.step, row.branch)
    if choice != ("", "") and not converted(contact):
        found.lost[choice] += 1
        found.lost_in.setdefault(choice, contact.conversation)


def _sent(facts: StepFacts, row: Interaction) -> None:
    facts.sent += 1
    response = row.response
    if response is not None:
        facts.answered += bool(response.reply)
        facts.opened += response.opened is not None or row.channel is Channel.SMS
        facts.negative += response.sentiment is Sentiment.NEGATIVE


def _count(facts: StepFacts, contact: Simulated, what: str) -> None:
    facts.errors[what] += 1
    facts.example.setdefault(what, contact.conversation)


def messages_of(contact: Simulated) -> Iterator[Interaction]:
    """The messages that the contact got."""
    return (row for row in contact.rows if row.status is Status.SENT)
