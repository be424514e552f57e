"""Answers tool calls from a tool config."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.synthesizer.tool_configs.matching import matches
from services.synthesizer.tool_configs.model import Latency, Reply, ToolConfig, ToolMock, ToolRule
from services.synthesizer.tool_configs.replies import KINDS
from services.synthesizer.tool_configs.replies.kind import ARGUMENTS, Answering, CallContext, ReplyFailed, Scope
from services.synthesizer.tool_configs.replies.values import applicable
from shared.model.calls import Calls
from shared.model.events import Event, ToolAnswer, ToolCall, ToolResult, answer_json
from shared.model.expressions import OBJECT, Expression, Expressions

RecordedRules = Mapping[str, Sequence[ToolRule]]
"""The recorded calls of a source as rules, by tool."""

NO_RECORDED: RecordedRules = {}

MAX_ANSWER = 512 << 10
"""The most bytes of what a reply makes, with its changes, as JSON."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a call. rule: the index of the rule that gave it, None for recorded calls and defaults.

    milliseconds: how long the tool took; None if the rule does not say.
    """

    answer: ToolAnswer
    rule: int | None = None
    milliseconds: int | None = None


class Mocks:
    """Answers the calls of conversations that share a tool config. Compiles each condition and reply once."""

    def __init__(self, config: ToolConfig) -> None:
        self._config = config
        self._mocks: dict[str, ToolMock] = {}
        for mock in config.mocks:
            self._mocks.setdefault(mock.tool, mock)
        self._conditions: dict[str, Expression] = {}
        self._programs: dict[tuple[str, int, int], Answering] = {}

    def answer(self, call: ToolCall, recorded: RecordedRules, context: CallContext) -> Answered | None:
        """The answer to a call, or None; see ToolConfig. Raises ReplyFailed, TooMuchWork."""
        mock = self._mocks.get(call.tool)
        for index, rule in enumerate(mock.rules if mock else ()):
            if matches(rule.match, call.arguments) and self._holds(rule.condition, call):
                return self._replied(index, rule, call, context)
        for rule in () if self._config.ignore_recorded_calls else recorded.get(call.tool, ()):
            if rule.answer is not None and matches(rule.match, call.arguments):
                return Answered(applicable(rule.answer, context.world))
        default = (mock.default if mock else None) or self._config.default
        return None if default is None else Answered(applicable(default, context.world))

    def _holds(self, condition: str, call: ToolCall) -> bool:
        if not condition:
            return True
        if condition not in self._conditions:
            self._conditions[condition] = Expressions({ARGUMENTS: OBJECT}).condition(condition)
        return self._conditions[condition].holds({ARGUMENTS: call.arguments})

    def _replied(self, index: int, rule: ToolRule, call: ToolCall, context: CallContext) -> Answered:
        if rule.answer is not None:
            return Answered(applicable(rule.answer, context.world), index)
        place = min(context.answered.get((call.tool, index), 0), len(rule.replies) - 1)
        reply = rule.replies[place]
        try:
            answer = self._answer((call.tool, index, place), reply, call, context)
        except ReplyFailed as failed:
            raise ReplyFailed(f"Rule {index} of the mock of {call.tool} cannot reply. {failed}") from None
        return Answered(answer, index, _milliseconds(reply.latency, context))

    def _answer(self, key: tuple[str, int, int], reply: Reply, call: ToolCall, context: CallContext) -> ToolAnswer:
        failure = reply.failure
        fails = failure is not None and context.draw("tool-failure") < failure.probability
        if failure is not None and fails and not failure.changes_kept:
            return ToolAnswer(error=failure.error)
        if key not in self._programs:
            self._programs[key] = _compiled(reply)
        answer = self._programs[key](call.arguments, context)
        if (size := len(json.dumps(answer_json(answer), ensure_ascii=False).encode())) > MAX_ANSWER:
            raise ReplyFailed(f"The answer and its changes have {size:,} bytes; {MAX_ANSWER:,} are allowed.")
        if failure is not None and fails:
            return ToolAnswer(error=failure.error, patches=answer.patches[: failure.changes_kept])
        return answer


def _compiled(reply: Reply) -> Answering:
    scope = Scope()
    program = KINDS[reply.kind](reply.config, scope)
    if scope.wrong:
        raise ReplyFailed(scope.wrong[0][1])
    return program


def _milliseconds(latency: Latency | None, context: CallContext) -> int | None:
    if latency is None:
        return None
    return round(latency.least + (latency.most - latency.least) * context.draw("tool-latency"))


def recorded_rules(events: Iterable[Event]) -> RecordedRules:
    """The calls recorded in a source as rules, by tool. A call without an answer gives no rule.

    The arguments of the recorded call are the match, so a call without arguments matches every call; it comes last.
    """
    calls = Calls()
    rules: dict[str, list[ToolRule]] = {}
    for event in events:
        match event.body:
            case ToolCall() as call:
                calls.add(call)
            case ToolResult(call_id, tool, given) if (answered := calls.answered(call_id, tool)) is not None:
                rules.setdefault(tool, []).append(ToolRule(given, answered.arguments))
            case _:
                pass
    return {tool: sorted(own, key=lambda rule: not rule.match) for tool, own in rules.items()}
