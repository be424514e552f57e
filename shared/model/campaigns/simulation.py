"""Plays one contact through one or several campaigns on a virtual clock.

`Script.next` says what happens next, and `evolve` folds it into the state; both are pure, so a process that resumes
from the stored rows does the same. What a persona or a tool answers comes from outside, between the two.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, assert_never
from zoneinfo import ZoneInfo

from shared.model.campaigns.clock import BadTimeZone, after_delay, local, weekday, when_allowed, zone
from shared.model.campaigns.conditions import Conditions, Facts
from shared.model.campaigns.interactions import Interaction, Response, Status
from shared.model.campaigns.model import (
    Arm,
    Campaign,
    Channel,
    Condition,
    Delay,
    Exit,
    Goal,
    SendEmail,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
    Webhook,
)
from shared.model.campaigns.optout import is_opt_out
from shared.model.campaigns.rendering import UNSUBSCRIBE_URL, rendered, sender_values
from shared.model.campaigns.times import DAY, MINUTE, write_duration
from shared.model.draws import draw
from shared.model.events import Json, Sentiment
from shared.model.expressions import BadExpression
from shared.model.templates import MAX_OUTPUT, BadTemplate, Template
from shared.model.work_budget import TooMuchWork, work_budget

MAX_STEPS = 50
"""The most steps that a contact takes, in all its campaigns together, unless a simulation says otherwise."""
CONFIRMATION = 5 * MINUTE
"""Seconds after an opt-out in which one message may confirm it (47 CFR 64.1200(a)(12))."""
_Row = dict[str, Any]
"""The members of an interaction that is being made: copying one for each of them takes too long."""
_FEELS = {Sentiment.POSITIVE: 1.0, Sentiment.NEUTRAL: 0.0, Sentiment.NEGATIVE: -1.0}


class Position(NamedTuple):
    """Where a contact is in a campaign. since: when it came to the step. due: when it goes on. ended: why, or ""."""

    step: str
    since: int
    due: int
    ended: str = ""


class Arrival(NamedTuple):
    """A reply or a click to unsubscribe that is on its way. answers: the seq of the message."""

    at: int
    answers: int
    campaign: int
    step: str
    channel: Channel
    reply: str
    sentiment: Sentiment
    reasoning: str
    likely_to_convert: int


class Sent(NamedTuple):
    """A message that was sent. opened, clicked: when, or None."""

    at: int
    campaign: int
    channel: Channel
    opened: int | None
    clicked: int | None


@dataclass(frozen=True, slots=True)
class State:
    """The fold of the rows of one contact.

    now: virtual time. entered: when it entered the campaigns. steps: those it took. arrivals: what is on its way, in
    the order of arrival. sent: the messages so far. opted_out: when, by channel. confirmed: channels on which a message
    followed an opt-out in time. reply, sentiment: the last that arrived. results: the last answer of each tool.
    over: it took the most steps.
    """

    contact: Mapping[str, Json]
    tags: tuple[str, ...]
    now: int
    entered: int
    positions: tuple[Position, ...]
    last_seq: int = 0
    steps: int = 0
    arrivals: tuple[Arrival, ...] = ()
    sent: tuple[Sent, ...] = ()
    opted_out: Mapping[Channel, int] = field(default_factory=dict)
    confirmed: frozenset[Channel] = frozenset()
    reply: str = ""
    sentiment: Sentiment = Sentiment.NEUTRAL
    results: Mapping[str, Json] = field(default_factory=dict)
    over: bool = False


def evolve(state: State, row: Interaction) -> State:
    """The state after one more row."""
    changes: dict[str, Any] = {"now": row.at, "last_seq": row.seq}
    if row.type == "max_steps":
        return replace(state, over=True, **changes)
    if row.answers:
        answered = next(one for one in state.arrivals if one.answers == row.answers)
        changes["arrivals"] = tuple(one for one in state.arrivals if one is not answered)
        if row.reply:
            changes.update(reply=row.reply, sentiment=answered.sentiment)
        if row.opts_out:
            changes["opted_out"] = {**state.opted_out, answered.channel: row.at}
            changes["confirmed"] = state.confirmed - {answered.channel}
    if row.target or row.ended:
        position = Position(row.target, row.at, row.due, row.ended)
        changes["positions"] = (*state.positions[: row.campaign], position, *state.positions[row.campaign + 1 :])
        changes["steps"] = state.steps + (row.status is not Status.HELD_BACK)
    if row.status is Status.SENT and row.channel is not None:
        changes.update(_sent(state, row, row.channel))
    if row.fields:
        changes["contact"] = {**state.contact, **row.fields}
    if row.add_tags or row.remove_tags:
        changes["tags"] = tuple(sorted((set(state.tags) | set(row.add_tags)) - set(row.remove_tags)))
    if row.tool:
        changes["results"] = {**state.results, row.tool: row.answer}
    return replace(state, **changes)


def _sent(state: State, row: Interaction, channel: Channel) -> dict[str, Any]:
    response = row.response or Response()
    opened, clicked = (None if after is None else row.at + after for after in (response.opened, response.clicked))
    changes: dict[str, Any] = {"sent": (*state.sent, Sent(row.at, row.campaign, channel, opened, clicked))}
    if response.reply or response.unsubscribes:
        arrival = Arrival(
            row.at + response.after,
            row.seq,
            row.campaign,
            row.step,
            channel,
            response.reply,
            response.sentiment,
            response.reasoning,
            response.likely_to_convert,
        )
        changes["arrivals"] = tuple(sorted((*state.arrivals, arrival)))
    if channel in state.opted_out:
        changes["confirmed"] = state.confirmed | {channel}
    return changes


class Script:
    """Campaigns, compiled once for all contacts.

    Conditions and templates with errors fail the step that uses them.
    """

    def __init__(self, campaigns: Sequence[Campaign], max_steps: int = MAX_STEPS) -> None:
        self.campaigns = tuple(campaigns)
        self.max_steps = max_steps
        self._steps = [{step.id: step for step in reversed(one.steps)} for one in campaigns]
        self._conditions = [Conditions(one.contact) for one in campaigns]
        self._defaults = [
            {one.name: one.default for one in each.contact if one.default is not None} for each in campaigns
        ]
        self._senders = [sender_values(one.sender) for one in campaigns]
        self._templates: dict[tuple[str, int], Template] = {}

    def begin(self, contact: Mapping[str, Json], at: int, tags: Sequence[str] = ()) -> State:
        """A contact that enters all campaigns at once. Raises BadTimeZone."""
        place = zone(str(contact.get("time_zone") or self.campaigns[0].time_zone))
        positions = tuple(
            Position(one.first, at, self._due(number, one.first, at, place))
            for number, one in enumerate(self.campaigns)
        )
        return State(dict(contact), tuple(sorted(set(tags))), at, at, positions)

    def next(self, state: State, seed: int, index: int) -> Interaction | None:
        """What happens next, or None if nothing does: the earliest of the replies and of the steps that are due.

        seed, index: of the draws of this contact.
        A message that was sent has no response yet, and the call of a webhook no answer. Raises TooMuchWork; `stuck`
        is the row then.
        """
        if state.over:
            return None
        due = min(((one.due, number) for number, one in enumerate(state.positions) if not one.ended), default=None)
        if state.arrivals and (due is None or state.arrivals[0].at <= due[0]):
            return self._arrive(state, state.arrivals[0])
        if due is None:
            return None
        at, number = max(due[0], state.now), due[1]
        position = state.positions[number]
        row: _Row = {
            "seq": state.last_seq + 1,
            "at": at,
            "campaign": number,
            "step": position.step,
            "type": "max_steps",
            "delay": at - position.since,
        }
        if state.steps >= self.max_steps:
            actual = f"The contact still is at `{position.step}` after {self.max_steps} steps."
            return Interaction(**row, actual=actual, passed=False)
        step = self._steps[number].get(position.step)
        if step is None:
            return _failed({**row, "type": "unknown"}, f"There is no step `{position.step}`.")
        row["type"] = step.action.kind
        try:
            with work_budget():
                self._perform(state, step, row, seed, index)
        except (BadTemplate, BadExpression) as bad:
            return _failed(row, str(bad))
        return Interaction(**row)

    def stuck(self, state: State) -> Interaction:
        """The row of the step that is due and takes too much work."""
        number = min((one.due, number) for number, one in enumerate(state.positions) if not one.ended)[1]
        position = state.positions[number]
        row: _Row = {
            "seq": state.last_seq + 1,
            "at": max(position.due, state.now),
            "campaign": number,
            "step": position.step,
            "type": self._steps[number][position.step].action.kind,
        }
        return _failed(row, "The step takes more work than one may.")

    def place(self, state: State, campaign: int) -> ZoneInfo:
        """The time zone of the contact or else of the campaign; UTC if a campaign gave the contact an unknown one."""
        try:
            return zone(str(state.contact.get("time_zone") or self.campaigns[campaign].time_zone))
        except BadTimeZone:
            return zone("UTC")

    def _arrive(self, state: State, arrival: Arrival) -> Interaction:
        at = max(arrival.at, state.now)
        position = state.positions[arrival.campaign]
        row: _Row = {
            "seq": state.last_seq + 1,
            "at": at,
            "campaign": arrival.campaign,
            "step": position.step or arrival.step,
            "type": "reply" if arrival.reply else "unsubscribe",
            "delay": at - position.since,
            "channel": arrival.channel,
            "reply": arrival.reply,
            "answers": arrival.answers,
            "opts_out": not arrival.reply or is_opt_out(arrival.reply),
        }
        step = self._steps[arrival.campaign].get(position.step)
        if arrival.reply and not position.ended and step is not None and isinstance(step.action, WaitForReply):
            row["type"], row["actual"] = WaitForReply.kind, f"A reply after {_duration(row['delay'])}."
            self._to(state, row, "reply", step.next)
        return Interaction(**row)

    def _perform(self, state: State, step: Step, row: _Row, seed: int, index: int) -> None:
        """Add what the step does to its row."""
        match step.action:
            case SendSms() | SendEmail() as action:
                self._send(state, step, action, row)
            case WaitForReply(on_timeout=on_timeout):
                row["actual"] = f"No reply within {_duration(row['delay'])}."
                self._to(state, row, "timeout", on_timeout or step.next)
            case Delay():
                self._to(state, row, "next", step.next)
            case Condition() as condition:
                conditions, values = self._conditions[row["campaign"]], self._facts(state, row)
                for name, branch in condition.named:
                    if conditions.compile(branch.when).holds(values):
                        self._to(state, row, name, branch.next)
                        return
                self._to(state, row, "otherwise", condition.otherwise, ended="no_branch")
            case Split(()):
                self._to(state, row, "", "", ended="no_arm")
            case Split(arms):
                arm = _weighted(arms, draw(seed, index, state.steps, f"split/{row['campaign']}/{step.id}"))
                self._to(state, row, arm.name, arm.next)
            case UpdateContact(fields, add_tags, remove_tags):
                row |= {"fields": self._filled(fields, state, row), "add_tags": add_tags, "remove_tags": remove_tags}
                self._to(state, row, "next", step.next)
            case Webhook(tool, arguments):
                row |= {"tool": tool, "arguments": self._filled(arguments, state, row)}
                self._to(state, row, "next", step.next)
            case Goal():
                self._to(state, row, "next", step.next, ended="goal")
            case Exit(reason):
                row |= {"ended": "exit", "actual": reason}
            case _:
                assert_never(step.action)

    def _to(self, state: State, row: _Row, branch: str, target: str, ended: str = "end") -> None:
        """Add the step that follows to a row, or why the campaign ends if none does."""
        if target:
            due = self._due(row["campaign"], target, row["at"], self.place(state, row["campaign"]))
            row |= {"branch": branch, "target": target, "due": due}
        else:
            row["ended"] = ended

    def _due(self, campaign: int, target: str, at: int, place: ZoneInfo) -> int:
        """When a contact that comes to a step continues: it waits at delays and for replies."""
        step = self._steps[campaign].get(target)
        match None if step is None else step.action:
            case WaitForReply(timeout):
                return at + max(0, timeout) * 1000
            case Delay() as delay:
                return max(at, after_delay(delay, at, place))
            case _:
                return at

    def _send(self, state: State, step: Step, action: SendSms | SendEmail, row: _Row) -> None:
        campaign, values, at = self.campaigns[row["campaign"]], self._values(state, row), row["at"]
        channel, body, subject, headers = rendered(action, values, self._template)
        row |= {"channel": channel, "message": body, "subject": subject, "headers": headers}
        confirms = self._confirms(state, channel, at)
        allowed = when_allowed(campaign, at, self.place(state, row["campaign"]))
        if allowed > at and not confirms:
            held = f"Held back for {_duration(allowed - at)}, until quiet hours or a holiday are over."
            row |= {"status": Status.HELD_BACK, "target": step.id, "due": allowed, "actual": held}
            return
        self._to(state, row, "next", step.next)
        row["status"] = Status.SENT
        for cap in campaign.caps:
            after = at - cap.within * 1000
            sent = sum(one.at > after and cap.channel in (None, one.channel) for one in state.sent)
            if sent >= cap.messages and cap.channel in (None, channel) and not confirms:
                dropped = f"Dropped, because the contact had {sent} in the last {write_duration(cap.within)}."
                row |= {"status": Status.DROPPED, "actual": dropped}
                return
        if channel in state.opted_out and not confirms:
            row["expected"] = f"No {channel.value} after the opt-out, but one confirmation."
            row["actual"] = f"Sent {_duration(at - state.opted_out[channel])} after the opt-out."
            row["passed"] = False

    def _confirms(self, state: State, channel: Channel, at: int) -> bool:
        """True if a message would be the one that may confirm an opt-out."""
        opted_out = state.opted_out.get(channel)
        return opted_out is not None and channel not in state.confirmed and at - opted_out <= CONFIRMATION * 1000

    def _values(self, state: State, row: _Row) -> dict[str, Json]:
        """What templates name."""
        return {
            "contact": {**self._defaults[row["campaign"]], **state.contact},
            "tags": [*state.tags],
            "reply": state.reply,
            "results": dict(state.results),
            "sender": self._senders[row["campaign"]],
            "unsubscribe_url": UNSUBSCRIBE_URL,
        }

    def _facts(self, state: State, row: _Row) -> dict[str, Any]:
        """What conditions name."""
        now = local(row["at"], self.place(state, row["campaign"]))
        own = [one for one in state.sent if one.campaign == row["campaign"]]
        facts = Facts(
            contact=state.contact,
            tags=state.tags,
            reply=state.reply,
            sentiment=_FEELS[state.sentiment] if state.reply else 0.0,
            clicks=sum(one.clicked is not None and one.clicked <= row["at"] for one in own),
            opens=sum(one.opened is not None and one.opened <= row["at"] for one in own),
            date=now.date().isoformat(),
            weekday=weekday(now.date()),
            hour=now.hour,
            minute=now.minute,
            day=(row["at"] - state.entered) // (DAY * 1000),
            results=state.results,
        )
        return self._conditions[row["campaign"]].values(facts)

    def _filled(self, given: Mapping[str, Json], state: State, row: _Row) -> dict[str, Json]:
        """The values with texts rendered; a text that is one merge field gives the value itself."""
        values = self._values(state, row)
        return {
            name: self._template(value).value(values) if isinstance(value, str) else value
            for name, value in given.items()
        }

    def _template(self, source: str, longest: int = MAX_OUTPUT) -> Template:
        key = source, longest
        if key not in self._templates:
            self._templates[key] = Template(source, longest)
        return self._templates[key]


def simulate(
    script: Script,
    state: State,
    responds: Callable[[Interaction, State], Response],
    answers: Callable[[Interaction, State], Json],
    seed: int = 0,
    index: int = 0,
) -> Iterator[Interaction]:
    """The rows of one contact. responds: to a message. answers: a call of a webhook."""
    while True:
        try:
            row = script.next(state, seed, index)
        except TooMuchWork:
            row = script.stuck(state)
        if row is None:
            return
        if row.status is Status.SENT:
            row = replace(row, response=responds(row, state))
        elif row.tool:
            row = replace(row, answer=answers(row, state))
        yield row
        state = evolve(state, row)


def _failed(row: _Row, why: str) -> Interaction:
    """The row of a step that cannot be performed. row: without what the step does."""
    begun = {name: row[name] for name in ("seq", "at", "campaign", "step", "type")}
    return Interaction(**begun, ended="failed", actual=why, passed=False)


def _weighted(arms: Sequence[Arm], drawn: float) -> Arm:
    place = drawn * sum(arm.weight for arm in arms)
    for arm in arms:
        place -= arm.weight
        if place < 0:
            return arm
    return arms[-1]


def _duration(milliseconds: int) -> str:
    return write_duration(milliseconds // 1000)
