"""The format `greenroom`, our own JSONL (docs/formats.md), with the field names of the contracts."""

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.json_format import ParseDict, ParseError
from protovalidate import collect_violations

from greenroom.type.v1.expectation_pb2 import Expectation
from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, ResourceRecord, SourceRecord, check_procedure
from services.synthesizer.imports.model import Problem
from services.synthesizer.procedures.model import Domain, Procedure, Revision
from services.synthesizer.sources.model import ExportedSource
from shared.model.calls import Calls
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
    body_json,
    resource_json,
)
from shared.model.steps import KINDS, Schema, Step, Tool
from shared.plain import plain, visible
from shared.rpc.expectations import expectation_record
from shared.words import any_of

MINUTE = 60_000
_UNIX = datetime(1970, 1, 1, tzinfo=UTC)


def read_source(record: Mapping[str, Json], line: int) -> Iterator[SourceRecord | Problem]:
    """Read a source."""
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
        transcript=tuple(events),
        resources=resources,
        procedure_external_id=fields.text("procedure", 256),
        line=line,
    )


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a source of this format."""
    return "external_id" in record and isinstance(record.get("events"), list)


def _event(value: Json, path: str, seq: int, before: int | None) -> Event:
    fields = Fields(value, path, (*_EVENTS, "virtual_time"))
    kind = _one_of(fields, tuple(_EVENTS))
    at = _time(fields, "virtual_time") if "virtual_time" in fields.record else None
    if at is None:
        at = 0 if before is None else before + MINUTE
    if before is not None and at < before:
        raise BadLine("TIME_GOES_BACK", f"{path}.virtual_time is earlier than that of the event before it.")
    return Event(id="", seq=seq, at=at, turn=0, body=_EVENTS[kind](fields.record[kind], f"{path}.{kind}"))


def _one_of(fields: Fields, kinds: tuple[str, ...]) -> str:
    there = [kind for kind in kinds if kind in fields.record]
    if len(there) != 1:
        raise BadLine("ONE_KIND", f"{fields.path} should have exactly one of {any_of(kinds)}; it has {len(there)}.")
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
        raise BadLine("BAD_TIME", f"{fields.at(name)} is not a valid date and time.") from None


def _user_message(value: Json, path: str) -> Kind:
    fields = Fields(value, path, ("text", "silent", "leaves"))
    return UserMessage(fields.text("text", 20_000), fields.flag("silent"), fields.flag("leaves"))


def _agent_message(value: Json, path: str) -> Kind:
    return AgentMessage(Fields(value, path, ("text",)).text("text", 20_000, needed=True))


def _tool_call(value: Json, path: str) -> Kind:
    fields = Fields(value, path, ("call_id", "tool", "arguments"))
    return ToolCall(
        fields.text("call_id", 128, needed=True), fields.text("tool", 128, needed=True), fields.data("arguments")
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
    return ToolAnswer(fields.value("value"), error, tuple(patches))


def _patch(value: Json, path: str) -> ResourcePatch:
    fields = Fields(value, path, ("type", "id", "merge", "delete"))
    return ResourcePatch(
        fields.text("type", 128, needed=True),
        fields.text("id", 256, needed=True),
        fields.data("merge"),
        fields.flag("delete"),
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
    """Check that every result answers an earlier call."""
    calls = Calls()
    for number, event in enumerate(events):
        match event.body:
            case ToolCall() as call:
                calls.add(call)
            case ToolResult(call_id, tool) if calls.answered(call_id, tool) is None:
                raise BadLine(
                    "NO_SUCH_CALL",
                    f"events[{number}].tool_result answers a call {call_id!r} of {tool!r} that is not before it.",
                )
            case _:
                pass


def _resource(value: Json, path: str) -> Resource:
    fields = Fields(value, path, ("type", "id", "data", "appeared_after"))
    return Resource(
        type=fields.text("type", 128, needed=True),
        id=fields.text("id", 256, needed=True),
        data=fields.data("data"),
        appeared_after=fields.count("appeared_after"),
    )


def read_resource(record: Mapping[str, Json], line: int) -> Iterator[ResourceRecord | Problem]:
    """Read a resource of a resource set. Its type is part of names, so it has no slash."""
    resource = _resource(Fields(record, "", ("type", "id", "data")).record, "")
    if "/" in resource.type:
        raise BadLine("BAD_TEXT", f"type is {resource.type!r}; it should have no slash.")
    yield ResourceRecord(resource, line)


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read a procedure with its first revision."""
    known = ("external_id", "display_name", "description", "instructions", "steps", "tools", "expectations", *_DOMAIN)
    fields = Fields(record, "", known)
    steps = tuple(_step(value, f"steps[{i}]") for i, value in enumerate(fields.items("steps", 200)))
    tools = tuple(_tool(value, f"tools[{i}]") for i, value in enumerate(fields.items("tools", 100)))
    expectations = tuple(
        _expectation(value, f"expectations[{i}]") for i, value in enumerate(fields.items("expectations", 100))
    )
    check_procedure(steps, tools, expectations)
    yield ProcedureRecord(
        external_id=fields.text("external_id", 256, needed=True),
        display_name=fields.text("display_name", 200, needed=True),
        description=fields.text("description", 2_000),
        instructions=fields.text("instructions", 100_000),
        steps=steps,
        tools=tools,
        line=line,
        expectations=expectations,
        domain=_domain(fields),
    )


