"""Six ways to damage the steps of a sound revision; measures are tested on whether they tell the damaged one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from shared.model.conditions import RESULTS
from shared.model.steps import Ask, Branch, Call, Step, Tool

Damage = Callable[[Sequence[Step], Sequence[Tool]], tuple[Step, ...] | None]
"""The damaged steps, or None if the revision has nothing that can be damaged so."""
_CONFIRMED = "confirmed"
_CONFIRM = Ask(_CONFIRMED, "Shall I go ahead with that?", {"type": "string", "enum": ["yes", "no"]})
_END_ID = "unconfirmed"


def confirming(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps with a question for confirmation before the last call, for revisions that ask for none."""
    last = _last(steps, Call)
    if last is None or _confirmation(steps) == last - 2:
        return tuple(steps)
    after = steps[last + 1 :] or (Branch("true", _END_ID, id=_END_ID),)
    after = (replace(after[0], id=after[0].id or _END_ID), *after[1:])
    ask = replace(_CONFIRM, id=steps[last].id)
    guard = Branch(f"{_CONFIRMED} != 'yes'", after[0].id)
    return (*steps[:last], ask, guard, replace(steps[last], id=""), *after)


def step_left_out(steps: Sequence[Step], _: Sequence[Tool]) -> tuple[Step, ...] | None:
    """The last call is never made."""
    last = _last(steps, Call)
    return None if last is None else _without(steps, last)


def wrong_tool(steps: Sequence[Step], tools: Sequence[Tool]) -> tuple[Step, ...] | None:
    """The last call is one of another tool."""
    last = _last(steps, Call)
    if last is None:
        return None
    call = steps[last]
    assert isinstance(call, Call)
    other = next((tool for tool in tools if tool.name != call.tool), None)
    if other is None:
        return None
    arguments = {name: slot for name, slot in call.arguments.items() if other.takes(name)}
    return _with(steps, last, replace(call, tool=other.name, arguments=arguments))


def swapped_argument(steps: Sequence[Step], _: Sequence[Tool]) -> tuple[Step, ...] | None:
    """The first call with two arguments or more gets the first two the wrong way round."""
    for place, step in enumerate(steps):
        if isinstance(step, Call) and len(step.arguments) > 1:
            first, second, *others = step.arguments.items()
            swapped = {first[0]: second[1], second[0]: first[1], **dict(others)}
            return _with(steps, place, replace(step, arguments=swapped))
    return None


def no_confirmation(steps: Sequence[Step], _: Sequence[Tool]) -> tuple[Step, ...] | None:
    """The agent does not ask before the call that needs a yes."""
    asked = _confirmation(steps)
    return None if asked is None else _without(_without(steps, asked + 1), asked)


def refusal_ignored(steps: Sequence[Step], _: Sequence[Tool]) -> tuple[Step, ...] | None:
    """The agent goes on as if a tool had agreed that refuses; without such a tool, as if the customer had."""
    for place in reversed(range(len(steps))):
        step = steps[place]
        if isinstance(step, Branch) and RESULTS in step.condition and "has(" not in step.condition:
            return (
                _with(steps, place, replace(step, condition="true")) if _agrees(steps, step) else _without(steps, place)
            )
    asked = _confirmation(steps)
    return None if asked is None else _without(steps, asked + 1)


def loop(steps: Sequence[Step], _: Sequence[Tool]) -> tuple[Step, ...] | None:
    """After the last call the agent goes back to the first."""
    first, last = _first(steps, Call), _last(steps, Call)
    if first is None or last is None:
        return None
    named = _with(steps, first, replace(steps[first], id=steps[first].id or "again"))
    return (*named[: last + 1], Branch("true", named[first].id), *named[last + 1 :])


DAMAGES: Mapping[str, Damage] = {
    "step_left_out": step_left_out,
    "wrong_tool": wrong_tool,
    "swapped_argument": swapped_argument,
    "no_confirmation": no_confirmation,
    "refusal_ignored": refusal_ignored,
    "loop": loop,
}
"""The damages by name; `examples/damaged` has a file for each."""


def _confirmation(steps: Sequence[Step]) -> int | None:
    """Where the last yes or no is asked for on which a call depends."""
    return next((place for place in reversed(range(len(steps) - 2)) if _confirms(*steps[place : place + 3])), None)


def _confirms(asked: Step, guard: Step, call: Step) -> bool:
    yes_no = isinstance(asked, Ask) and asked.schema.get("enum") == ["yes", "no"]
    return yes_no and isinstance(guard, Branch) and isinstance(call, Call) and asked.fills[0] in guard.condition


def _agrees(steps: Sequence[Step], branch: Branch) -> bool:
    """True if the branch leads to where a tool agreed: what follows it is another way, which ends before its target."""
    target = next(place for place, step in enumerate(steps) if step.id == branch.then)
    before = steps[target - 1]
    return isinstance(before, Branch) and before.condition == "true"


def _first(steps: Sequence[Step], kind: type[Step]) -> int | None:
    return next((place for place, step in enumerate(steps) if isinstance(step, kind)), None)


def _last(steps: Sequence[Step], kind: type[Step]) -> int | None:
    return next((place for place in reversed(range(len(steps))) if isinstance(steps[place], kind)), None)


def _with(steps: Sequence[Step], place: int, step: Step) -> tuple[Step, ...]:
    return (*steps[:place], step, *steps[place + 1 :])


def _without(steps: Sequence[Step], place: int) -> tuple[Step, ...]:
    """The steps without one; branches to it lead to the next."""
    gone, following = steps[place], steps[place + 1 :]
    if gone.id and following:
        if following[0].id:
            return tuple(_redirected(step, gone.id, following[0].id) for step in (*steps[:place], *following))
        following = (replace(following[0], id=gone.id), *following[1:])
    return (*steps[:place], *following)


def _redirected(step: Step, target: str, to: str) -> Step:
    if not isinstance(step, Branch):
        return step
    return replace(
        step,
        then=to if step.then == target else step.then,
        otherwise=to if step.otherwise == target else step.otherwise,
    )
