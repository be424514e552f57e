"""The logic of a campaign's steps: conditions, splits, updates of the contact, and how long it waits."""

from collections.abc import Iterator, Mapping

from services.evaluator.checks.graph import Graph
from services.evaluator.checks.model import Issue, Severity
from shared.model.campaigns.model import (
    Campaign,
    Condition,
    Delay,
    Field,
    SendEmail,
    SendSms,
    Split,
    Step,
    UpdateContact,
    WaitForReply,
    Webhook,
    Weekday,
    has_type,
)
from shared.model.campaigns.solving import Solver
from shared.model.campaigns.times import DAY, MINUTE, write_duration, write_time
from shared.model.events import Json
from shared.model.expressions import BadExpression
from shared.model.templates import BadTemplate, Template
from shared.yaml import near


def logic_issues(campaign: Campaign) -> Iterator[Issue]:
    """What is wrong with conditions, splits, updates and delays."""
    solver = Solver(campaign.contact)
    fields = {field.name: field for field in campaign.contact}
    for step in campaign.steps:
        match step.action:
            case Condition():
                yield from _condition(step, step.action, solver)
            case Split():
                yield from _split(step, step.action)
            case UpdateContact():
                yield from _update(step, step.action, fields)
                yield from _templates(step, step.action.fields)
            case Webhook():
                yield from _templates(step, step.action.arguments)
            case Delay(duration) if duration is not None:
                yield from _wait(step, duration, "delay")
            case Delay(time=None, weekday=None):
                yield from _wait(step, 0, "delay")
            case WaitForReply(timeout):
                yield from _wait(step, timeout, "wait for a reply")
    for cap in campaign.caps:
        if cap.messages == 0 or cap.within <= 0:
            yield Issue(
                Severity.ERROR,
                "bad_cap",
                "",
                f"A cap allows {cap.messages} messages in {write_duration(cap.within)}.",
                "Allow one message or more, in a positive time.",
            )
    yield from _quiet_delays(campaign)


def _condition(step: Step, action: Condition, solver: Solver) -> Iterator[Issue]:
    bad = False
    for name, branch in action.named:
        try:
            solver.solve([branch.when])
        except BadExpression as wrong:
            bad = True
            yield Issue(
                Severity.ERROR,
                "bad_condition",
                step.id,
                f"Branch {name} of the step `{step.id}`: {wrong}",
                "Correct the condition; it is CEL over the contact's declared fields, reply, sentiment, clicks, opens, "
                "tags, time and results.",
            )
    if bad or not action.branches:
        return
    solved = solver.solve([branch.when for branch in action.branches])
    last = len(action.branches) - 1
    for number, (name, _) in enumerate(action.named):
        if number in solved.never:
            yield Issue(
                Severity.WARNING,
                "condition_never_holds",
                step.id,
                f"Branch {name} of the step `{step.id}` holds for no contact: {action.branches[number].when}",
                "Correct the condition, or delete the branch.",
            )
        elif number in solved.shadowed:
            yield Issue(
                Severity.WARNING,
                "shadowed_branch",
                step.id,
                f"Branch {name} of the step `{step.id}` is never taken: whenever it holds, an earlier branch does.",
                "Put it first, or delete it.",
            )
        elif number in solved.always and (number < last or action.otherwise):
            yield Issue(
                Severity.WARNING,
                "condition_always_holds",
                step.id,
                f"Branch {name} of the step `{step.id}` holds for every contact, so that nothing after it is taken: "
                f"{action.branches[number].when}",
                "Correct the condition, or let the step lead on without one.",
            )
    if not action.otherwise and solved.otherwise != "":
        example = f", such as one with {solved.otherwise}" if solved.otherwise else ""
        yield Issue(
            Severity.ERROR if solved.otherwise else Severity.WARNING,
            "missing_else",
            step.id,
            f"The step `{step.id}` has no `otherwise` for contacts for whom no branch holds{example}.",
            "Name the step for them as `otherwise`.",
        )


def _split(step: Step, action: Split) -> Iterator[Issue]:
    if action.arms and not any(arm.weight for arm in action.arms):
        yield Issue(
            Severity.ERROR,
            "no_weights",
            step.id,
            f"All arms of the split `{step.id}` have the weight 0, so none can be drawn.",
            "Give the arms positive weights.",
        )
        return
    seen: set[str] = set()
    for arm in action.arms:
        if not arm.weight:
            yield Issue(
                Severity.WARNING,
                "arm_never_drawn",
                step.id,
                f"The arm `{arm.name}` of the split `{step.id}` has the weight 0 and is never drawn.",
                "Give it a positive weight, or delete it.",
            )
        if arm.name in seen:
            yield Issue(
                Severity.ERROR,
                "duplicate_arm",
                step.id,
                f"The split `{step.id}` has several arms with the name `{arm.name}`.",
                "Give each arm a name of its own.",
            )
        seen.add(arm.name)
    if len(action.arms) == 1 or (len({arm.next for arm in action.arms}) == 1 and len(action.arms) > 1):
        yield Issue(
            Severity.WARNING,
            "pointless_split",
            step.id,
            f"All arms of the split `{step.id}` lead to the same step.",
            "Let the arms differ, or leave the split out.",
        )


