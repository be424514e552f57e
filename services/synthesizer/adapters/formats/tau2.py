"""Reads the format `tau2`: runs of the τ²-bench as sources, a domain's policy and tools as a procedure, its tasks as
personas, its database as resources."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.synthesizer.adapters.formats.chats import (
    IDS,
    MOST_INSTRUCTIONS,
    MOST_MESSAGES,
    Chat,
    arguments,
    external_id,
    result_value,
    said,
)
from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, ResourceRecord, SourceRecord, check_procedure
from services.synthesizer.imports.model import Problem
from services.synthesizer.personas.model import ExpectedCall, NewPersona, Persona
from shared.model.events import Json, Resource, ToolError
from shared.model.steps import Schema, Tool

_LONGEST = 2_000
"""Characters of a persona's description and goal."""
_ERROR = re.compile(r"Error:\s*(.+)", re.DOTALL)
_ARGUMENT = re.compile(r" {2,8}(\w+): (.+)")
_TYPES: Mapping[str, Schema] = {
    "str": {"type": "string"},
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "dict": {"type": "object"},
}


def read_source(record: Mapping[str, Json], line: int) -> Iterator[SourceRecord | Problem]:
    """Read a run; a message that cannot be read is a problem, and the rest is imported."""
    fields, chat = Fields(record), Chat(line)
    for number, value in enumerate(fields.items("messages", MOST_MESSAGES, needed=True)):
        with chat.reading("message"):
            _message(Fields(value, f"messages[{number}]"), chat, f"call-{number + 1}")
    yield from chat.problems
    source = chat.source(external_id(fields, IDS), finished=True)
    yield replace(source, procedure_external_id=_procedure_id(fields))


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a run."""
    return {"domain", "task_id"} <= record.keys() and isinstance(record.get("messages"), list)


def _procedure_id(fields: Fields) -> str:
    return f"tau2/{fields.text('domain', 128, needed=True)}"


def _message(message: Fields, chat: Chat, call_id: str) -> None:
    """call_id: the beginning of the ids of the message's calls, which have none."""
    text = message.text("content", 1 << 22)
    match message.text("role", 64, needed=True):
        case "user":
            chat.user(said(text, message.at("content")))
        case "assistant":
            calls = message.items("tool_calls", 128)
            if text.strip() or not calls:
                chat.agent(said(text, message.at("content")))
            for number, value in enumerate(calls):
                call = Fields(value, message.at(f"tool_calls[{number}]"))
                given = arguments(call.record.get("arguments"), call.at("arguments"))
                chat.call(f"{call_id}-{number}", call.text("name", 128, needed=True), given, call.path)
        case "tool":
            failed = _ERROR.fullmatch(text)
            error = ToolError("ERROR", failed[1].strip()[:2_000]) if failed else None
            chat.result(chat.unanswered(), None if error else result_value(text), message.path, error)
        case role:
            known = "it should be user, assistant or tool"
            raise BadLine("UNKNOWN_ROLE", f"{message.at('role')} {role!r} is unknown; {known}.")


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read a domain: its policy becomes the instructions."""
    fields = Fields(record, "", ("domain", "policy", "tools"))
    tools = tuple(_tool(Fields(value, f"tools[{number}]")) for number, value in enumerate(fields.items("tools", 100)))
    check_procedure((), tools)
    policy = fields.text("policy", MOST_INSTRUCTIONS, needed=True)
    yield ProcedureRecord(
        external_id=_procedure_id(fields),
        display_name=policy.strip().partition("\n")[0].lstrip("# ")[:200],
        description="",
        instructions=policy,
        steps=(),
        tools=tools,
        line=line,
    )


def _tool(fields: Fields) -> Tool:
    """A tool from its signature; what it does and its arguments are in the docstring."""
    description, _, told = fields.text("doc", 20_000).partition("\nArgs:\n")
    about = _about_arguments(told)
    properties: dict[str, Schema] = {}
    for number, value in enumerate(fields.items("params", 100)):
        parameter = Fields(value, fields.at(f"params[{number}]"))
        name = parameter.text("name", 128, needed=True)
        schema = _schema(parameter.text("type", 256))
        properties[name] = {**schema, "description": about[name]} if name in about else schema
    return Tool(
        name=fields.text("name", 128, needed=True),
        description=" ".join(description.partition("\nReturns:\n")[0].split())[:2_000],
        arguments_schema={"type": "object", "properties": properties, "required": list(properties)},
    )


def _about_arguments(told: str) -> dict[str, str]:
    """What the section on arguments says of each; a line that is further in continues the line before."""
    about: dict[str, str] = {}
    name = ""
    for line in told.partition("\n\n")[0].splitlines():
        if begins := _ARGUMENT.fullmatch(line):
            name, about[begins[1]] = begins[1], begins[2].strip()
        elif name:
            about[name] += f" {line.strip()}"
    return about


def _schema(annotation: str) -> Schema:
    """The schema of a Python annotation; any value for one that is not known."""
    if items := re.fullmatch(r"[Ll]ist\[(.+)\]", annotation):
        return {"type": "array", "items": _schema(items[1])}
    return dict(_TYPES.get(annotation, {}))


def read_persona(record: Mapping[str, Json], line: int) -> Iterator[NewPersona | Problem]:
    """Read a task: its user becomes a persona with the expected actions of the agent."""
    fields = Fields(record)
    task = fields.text("id", 256, needed=True)
    scenario = Fields(fields.record.get("user_scenario"), "user_scenario")
    given = scenario.record.get("instructions")
    told = Fields({"reason_for_call": given} if isinstance(given, str) else given, scenario.at("instructions"))
    goal = [told.text("reason_for_call", _LONGEST, needed=True)]
    goal += [text for name in ("known_info", "unknown_info") if (text := told.text(name, _LONGEST))]
    who = [scenario.text("persona", _LONGEST), told.text("task_instructions", _LONGEST)]
    criteria = Fields(fields.mapping("evaluation_criteria"), "evaluation_criteria")
    persona = Persona(
        name="",
        display_name=f"{told.text('domain', 64) or 'task'} {task}"[:100],
        description=_joined(who, scenario.path),
        goal=_joined(goal, told.path),
        expected_calls=tuple(_expected_calls(criteria)),
    )
    yield NewPersona(line, task, persona)


def _joined(texts: Sequence[str], path: str) -> str:
    """The texts that are there, of up to _LONGEST characters together. Raises BadLine."""
    return Fields({path: " ".join(text.strip() for text in texts if text.strip())}).text(path, _LONGEST)


def _expected_calls(criteria: Fields) -> Iterator[ExpectedCall]:
    for number, value in enumerate(criteria.items("actions", 100)):
        action = Fields(value, criteria.at(f"actions[{number}]"))
        if action.text("requestor", 64) != "user":
            yield ExpectedCall(action.text("name", 128, needed=True), action.data("arguments"))


def read_resource(record: Mapping[str, Json], line: int) -> Iterator[ResourceRecord | Problem]:
    """Read a database: tables, each an object of records by id. Their type is the table's name without s."""
    for table in Fields(record).record:
        records = Fields(record.get(table), table)
        if "/" in table or not 0 < len(table) <= 128:
            raise BadLine("BAD_TEXT", f"The table {table!r} should have a name of 1 to 128 characters without a slash.")
        for key in records.record:
            if not 0 < len(key) <= 256:
                raise BadLine("TOO_LONG", f"{table} has a record whose id is empty or has more than 256 characters.")
            if not isinstance(records.record[key], dict):
                raise BadLine("WRONG_TYPE", f"{table}.{key} should be an object.")
            yield ResourceRecord(Resource(table.removesuffix("s"), key, records.data(key)), line)
