"""Reads the format `star`: dialogues with calls of an API as sources, and task graphs as procedures with branches."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord, check_procedure
from services.synthesizer.adapters.formats.star.graph import Graph, parameters
from services.synthesizer.imports.model import Problem
from shared.model.calls import Calls
from shared.model.events import AgentMessage, Event, Json, Kind, ToolAnswer, ToolCall, ToolResult, UserMessage
from shared.model.steps import Tool

_EQUALS = re.compile(r"api\.is_equal_to\((.*)\)", re.DOTALL)
_MOST_ACTIONS = 200
_UNSEEN = ("request_suggestions", "instruct", "select_task", "select_primary", "select_secondary", "complete")
"""Actions that neither side sees."""


def read_source(record: Mapping[str, Json], line: int) -> Iterator[SourceRecord | Problem]:
    """Read a dialogue; a turn that cannot be read is a problem, and the rest is imported."""
    fields = Fields(record)
    start = fields.count("start_unix") * 1_000
    events: list[Event] = []
    calls, finished = Calls(), False
    for number, value in enumerate(fields.items("turns", 10_000, needed=True)):
        turn = Fields(value, f"turns[{number}]")
        try:
            finished = finished or turn.text("action", 64) == "complete"
            body = _body(turn, f"call-{number + 1}", events)
            if isinstance(body, ToolResult) and calls.answered(body.call_id, body.tool) is None:
                raise BadLine("NO_SUCH_CALL", f"{turn.path} answers a call of {body.tool!r} that is not before it.")
            at = start + turn.count("t") * 1_000
        except BadLine as bad:
            yield Problem(line, bad.reason, f"{bad.description} The turn was left out.", partial=True)
            continue
        if isinstance(body, ToolCall):
            calls.add(body)
        if body is not None:
            at = max(at, events[-1].at) if events else at
            events.append(Event(id="", seq=len(events) + 1, at=at, turn=0, body=body))
    if not events:
        raise BadLine("NO_EVENTS", "The dialogue has no turn that could be read; it should have some.")
    tasks = [task for task in fields.items("tasks", 100) if isinstance(task, str)]
    yield SourceRecord(
        external_id=fields.text("id", 256, needed=True),
        finished=finished,
        transcript=tuple(events),
        resources=(),
        procedure_external_id=_procedure_id(tasks[0]) if len(tasks) == 1 else "",
        line=line,
    )


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a dialogue."""
    return "tasks" in record and isinstance(record.get("turns"), list)


def _procedure_id(task: str) -> str:
    return f"star/{task}"


def _body(turn: Fields, call_id: str, events: Sequence[Event]) -> Kind | None:
    """What a turn is; None if neither side sees it."""
    action = turn.text("action", 64, needed=True)
    if action in _UNSEEN:
        return None
    match turn.text("role", 64, needed=True), action:
        case "user", "utter":
            return UserMessage(turn.text("text", 20_000, needed=True))
        case "agent", "utter" | "pick_suggestion":
            return AgentMessage(turn.text("text", 20_000, needed=True))
        case "agent", "query":
            given: dict[str, Json] = {}
            for number, value in enumerate(turn.items("args", 100)):
                given |= Fields(value, turn.at(f"args[{number}]")).record
            arguments = {name: _argument(value) for name, value in given.items() if value is not None}
            return ToolCall(
                call_id, turn.text("api", 128, needed=True), Fields({"args": arguments}, turn.path).data("args")
            )
        case "api", "return_item":
            tool = turn.text("api", 128, needed=True)
            call = next(
                (e.body for e in reversed(events) if isinstance(e.body, ToolCall) and e.body.tool == tool), None
            )
            total = {"total": turn.count("total")} if "total" in turn.record else {}
            return ToolResult(call.call_id if call else "", tool, ToolAnswer({**turn.data("result"), **total}))
        case role, _:
            raise BadLine("UNKNOWN_ACTION", f"{turn.path} has the unknown action {action!r} of {role!r}.")


def _argument(value: Json) -> Json:
    """The value that an argument must equal; another comparison stays as it is written."""
    if not isinstance(value, str):
        return value
    equal = _EQUALS.fullmatch(value.strip())
    text = (equal[1] if equal else value).strip()
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError):
        return {"True": True, "False": False}.get(text, text)
    return plain.strip() if isinstance(plain, str) else plain


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read a task: its graph becomes steps."""
    fields = Fields(record)
    name = fields.text("task", 128, needed=True)
    graph, replies = (_texts(fields, member) for member in ("graph", "replies"))
    api = Fields(fields.record.get("api"), "api")
    required = [text for text in api.items("required", 100) if isinstance(text, str)]
    inputs = [replace(one, required=one.name in required) for one in parameters(api, "input")]
    tool = Tool(
        name=name,
        description=f"{api.text('function', 128)} on {api.text('db', 128)}".replace("_", " "),
        arguments_schema={
            "type": "object",
            "properties": {one.name: one.schema for one in inputs},
            "required": required,
        },
    )
    steps = Graph(name, graph, replies, inputs, parameters(api, "output")).steps()
    check_procedure(steps, (tool,))
    yield ProcedureRecord(
        external_id=_procedure_id(name),
        display_name=name.replace("_", " ").capitalize(),
        description="",
        instructions=_instructions(graph, replies),
        steps=steps,
        tools=(tool,),
        line=line,
    )


def _texts(fields: Fields, name: str) -> dict[str, str]:
    members = Fields(fields.mapping(name), name)
    if len(members.record) > _MOST_ACTIONS:
        raise BadLine("TOO_MANY", f"{name} has {len(members.record):,} members; up to {_MOST_ACTIONS} are allowed.")
    return {member: members.text(member, 4_000) for member in members.record}


def _instructions(graph: Mapping[str, str], replies: Mapping[str, str]) -> str:
    """The graph in words: what comes after what, with what is said."""
    said = (f"{before} → {after}: {replies.get(after, after)}" for before, after in graph.items())
    return "\n".join(("Follow this graph of actions and outcomes.", *said))