def _update(step: Step, action: UpdateContact, fields: Mapping[str, Field]) -> Iterator[Issue]:
    for name, value in action.fields.items():
        field = fields.get(name)
        if field is None:
            yield Issue(
                Severity.ERROR,
                "unknown_field",
                step.id,
                f"The step `{step.id}` sets the field `{name}`, which is not declared{near(name, fields)}.",
                "Declare it under `contact`, or name a declared field.",
            )
        elif not _is_template(value) and (
            not has_type(value, field.type) or (field.values and value not in field.values)
        ):
            kind = f"one of {', '.join(map(str, field.values))}" if field.values else f"of type {field.type.value}"
            yield Issue(
                Severity.ERROR,
                "wrong_type",
                step.id,
                f"The step `{step.id}` sets the field `{name}` to {value!r}, which is not {kind}.",
                "Set a value that the field can have.",
            )
    both = sorted({*action.add_tags} & {*action.remove_tags})
    if both:
        yield Issue(
            Severity.WARNING,
            "tag_added_and_removed",
            step.id,
            f"The step `{step.id}` adds and removes the tag `{both[0]}`.",
            "Add it or remove it.",
        )


def _templates(step: Step, values: Mapping[str, Json]) -> Iterator[Issue]:
    for name, value in values.items():
        if _is_template(value):
            try:
                Template(value).paths()
            except BadTemplate as bad:
                yield Issue(
                    Severity.ERROR, "bad_template", step.id, f"`{name}` of the step `{step.id}`: {bad}", "Correct it."
                )


def _is_template(value: Json) -> bool:
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def _wait(step: Step, seconds: int, what: str) -> Iterator[Issue]:
    if seconds < 0:
        yield Issue(
            Severity.ERROR,
            "negative_delay",
            step.id,
            f"The {what} `{step.id}` takes {write_duration(seconds)}.",
            "Use a positive duration.",
        )
    elif seconds == 0:
        action = step.action
        if not (isinstance(action, Delay) and (action.time is not None or action.weekday is not None)):
            yield Issue(
                Severity.WARNING,
                "zero_delay",
                step.id,
                f"The {what} `{step.id}` takes no time.",
                "Use a positive duration, or leave the step out.",
            )


_UNKNOWN = -1
"""Contacts are at a step at several times of day, or at any."""


def _quiet_delays(campaign: Campaign) -> Iterator[Issue]:
    """Delays and waits that end in quiet hours: at a time of day, or a known while after one."""
    if campaign.quiet_hours.start == campaign.quiet_hours.end or not campaign.steps:
        return
    times = _times(campaign)
    for number, step in enumerate(campaign.steps):
        end = _end(step, times.get(number, _UNKNOWN))
        if end != _UNKNOWN and campaign.quiet_hours.covers(end):
            hours = f"{write_time(campaign.quiet_hours.start)} to {write_time(campaign.quiet_hours.end)}"
            yield Issue(
                Severity.WARNING,
                "delay_in_quiet_hours",
                step.id,
                f"The wait of the step `{step.id}` ends at {write_time(end)}, in the quiet hours from {hours}, so that "
                "a message right after it is held back.",
                "Let it end outside of the quiet hours.",
            )


def _times(campaign: Campaign) -> dict[int, int]:
    """The minute of the day at which contacts enter each reachable step, or _UNKNOWN."""
    graph = Graph(campaign)
    times: dict[int, int] = {}
    rest = [] if graph.start is None else [(graph.start, _UNKNOWN)]
    while rest:
        number, time = rest.pop()
        before = times.get(number)
        if before in (time, _UNKNOWN):
            continue
        times[number] = time if before is None else _UNKNOWN
        step = campaign.steps[number]
        rest += [
            (graph.index[edge.target], _after(campaign, step, times[number], edge.branch))
            for edge in step.edges
            if edge.target in graph.index
        ]
    return times


def _after(campaign: Campaign, step: Step, time: int, branch: str) -> int:
    """The minute of the day at which a contact leaves a step that it entered at `time`."""
    quiet = campaign.quiet_hours
    match step.action:
        case Delay() | WaitForReply():
            return _UNKNOWN if branch == "reply" else _end(step, time)
        case SendSms() | SendEmail() if time != _UNKNOWN and quiet.covers(time):
            return quiet.end
    return time


def _end(step: Step, time: int) -> int:
    """The minute of the day at which a wait that began at `time` is over; _UNKNOWN for other steps too."""
    match step.action:
        case Delay(time=int() as at):
            return at
        case Delay(duration=int() as seconds) | WaitForReply(timeout=seconds) if time != _UNKNOWN and seconds > 0:
            return (time + seconds // MINUTE) % (DAY // MINUTE)
        case Delay(weekday=Weekday()):
            return time
    return _UNKNOWN
