"""Our own JSONL, docs/formats.md: sources and procedures with the field names of the contracts."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from services.synthesizer.adapters.formats.lines import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.catalog.records import Problem
from services.synthesizer.procedure_checks import check_revision
from shared.model.events import (
    AgentMessage,
    Event,
    Json,
    Kind,
    Resource,
    ResourcePatch,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    UserMessage,
    Waited,
)
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool

MINUTE = 60_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def read_source(record: Mapping[str, Json], line: int) -> Iterator[SourceRecord | Problem]:
    """One source a line."""
    fields = Fields(record, "", ("external_id", "finished", "procedure", "events", "resources"))
    events: list[Event] = []
    for number, value in enumerate(fields.items("events", 10_000, needed=True)):
        events.append(_event(value, f"events[{number}]", number + 1, events[-1].at if events else None))
    _check_calls(events)
    resources = tuple(
        _resource(value, f"resources[{number}]") for number, value in enumerate(fields.items("resources", 1_000))
    )
    yield SourceRecord(
        external_id=fields.text("external_id", 256, needed=True),
        finished=fields.flag("finished"),
        events=tuple(events),
        resources=resources,
        procedure_external_id=fields.text("procedure", 256),
        line=line,
    )


def _event(value: Json, path: str, seq: int, before: int | None) -> Event:
    fields = Fields(value, path, (*_EVENTS, "virtual_time"))
    kind = _one_of(fields, tuple(_EVENTS))
    at = _time(fields, "virtual_time") if "virtual_time" in fields.record else None
    if at is None:
        at = 0 if before is None else before + MINUTE
    if before is not None and at < before:
        raise BadLine("TIME_GOES_BACK", f"{path}.virtual_time lies before that of the event before it.")
    return Event(id="", seq=seq, at=at, turn=0, body=_EVENTS[kind](fields.record[kind], f"{path}.{kind}"))


def _one_of(fields: Fields, kinds: tuple[str, ...]) -> str:
    there = [kind for kind in kinds if kind in fields.record]
    if len(there) != 1:
        raise BadLine("ONE_KIND", f"{fields.path} should have exactly one of {', '.join(kinds)}; it has {len(there)}.")
    return there[0]


_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)")


def _time(fields: Fields, name: str) -> int:
    text = fields.text(name, 64, needed=True)
    if not _RFC3339.fullmatch(text):
        raise BadLine("BAD_TIME", f"{fields.at(name)} should be a time like 2026-01-05T09:00:00Z.")
    try:
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
        return (moment - _UNIX) // timedelta(milliseconds=1)
    except (ValueError, OverflowError):
        raise BadLine("BAD_TIME", f"{fields.at(name)} is no time of the calendar.") from None


def _user_message(value: Json, path: str) -> Kind:
    fields = Fields(value, path, ("text", "silent", "leaves"))
    return UserMessage(fields.text("text", 20_000), fields.flag("silent"), fields.flag("leaves"))


def _agent_message(value: Json, path: str) -> Kind:
    return AgentMessage(Fields(value, path, ("text",)).text("text", 20_000, needed=True))


def _tool_call(value: Json, path: str) -> Kind:
    fields = Fields(value, path, ("call_id", "tool", "arguments"))
    return ToolCall(
        fields.text("call_id", 128, needed=True), fields.text("tool", 128, needed=True), fields.mapping("arguments")
    )


def _tool_result(value: Json, path: str) -> Kind:
    fields = Fields(value, path, ("call_id", "tool", "answer"))
    call_id, tool = fields.text("call_id", 128, needed=True), fields.text("tool", 128, needed=True)
    return ToolResult(call_id, tool, _answer(fields.record.get("answer"), f"{path}.answer"))


def _answer(value: Json, path: str) -> ToolAnswer:
    fields = Fields(value, path, ("value", "error", "patches"))
    error = None
    if _one_of(fields, ("value", "error")) == "error":
        members = Fields(fields.record["error"], f"{path}.error", ("code", "message"))
        error = ToolError(members.text("code", 128, needed=True), members.text("message", 2_000))
    patches = [_patch(item, f"{path}.patches[{i}]") for i, item in enumerate(fields.items("patches", 100))]
    return ToolAnswer(fields.record.get("value"), error, tuple(patches))


def _patch(value: Json, path: str) -> ResourcePatch:
    fields = Fields(value, path, ("type", "id", "merge"))
    return ResourcePatch(
        fields.text("type", 128, needed=True), fields.text("id", 256, needed=True), fields.mapping("merge")
    )


def _waited(value: Json, path: str) -> Kind:
    return Waited(_time(Fields(value, path, ("until",)), "until"))


_EVENTS: Mapping[str, Callable[[Json, str], Kind]] = {
    "user_message": _user_message,
    "agent_message": _agent_message,
    "tool_call": _tool_call,
    "tool_result": _tool_result,
    "waited": _waited,
}


def _check_calls(events: list[Event]) -> None:
    """Every result answers a call that came before it."""
    calls: dict[str, str] = {}
    for number, event in enumerate(events):
        match event.body:
            case ToolCall(call_id, tool):
                if call_id in calls:
                    raise BadLine("DUPLICATE_CALL", f"events[{number}].tool_call.call_id {call_id!r} was used before.")
                calls[call_id] = tool
            case ToolResult(call_id, tool) if calls.get(call_id) != tool:
                raise BadLine("NO_SUCH_CALL", f"events[{number}].tool_result answers no call {call_id!r} of {tool!r}.")
            case _:
                pass


def _resource(value: Json, path: str) -> Resource:
    fields = Fields(value, path, ("type", "id", "data", "appeared_after"))
    return Resource(
        type=fields.text("type", 128, needed=True),
        id=fields.text("id", 256, needed=True),
        data=fields.mapping("data"),
        appeared_after=fields.count("appeared_after"),
    )


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """One procedure a line, with its first revision."""
    fields = Fields(record, "", ("external_id", "display_name", "description", "instructions", "steps", "tools"))
    steps = tuple(_step(value, f"steps[{i}]") for i, value in enumerate(fields.items("steps", 200)))
    tools = tuple(_tool(value, f"tools[{i}]") for i, value in enumerate(fields.items("tools", 100)))
    if wrong := check_revision(steps, tools, path=""):
        raise BadLine("INVALID_PROCEDURE", f"{wrong[0].field}: {wrong[0].description}")
    yield ProcedureRecord(
        external_id=fields.text("external_id", 256, needed=True),
        display_name=fields.text("display_name", 200, needed=True),
        description=fields.text("description", 2_000),
        instructions=fields.text("instructions", 100_000),
        steps=steps,
        tools=tools,
        line=line,
    )


def _step(value: Json, path: str) -> Step:
    fields = Fields(value, path, ("id", *_STEPS))
    kind = _one_of(fields, tuple(_STEPS))
    return _STEPS[kind](fields.record[kind], f"{path}.{kind}", fields.text("id", 64))


def _say(value: Json, path: str, step_id: str) -> Step:
    return Say(Fields(value, path, ("text",)).text("text", 4_000, needed=True), step_id)


def _ask(value: Json, path: str, step_id: str) -> Step:
    fields = Fields(value, path, ("slot", "question", "schema", "optional"))
    return Ask(
        slot=fields.text("slot", 64, needed=True),
        question=fields.text("question", 4_000, needed=True),
        schema=fields.mapping("schema"),
        optional=fields.flag("optional"),
        id=step_id,
    )


def _call(value: Json, path: str, step_id: str) -> Step:
    fields = Fields(value, path, ("tool", "arguments"))
    arguments = Fields(fields.mapping("arguments"), f"{path}.arguments")
    names = {name: arguments.text(name, 64, needed=True) for name in arguments.record}
    return Call(fields.text("tool", 128, needed=True), names, step_id)


def _branch(value: Json, path: str, step_id: str) -> Step:
    fields = Fields(value, path, ("condition", "then", "otherwise"))
    return Branch(
        condition=fields.text("condition", 2_000, needed=True),
        then=fields.text("then", 64, needed=True),
        otherwise=fields.text("otherwise", 64),
        id=step_id,
    )


def _end(value: Json, path: str, step_id: str) -> Step:
    return End(Fields(value, path, ("text",)).text("text", 4_000), step_id)


_STEPS: Mapping[str, Callable[[Json, str, str], Step]] = {
    "say": _say,
    "ask": _ask,
    "call": _call,
    "branch": _branch,
    "end": _end,
}


def _tool(value: Json, path: str) -> Tool:
    fields = Fields(value, path, ("name", "description", "arguments_schema", "result_schema", "required"))
    return Tool(
        name=fields.text("name", 128, needed=True),
        description=fields.text("description", 2_000),
        arguments_schema=fields.mapping("arguments_schema"),
        result_schema=fields.mapping("result_schema"),
        required=fields.flag("required"),
    )
