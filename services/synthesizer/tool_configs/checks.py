"""Checks a tool config against a revision's tools, and the arguments of calls against their schemas."""

import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from services.synthesizer.procedures.schemas import value_error
from services.synthesizer.tool_configs.answers import NO_RECORDED, RecordedRules
from services.synthesizer.tool_configs.matching import matches
from services.synthesizer.tool_configs.model import Reply, ToolConfig, ToolRule, Unmatched
from services.synthesizer.tool_configs.replies import KINDS
from services.synthesizer.tool_configs.replies.kind import ARGUMENTS, Scope, contradiction
from shared.errors import Violation
from shared.model.events import Json, ToolAnswer
from shared.model.steps import Tool
from shared.model.work_budget import TooMuchWork, spend, work_budget
from shared.words import all_of
from shared.yaml import near

_LISTED = 5
"""Types of resources that a sentence names."""
_COMPARED = 20
"""Units of work to compare two names."""

TOO_MUCH_WORK = "The answers take too much work to check against their schemas; make either smaller."


def check_arguments(tool: Tool, arguments: Mapping[str, Json]) -> str | None:
    """A sentence on how the arguments break the tool's schema, or None."""
    return value_error(tool.arguments_schema, dict(arguments), "arguments")


def check_tool_config(
    config: ToolConfig,
    tools: Sequence[Tool] | None,
    recorded: RecordedRules = NO_RECORDED,
    path: str = "spec.tool_config",
    types: Collection[str] | None = None,
) -> list[Violation]:
    """Every way in which a config cannot work or does not fit a revision's tools, in the config's order.

    tools: None if an agent may call any. recorded: the recorded calls of the source. types: of the resources that there
    are; None if they are not known.
    """
    by_name = None if tools is None else {tool.name: tool for tool in tools}
    found = _Types(types)
    if config.default is not None:
        found.created |= {patch.type for patch in config.default.patches}
    checks = [_check_mocks(config, by_name, path, found), found.check()]
    if tools is not None:
        checks += [_check_recorded(config, tools, recorded, path), _missing(config, tools, recorded, path, found)]
    return _within_budget(chain(*checks), path)


def _within_budget(violations: Iterator[Violation], path: str) -> list[Violation]:
    """The violations that are found within the work budget, and one more if it is exhausted."""
    found: list[Violation] = []
    try:
        with work_budget():
            for violation in violations:
                found.append(violation)  # noqa: PERF402
    except TooMuchWork:
        spend(0)  # raises again inside a larger budget, whose owner reports it
        found.append(Violation(path, TOO_MUCH_WORK))
    return found


@dataclass(slots=True)
class _Types:
    """The types of resources that a config reads, as (field, type), and creates. known: that exist; None if unknown."""

    known: Collection[str] | None
    reads: list[tuple[str, str]] = field(default_factory=list)
    created: set[str] = field(default_factory=set)

    def found(self, scope: Scope, where: str) -> Iterator[Violation]:
        """Note the types that the part of the config at `where` reads and creates, and give what is wrong with it."""
        self.reads += [(f"{where}.{path}", name) for path, name in scope.reads]
        self.created |= scope.creates
        yield from (Violation(f"{where}.{path}", sentence) for path, sentence in scope.wrong)

    def check(self) -> Iterator[Violation]:
        """The replies that read a type which neither exists nor is created."""
        if self.known is None:
            return
        there_are = {*self.known, *self.created}
        every = sorted(there_are)
        more = [f"{len(every) - _LISTED:,} more"] if len(every) > _LISTED else []
        there = f"; there are {all_of([*every[:_LISTED], *more])}" if every else ""
        for where, name in self.reads:
            if name not in there_are:
                spend(_COMPARED * len(every))
                sentence = f"No resource has the type `{name}`{near(name, every)}{there}; add some to mock_resources."
                yield Violation(where, sentence)


def _check_mocks(config: ToolConfig, tools: Mapping[str, Tool] | None, path: str, types: _Types) -> Iterator[Violation]:
    count = Counter(mock.tool for mock in config.mocks)
    seen: set[str] = set()
    for number, mock in enumerate(config.mocks):
        where = f"{path}.mocks[{number}]"
        if tools is not None and mock.tool not in tools:
            sentence = f"The revision has no tool `{mock.tool}`{near(mock.tool, tools)}; mock only its tools."
            yield Violation(f"{where}.tool", sentence)
            continue
        if mock.tool in seen:
            sentence = f"The tool `{mock.tool}` has {count[mock.tool]} mocks; put their rules into one mock."
            yield Violation(f"{where}.tool", sentence)
        seen.add(mock.tool)
        tool = None if tools is None else tools[mock.tool]
        for index, rule in enumerate(mock.rules):
            yield from _check_rule(tool, rule, f"{where}.rules[{index}]", types)
        for index, earlier in _never_matching(mock.rules):
            sentence = f"Never answers: rules[{earlier}] answers every call that it matches; put this one before it."
            yield Violation(f"{where}.rules[{index}]", sentence)
        if mock.default is not None:
            yield from _check_answer(tool, mock.default, where, "default_answer", types)


