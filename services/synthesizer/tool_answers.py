"""Which answer a tool's call gets during a rehearsal, and whether a tool config fits a revision."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.synthesizer.procedure_checks import takes
from services.synthesizer.schema_validator import bounded_work
from services.synthesizer.schemas import value_error
from services.synthesizer.tool_config import ToolConfig, ToolRule
from shared.errors import Violation
from shared.model.events import Event, Json, ToolAnswer, ToolCall, ToolResult
from shared.model.steps import Tool
from shared.yaml import near

RecordedRules = Mapping[str, Sequence[ToolRule]]
"""By tool, what its recorded calls answer."""

NO_RECORDED: RecordedRules = {}


def answer(config: ToolConfig, recorded: RecordedRules, call: ToolCall) -> ToolAnswer | None:
    """What the call is answered, or None when nothing answers it.

    The first of these that there is: the tool's first rule that matches, the source's first recorded call that matches,
    the tool's default, the config's default.
    """
    mock = next((mock for mock in config.mocks if mock.tool == call.tool), None)
    own = mock.rules if mock else ()
    replayed = () if config.ignore_recorded_calls else recorded.get(call.tool, ())
    for rule in (*own, *replayed):
        if matches(rule.match, call.arguments):
            return rule.answer
    return (mock.default if mock else None) or config.default


def matches(wanted: Json, there: Json) -> bool:
    """Whether what is there has all that is wanted: objects by their members, strings without case and outer space."""
    if isinstance(wanted, Mapping):
        return isinstance(there, Mapping) and all(
            name in there and matches(value, there[name]) for name, value in wanted.items()
        )
    if isinstance(wanted, str):
        return isinstance(there, str) and wanted.strip().casefold() == there.strip().casefold()
    if isinstance(wanted, bool) or isinstance(there, bool):
        return wanted is there
    if isinstance(wanted, list):
        return (
            isinstance(there, list)
            and len(wanted) == len(there)
            and all(matches(left, right) for left, right in zip(wanted, there, strict=True))
        )
    return bool(wanted == there)


def recorded_rules(events: Iterable[Event]) -> RecordedRules:
    """The calls recorded in a source as rules, by tool.

    A call with arguments answers a call with these; one that was recorded without any answers every call of its tool,
    and stands after those with arguments. A call that was never answered gives no rule.
    """
    calls: dict[str, ToolCall] = {}
    rules: dict[str, list[ToolRule]] = {}
    for event in events:
        match event.body:
            case ToolCall() as call:
                calls[call.call_id] = call
            case ToolResult(call_id, tool, given) if call_id in calls:
                rules.setdefault(tool, []).append(ToolRule(given, calls[call_id].arguments))
            case _:
                pass
    return {tool: sorted(own, key=lambda rule: not rule.match) for tool, own in rules.items()}


def check_arguments(tool: Tool, arguments: Mapping[str, Json]) -> str | None:
    """How a call's arguments contradict the tool's schema, one sentence, or None."""
    return value_error(tool.arguments_schema, dict(arguments), "arguments")


def check_tool_config(
    config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules = NO_RECORDED, path: str = "spec.tool_config"
) -> list[Violation]:
    """Everything at odds between a config and a revision's tools, in the config's order; empty when nothing is.

    recorded: of the source, or of any of a batch's sources; {} when there is none.
    """
    by_name = {tool.name: tool for tool in tools}
    with bounded_work():
        return [
            *_check_mocks(config, by_name, path),
            *check_recorded(config, tools, recorded, path),
            *_missing(config, tools, recorded, path),
        ]


def _check_mocks(config: ToolConfig, tools: Mapping[str, Tool], path: str) -> Iterator[Violation]:
    count = Counter(mock.tool for mock in config.mocks)
    seen: set[str] = set()
    for number, mock in enumerate(config.mocks):
        field = f"{path}.mocks[{number}]"
        tool = tools.get(mock.tool)
        if tool is None:
            sentence = f"The revision has no tool `{mock.tool}`{near(mock.tool, tools)}; mock only what it has."
            yield Violation(f"{field}.tool", sentence)
            continue
        if mock.tool in seen:
            sentence = f"The tool `{mock.tool}` has {count[mock.tool]} mocks; put their rules into one."
            yield Violation(f"{field}.tool", sentence)
        seen.add(mock.tool)
        for place, rule in enumerate(mock.rules):
            yield from _check_match(tool, rule.match, f"{field}.rules[{place}].match")
            yield from _check_answer(tool, rule.answer, f"{field}.rules[{place}].answer")
        if mock.default is not None:
            yield from _check_answer(tool, mock.default, f"{field}.default_answer")


def _check_match(tool: Tool, match: Mapping[str, Json], field: str) -> Iterator[Violation]:
    properties = tool.arguments_schema.get("properties")
    for argument, wanted in match.items():
        if not takes(tool, argument):
            sentence = f"The tool `{tool.name}` takes no argument `{argument}`{near(argument, properties or {})}."
            yield Violation(f"{field}.{argument}", sentence)
            continue
        schema = properties.get(argument) if isinstance(properties, Mapping) else None
        # A match is a part of the argument: only a value that is whole can contradict the schema.
        if isinstance(schema, Mapping) and not isinstance(wanted, Mapping) and "$ref" not in str(schema):
            sentence = value_error(_without_case(schema), _lowered(wanted), argument) or ""
            if sentence:
                yield Violation(f"{field}.{argument}", f"No call can have this value: {sentence}")


def _without_case(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The schema for a value that is compared without case: enumerated texts in small letters, no pattern."""
    loose = {name: value for name, value in schema.items() if name not in ("pattern", "format", "const")}
    if isinstance(loose.get("enum"), list):
        loose["enum"] = [_lowered(value) for value in loose["enum"]]
    return loose


