"""What a sound revision promises, as expectations that are read from its steps alone."""

import re
from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.json_format import ParseDict

from greenroom.type.v1.expectation_pb2 import Expectation
from shared.model.conditions import RESULTS
from shared.model.events import Json
from shared.model.steps import Ask, Branch, Call, Step

BROKEN_BY: Mapping[str, str] = {
    "step_left_out": "finishes",
    "wrong_tool": "finishes",
    "swapped_argument": "in-its-place",
    "no_confirmation": "asks-before",
    "refusal_ignored": "takes-a-no",
    "loop": "once",
}
"""The promise that each damage breaks."""
_YES, _NO = r"(?i)\\byes\\b|^\\W*(yep|yeah|sure|right)\\b", r"(?i)^\\W*(no|nope|nah)\\b"
_RESULT = re.compile(rf"\b{RESULTS}(?:\.(\w+)|\[(['\"])(.+?)\2\])")


def promises(steps: Sequence[Step]) -> list[Expectation]:
    """What steps promise whose last call needs the customer's yes; empty for others.

    The agent asks, makes the call after a yes, and not after a no of the customer or of a tool. Arguments are in their
    places. After the last call it does not begin again.
    """
    calls = {place: step for place, step in enumerate(steps) if isinstance(step, Call)}
    last = max(calls, default=0)
    many = next((call for call in calls.values() if len(call.arguments) > 1), None)
    before = [call for place, call in calls.items() if place < last and not _skipped(steps, place, last)]
    question = _asked_before(steps, last)
    if many is None or not before or question is None:
        return []
    found = _promises(steps, calls[last].tool, question, many.tool, before[-1].tool)
    return [ParseDict(one, Expectation()) for one in found]


def _promises(steps: Sequence[Step], last: str, question: str, many: str, before: str) -> Iterator[dict[str, Json]]:
    """last, before: the tools of the last call and of the one before it. many: of the first with two arguments."""
    yield {
        "id": "finishes",
        "text": f"The agent calls {last} if the customer says yes.",
        "when": _answered(question, _YES),
        "called": {"tool": last},
    }
    yield {
        "id": "in-its-place",
        "text": f"Each argument of {many} is in its place, so that the tool accepts it.",
        "when": _made(many),
        "called": {"tool": many, "succeeds": True},
    }
    yield {
        "id": "asks-before",
        "text": f"The agent asks before it calls {last}.",
        "when": _made(last),
        "told": {"value": question},
    }
    refused, tool = _refused_by_tool(steps) or (_answered(question, _NO), last)
    yield {
        "id": "takes-a-no",
        "text": f"The agent does not call {tool} if that is refused.",
        "when": refused,
        "not_called": {"tool": tool},
    }
    yield {
        "id": "once",
        "text": f"The agent does not begin again with {before} after it called {last}.",
        "when": _made(last),
        "called": {"tool": before, "at_most": sum(isinstance(step, Call) and step.tool == before for step in steps)},
    }


def _asked_before(steps: Sequence[Step], call: int) -> str | None:
    """The question that the customer has to answer with yes before a call; None if there is none."""
    if call < 2:
        return None
    ask, guard = steps[call - 2 : call]
    if not isinstance(ask, Ask) or not isinstance(guard, Branch) or guard.condition != f"{ask.slot} != 'yes'":
        return None
    return ask.question


def _skipped(steps: Sequence[Step], place: int, last: int) -> bool:
    """True if there is a way to the last call that leaves a step out."""
    return any(number < place < _target(steps, one) <= last for number, one in _branches(steps[:place]))


def _refused_by_tool(steps: Sequence[Step]) -> tuple[str, str] | None:
    """When a tool's result refuses something, and the tool that is not called then; None if no step reads a result."""
    for place, step in reversed(list(_branches(steps))):
        if RESULTS in step.condition and "has(" not in step.condition:
            target = _target(steps, step)
            before = steps[target - 1]
            agrees = isinstance(before, Branch) and before.condition == "true"
            way = steps[target:] if agrees else steps[place + 1 : target]
            tool = next((one.tool for one in way if isinstance(one, Call)), None)
            if tool is not None:
                return _of_results(step.condition, not agrees), tool
    return None


def _branches(steps: Sequence[Step]) -> Iterator[tuple[int, Branch]]:
    return ((place, step) for place, step in enumerate(steps) if isinstance(step, Branch))


def _target(steps: Sequence[Step], branch: Branch) -> int:
    return next(place for place, step in enumerate(steps) if step.id == branch.then)


def _of_results(condition: str, holds: bool) -> str:
    """A step's condition as one of expectations: whether it holds of the first result that it reads, or does not."""
    found = _RESULT.search(condition)
    assert found is not None
    read = f"calls.filter(c, c.tool == '{found[1] or found[3]}' && c.value != null)"
    return f"{read}.map(c, {_RESULT.sub('c.value', condition)})[0] == {str(holds).lower()}"


def _answered(question: str, words: str) -> str:
    return f'exchanges.exists(one, one.said.contains("{question}") && one.heard.matches("{words}"))'


def _made(tool: str) -> str:
    return f"'{tool}' in counts"