_DOMAIN = ("domain", "domain_revision", "agent_context", "persona_context")
_DOMAIN_NAME = re.compile(r"domains/[a-z0-9_-]{1,64}")


def _domain(fields: Fields) -> Domain | None:
    """The domain of a procedure. An exported one has its revision and a copy of what the domain said."""
    if not any(name in fields.record for name in _DOMAIN):
        return None
    name, number = fields.text("domain", 80, needed=True), fields.count("domain_revision")
    if not _DOMAIN_NAME.fullmatch(name):
        raise BadLine("BAD_TEXT", f"domain is {name!r}; it should be a name such as domains/ecommerce.")
    domain = Domain(name, number, fields.text("agent_context", 32_768), fields.text("persona_context", 16_384))
    if domain.agent and not number:
        raise BadLine(
            "INVALID_PROCEDURE", "agent_context is a copy of a revision; domain_revision should say of which."
        )
    return domain


def _expectation(value: Json, path: str) -> Mapping[str, Json]:
    """The expectation as it is stored: every field as its message has it."""
    message = Expectation()
    try:
        ParseDict(dict(Fields(value, path).record), message)
    except ParseError as error:
        raise BadLine("INVALID_PROCEDURE", f"{path}: {plain(str(error), 500)}") from None
    for wrong in collect_violations(message):
        elements = wrong.proto.field.elements if wrong.proto.field else ()
        where = ".".join([path, *(part.field_name for part in elements)])
        raise BadLine("INVALID_PROCEDURE", f"{where}: {wrong.proto.message or wrong.proto.rule_id}")
    return expectation_record(message)


def _step(value: Json, path: str) -> Step:
    fields = Fields(value, path, ("id", *KINDS))
    name = _one_of(fields, tuple(KINDS))
    kind, step_id = KINDS[name], fields.text("id", 64)
    members = [member for member in dataclasses.fields(kind) if member.name != "id"]
    content = Fields(fields.record[name], f"{path}.{name}", [member.name for member in members])
    return kind(id=step_id, **{member.name: _member(content, member, kind.longest) for member in members})


def _member(content: Fields, member: dataclasses.Field[Json], longest: Mapping[str, int]) -> Json:
    """The value of a step's field, read by the field's type; a field without a default is needed."""
    name, most = member.name, longest.get(member.name, 0)
    if member.type is str:
        return content.text(name, most, needed=member.default is dataclasses.MISSING)
    if member.type is bool:
        return content.flag(name)
    if member.type is int:
        return content.count(name)
    if member.type == Schema:
        return content.mapping(name)
    texts = Fields(content.mapping(name), content.at(name))
    return {key: texts.text(key, most, needed=True) for key in texts.record}


def _tool(value: Json, path: str) -> Tool:
    fields = Fields(value, path, ("name", "description", "arguments_schema", "result_schema", "required"))
    return Tool(
        name=fields.text("name", 128, needed=True),
        description=fields.text("description", 2_000),
        arguments_schema=fields.mapping("arguments_schema"),
        result_schema=fields.mapping("result_schema"),
        required=fields.flag("required"),
    )


def write_source(source: ExportedSource, events: Sequence[Event], resources: Sequence[Resource]) -> bytes:
    """The line that `read_source` reads as this source; default times and empty fields are omitted."""
    before: int | None = None
    written: list[Json] = []
    for event in events:
        record: dict[str, Json] = {event.body.kind: _body(event.body)}
        if event.at != (0 if before is None else before + MINUTE):
            record["virtual_time"] = _time_text(event.at)
        written.append(record)
        before = event.at
    return _line(
        {
            "external_id": source.external_id,
            "finished": source.finished,
            "procedure": source.procedure_external_id,
            "events": written,
            "resources": [resource_json(resource) for resource in resources],
        }
    )


def _body(body: Kind) -> dict[str, Json]:
    if isinstance(body, Waited):
        return {"until": _time_text(body.until)}
    return body_json(body)


def _time_text(at: int) -> str:
    return (_UNIX + timedelta(milliseconds=at)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_procedure(procedure: Procedure, revision: Revision) -> bytes:
    """The line that `read_procedure` reads as this procedure with this revision."""
    return _line(
        {
            "external_id": procedure.external_id or procedure.name,
            "display_name": procedure.display_name,
            "description": procedure.description,
            "instructions": revision.instructions,
            "steps": [_step_record(step) for step in revision.steps],
            "tools": [dataclasses.asdict(tool) for tool in revision.tools],
            "expectations": list(revision.expectations),
            **_domain_record(revision.domain),
        }
    )


def _domain_record(domain: Domain | None) -> dict[str, Json]:
    if domain is None:
        return {}
    return dict(zip(_DOMAIN, (domain.name, domain.revision, domain.agent, domain.persona), strict=True))


def _step_record(step: Step) -> dict[str, Json]:
    content = dataclasses.asdict(step)
    step_id = content.pop("id")
    return {"id": step_id, step.kind: content} if step_id else {step.kind: content}


def _line(record: Mapping[str, Json]) -> bytes:
    filled = {name: value for name, value in record.items() if value not in ("", [])}
    return visible(json.dumps(filled, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n"
