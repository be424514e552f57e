"""Procedures, revisions, steps and tools."""

from collections.abc import Callable, Mapping
from typing import Any

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from services.synthesizer.catalog.errors import RevisionTooLarge
from services.synthesizer.procedure import Procedure, Revision, RevisionState
from shared.model.steps import Ask, Branch, Call, End, Say, Step, Tool
from shared.rpc.values import enum_number, fill_struct, struct_json, timestamp

MAX_REVISION = 1 << 20
"""Bytes of a revision's message: whatever answers with one, or keeps a copy of it, has room for it."""


def procedure_message(procedure: Procedure) -> pb.Procedure:
    """The procedure as a message."""
    return pb.Procedure(
        name=procedure.name,
        display_name=procedure.display_name,
        description=procedure.description,
        external_id=procedure.external_id,
        latest_revision=procedure.latest_revision,
        latest_ready_revision=procedure.latest_ready_revision,
        create_time=timestamp(procedure.create_time),
    )


def procedure(message: pb.Procedure) -> Procedure:
    """The procedure in a message; name, revisions and time are the service's to set."""
    return Procedure(
        name="",
        display_name=message.display_name,
        description=message.description,
        external_id=message.external_id,
    )


def revision_message(revision: Revision) -> pb.Revision:
    """The revision as a message."""
    message = pb.Revision(
        procedure=revision.procedure,
        number=revision.number,
        state=enum_number(pb.Revision.State, "STATE", revision.state),
        instructions=revision.instructions,
        create_time=timestamp(revision.create_time),
        ready_time=timestamp(revision.ready_time),
    )
    for step in revision.steps:
        _FILL[type(step)](message.steps.add(id=step.id), step)
    for tool in revision.tools:
        fill_tool(message.tools.add(), tool)
    return message


def revision(message: pb.Revision) -> Revision:
    """The content of the revision in a message; all else is the service's to set.

    Raises NumberNotFinite, RevisionTooLarge.
    """
    if message.ByteSize() > MAX_REVISION:
        raise RevisionTooLarge(size=f"{message.ByteSize():,}", most=f"{MAX_REVISION:,}")
    return Revision(
        procedure="",
        number=1,
        state=RevisionState.DRAFT,
        instructions=message.instructions,
        steps=tuple(_step(step) for step in message.steps),
        tools=tuple(_tool(tool) for tool in message.tools),
    )


def _say(message: pb.Step, step: Say) -> None:
    message.say.text = step.text


def _ask(message: pb.Step, step: Ask) -> None:
    to = message.ask
    to.slot, to.question, to.optional = step.slot, step.question, step.optional
    if step.schema:
        fill_struct(to.schema, step.schema)


def _call(message: pb.Step, step: Call) -> None:
    message.call.tool = step.tool
    message.call.arguments.update(step.arguments)


def _branch(message: pb.Step, step: Branch) -> None:
    to = message.branch
    to.condition, to.then, to.otherwise = step.condition, step.then, step.otherwise


def _end(message: pb.Step, step: End) -> None:
    message.end.text = step.text
    message.end.SetInParent()


_FILL: Mapping[type[Step], Callable[[pb.Step, Any], None]] = {
    Say: _say,
    Ask: _ask,
    Call: _call,
    Branch: _branch,
    End: _end,
}


def _step(message: pb.Step) -> Step:
    kind = message.WhichOneof("kind")
    assert kind is not None  # the proto requires one
    return _READ[kind](getattr(message, kind), message.id)


_READ: Mapping[str, Callable[[Any, str], Step]] = {
    "say": lambda m, key: Say(m.text, id=key),
    "ask": lambda m, key: Ask(m.slot, m.question, struct_json(m.schema), m.optional, id=key),
    "call": lambda m, key: Call(m.tool, dict(m.arguments), id=key),
    "branch": lambda m, key: Branch(m.condition, m.then, m.otherwise, id=key),
    "end": lambda m, key: End(m.text, id=key),
}


def fill_tool(message: pb.Tool, tool: Tool) -> None:
    """Write a tool into a message that is part of another."""
    message.name, message.description, message.required = tool.name, tool.description, tool.required
    if tool.arguments_schema:
        fill_struct(message.arguments_schema, tool.arguments_schema)
    if tool.result_schema:
        fill_struct(message.result_schema, tool.result_schema)


def _tool(message: pb.Tool) -> Tool:
    return Tool(
        name=message.name,
        description=message.description,
        arguments_schema=struct_json(message.arguments_schema),
        result_schema=struct_json(message.result_schema),
        required=message.required,
    )