def _lowered(value: Json) -> Json:
    return value.strip().casefold() if isinstance(value, str) else value


def check_recorded(
    config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules, path: str = "spec.tool_config"
) -> list[Violation]:
    """For each tool its first recorded answer that may be given and contradicts the tool's schema."""
    with bounded_work():
        return list(_check_recorded(config, tools, recorded, path))


def _check_recorded(
    config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules, path: str
) -> Iterator[Violation]:
    if config.ignore_recorded_calls:
        return
    # A rule of one's own that matches every call leaves nothing for recorded ones to answer.
    own = {mock.tool for mock in config.mocks if any(not rule.match for rule in mock.rules)}
    for tool in tools:
        if not tool.result_schema or tool.name in own:
            continue
        for rule in recorded.get(tool.name, ()):
            sentence = _contradiction(tool, rule.answer)
            if sentence:
                advice = f"set this, or add a rule to the mock of `{tool.name}` that matches every call"
                said = f"A recorded answer contradicts the result_schema of `{tool.name}`: {sentence.rstrip('.')}"
                yield Violation(f"{path}.ignore_recorded_calls", f"{said}; {advice}.")
                break


def _contradiction(tool: Tool, given: ToolAnswer) -> str | None:
    return None if given.error is not None else value_error(tool.result_schema, given.value, "value")


def _check_answer(tool: Tool, given: ToolAnswer, field: str) -> Iterator[Violation]:
    if sentence := _contradiction(tool, given):
        yield Violation(field, f"The answer contradicts the result_schema of `{tool.name}`: {sentence}")


def _missing(config: ToolConfig, tools: Sequence[Tool], recorded: RecordedRules, path: str) -> Iterator[Violation]:
    """Required tools that nothing answers, and those that only the config's default answers, wrongly."""
    answered = {mock.tool for mock in config.mocks if mock.rules or mock.default is not None}
    if not config.ignore_recorded_calls:
        answered |= set(recorded)
    for tool in tools:
        if tool.name not in answered:
            if config.default is not None:
                yield from _check_answer(tool, config.default, f"{path}.default_answer")
            elif tool.required:
                yield Violation(f"{path}.mocks", f"The tool `{tool.name}` is required and has no mock; add one.")
