"""Reads the format `abcd`: customer-service dialogues with agent actions, and guidelines in prose.

Labels of a dialogue (flow, subflow, expected actions, split) are not content; flow and subflow name the procedure that
the dialogue is linked to.
"""

import re
from collections.abc import Iterator, Mapping

from services.synthesizer.adapters.formats.abcd.guidelines import compile_guideline
from services.synthesizer.adapters.formats.abcd.vocabulary import argument_of
from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord, check_procedure
from services.synthesizer.imports.model import Problem
from shared.model.events import AgentMessage, Event, Json, Kind, ToolAnswer, ToolCall, ToolResult, UserMessage

MINUTE = 60_000
_ACTION = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,127}")


def read_source(record: Mapping[str, Json], line: int) -> Iterator[SourceRecord | Problem]:
    """Read a dialogue; a turn that cannot be read is a problem, and the rest is imported."""
    fields = Fields(record)
    events: list[Event] = []
    for number, value in enumerate(fields.items("turns", 10_000, needed=True)):
        turn = Fields(value, f"turns[{number}]")
        try:
            bodies = _bodies(turn, f"call-{number + 1}")
        except BadLine as bad:
            yield Problem(line, bad.reason, f"{bad.description} The turn was left out.", partial=True)
            continue
        for body in bodies:
            events.append(Event(id="", seq=len(events) + 1, at=number * MINUTE, turn=0, body=body))
    if not events:
        raise BadLine("NO_EVENTS", "The dialogue has no turn that could be read; it should have some.")
    yield SourceRecord(
        external_id=fields.text("id", 256, needed=True),
        finished=True,
        transcript=tuple(events),
        resources=(),
        procedure_external_id=_procedure_id(fields, needed=False),
        line=line,
    )


def recognises(record: Mapping[str, Json]) -> bool:
    """True if the object looks like a dialogue."""
    return "flow" in record and isinstance(record.get("turns"), list)


def _bodies(turn: Fields, call_id: str) -> tuple[Kind, ...]:
    role = turn.text("role", 64, needed=True)
    text = turn.text("text", 20_000, needed=True)
    match role:
        case "customer":
            return (UserMessage(text),)
        case "agent":
            return (AgentMessage(text),)
        case "action":
            tool = turn.text("action", 128, needed=True)
            if not _ACTION.fullmatch(tool):
                raise BadLine("UNKNOWN_ACTION", f"{turn.at('action')} {tool!r} is not the name of an action.")
            arguments = _arguments(tool, turn)
            return ToolCall(call_id, tool, arguments), ToolResult(call_id, tool, ToolAnswer({"message": text}))
        case _:
            raise BadLine(
                "UNKNOWN_ROLE", f"{turn.at('role')} {role!r} is unknown; it should be agent, customer or action."
            )


def _arguments(tool: str, turn: Fields) -> dict[str, Json]:
    """The recorded values by argument; the shape of a value tells its argument."""
    arguments: dict[str, Json] = {}
    for number, value in enumerate(turn.items("values", 20)):
        if not isinstance(value, str):
            raise BadLine("WRONG_TYPE", f"{turn.at('values')}[{number}] is not text.")
        name = argument_of(tool, value)
        # A second value of the same shape gets its position as a suffix.
        arguments[name if name not in arguments else f"{name}_{number + 1}"] = value
    return arguments


def _procedure_id(fields: Fields, *, needed: bool) -> str:
    flow, subflow = (fields.text(name, 100, needed=needed) for name in ("flow", "subflow"))
    return f"{flow}/{subflow}" if flow and subflow else ""


def read_procedure(record: Mapping[str, Json], line: int) -> Iterator[ProcedureRecord | Problem]:
    """Read a guideline."""
    fields = Fields(record)
    guideline = compile_guideline(fields)
    check_procedure(guideline.steps, guideline.tools)
    yield ProcedureRecord(
        external_id=_procedure_id(fields, needed=True),
        display_name=fields.text("title", 200, needed=True),
        description=fields.text("flow_description", 2_000),
        instructions=guideline.instructions,
        steps=guideline.steps,
        tools=guideline.tools,
        line=line,
    )