def _check_rule(tool: Tool | None, rule: ToolRule, where: str, types: _Types) -> Iterator[Violation]:
    if tool is not None:
        yield from _check_match(tool, rule.match, f"{where}.match")
    if rule.condition:
        yield from _check_condition(tool, rule.condition, where, types)
    if (rule.answer is None) == (not rule.replies):
        yield Violation(where, "A rule needs either an answer or replies; set one of them.")
    if rule.answer is not None:
        yield from _check_answer(tool, rule.answer, where, "answer", types)
    for number, reply in enumerate(rule.replies):
        yield from _check_reply(tool, reply, f"{where}.replies[{number}]", types)


def _check_condition(tool: Tool | None, condition: str, where: str, types: _Types) -> Iterator[Violation]:
    scope = Scope(tool)
    expression = scope.expression(condition, "condition", condition=True)
    if expression is not None and not expression.paths - _CONSTANTS and not expression.holds({ARGUMENTS: {}}):
        scope.blame("condition", "Never matches: the condition is false for every call; compare an argument.")
    yield from types.found(scope, where)


_CONSTANTS = {("true",), ("false",), ("null",)}


def _check_reply(tool: Tool | None, reply: Reply, where: str, types: _Types) -> Iterator[Violation]:
    scope = Scope(tool)
    KINDS[reply.kind](reply.config, scope)
    yield from types.found(scope, where)


def _check_answer(tool: Tool | None, given: ToolAnswer, where: str, path: str, types: _Types) -> Iterator[Violation]:
    scope = Scope(tool)
    scope.answer(given, path)
    yield from types.found(scope, where)


def _never_matching(rules: Sequence[ToolRule]) -> Iterator[tuple[int, int]]:
    """The rules that never answer, each with the rule before that answers all its calls."""
    # A rule that answers all calls of another has only members of the other, so look it up by one of them.
    by_member: dict[tuple[str, str], list[int]] = {}
    general: list[int] = []
    for index, rule in enumerate(rules):
        members = [
            (name, json.dumps(_lowered(value)))
            for name, value in rule.match.items()
            if not isinstance(value, Mapping | list)
        ]
        candidates = general + [earlier for member in members for earlier in by_member.get(member, ())]
        spend(len(candidates))
        for earlier in candidates:
            if matches(rules[earlier].match, rule.match):
                yield index, earlier
                break
        if not rule.condition:
            (by_member.setdefault(members[0], []) if members else general).append(index)


def _check_match(tool: Tool, match: Mapping[str, Json], field: str) -> Iterator[Violation]:
    properties = tool.arguments_schema.get("properties")
    for argument, wanted in match.items():
        if not tool.takes(argument):
            sentence = f"The tool `{tool.name}` takes no argument `{argument}`{near(argument, properties or {})}."
            yield Violation(f"{field}.{argument}", sentence)
            continue
        schema = properties.get(argument) if isinstance(properties, Mapping) else None
        # A match may be a part of an object, so only other values are checked against the schema.
        if isinstance(schema, Mapping) and not isinstance(wanted, Mapping) and "$ref" not in str(schema):
            sentence = value_error(_without_case(schema), _lowered(wanted), argument) or ""
            if sentence:
                yield Violation(f"{field}.{argument}", f"No call can have this value: {sentence}")


def _without_case(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The schema for lower-case values: enums in lower case, without pattern, format and const."""
    loose = {name: value for name, value in schema.items() if name not in ("pattern", "format", "const")}
    if isinstance(loose.get("enum"), list):
        loose["enum"] = [_lowered(value) for value in loose["enum"]]
    return loose


def _lowered(value: Json) -> Json:
    return value.strip().casefold() if isinstance(value, str) else value


def check_recorded(
    config: ToolConfig, tools: Sequence[Tool] | None, recorded: RecordedRules, path: str = "spec.tool_config"
) -> list[Violation]:
    """For each tool the first recorded answer that could be given and breaks the tool's result schema."""
    return _within_budget(_check_recorded(config, tools or (), recorded, path), path)


def _check_recorded(
    config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules, path: str
) -> Iterator[Violation]:
    if config.ignore_recorded_calls:
        return
    # Tools with a rule that matches every call never use recorded answers.
    own = {mock.tool for mock in config.mocks if any(not rule.match and not rule.condition for rule in mock.rules)}
    for tool in tools:
        if not tool.result_schema or tool.name in own:
            continue
        for rule in recorded.get(tool.name, ()):
            sentence = None if rule.answer is None else contradiction(tool, rule.answer)
            if sentence:
                advice = f"set this, or add a rule to the mock of `{tool.name}` that matches every call"
                said = f"A recorded answer contradicts the result_schema of `{tool.name}`: {sentence.rstrip('.')}"
                yield Violation(f"{path}.ignore_recorded_calls", f"{said}; {advice}.")
                break


def _missing(
    config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules, path: str, types: _Types
) -> Iterator[Violation]:
    """Required tools without an answer, and tools whose result schema the config's default breaks."""
    answered = {mock.tool for mock in config.mocks if mock.rules or mock.default is not None}
    if not config.ignore_recorded_calls:
        answered |= set(recorded)
    for tool in tools:
        if tool.name not in answered:
            if config.default is not None:
                yield from _check_answer(tool, config.default, path, "default_answer", types)
            elif tool.required and config.unmatched is Unmatched.FAIL:
                yield Violation(f"{path}.mocks", f"The tool `{tool.name}` is required and has no mock; add one.")
