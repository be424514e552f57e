"""Procedures and revisions as messages."""

from collections.abc import Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from greenroom.synthesizer.v1 import procedure_pb2 as pb
from services.synthesizer.procedures.errors import RevisionTooLarge
from services.synthesizer.procedures.model import MAX_REVISION, Domain, Procedure, Revision, RevisionState
from shared.model.steps import KINDS, Step, Tool
from shared.rpc.expectations import expectation_record, fill_expectation
from shared.rpc.values import enum_number, fill_struct, struct_json, timestamp


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
    """The procedure in a message; the service sets its name, revisions and time."""
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
        _fill_step(message.steps.add(id=step.id), step)
    for tool in revision.tools:
        fill_tool(message.tools.add(), tool)
    for expectation in revision.expectations:
        fill_expectation(message.expectations.add(), expectation)
    if (domain := revision.domain) is not None:
        message.domain, message.domain_revision = domain.name, domain.revision
        message.agent_context, message.persona_context = domain.agent, domain.persona
    return message


def revision(message: pb.Revision) -> Revision:
    """The content of the revision in a message; the service sets the rest.

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
        expectations=tuple(map(expectation_record, message.expectations)),
        domain=Domain(message.domain, message.domain_revision) if message.domain else None,
    )


def _fill_step(message: pb.Step, step: Step) -> None:
    to = getattr(message, step.kind)
    to.SetInParent()
    for field in to.DESCRIPTOR.fields:
        value = getattr(step, field.name)
        if isinstance(value, Mapping):
            target = getattr(to, field.name)
            fill_struct(target, value) if isinstance(target, Struct) and value else target.update(value)
        else:
            setattr(to, field.name, value)


def _step(message: pb.Step) -> Step:
    kind = message.WhichOneof("kind")
    assert kind is not None  # the proto requires one
    content = getattr(message, kind)
    return KINDS[kind](
        id=message.id, **{field.name: _plain(getattr(content, field.name)) for field in content.DESCRIPTOR.fields}
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return struct_json(value)
    return dict(value) if isinstance(value, Mapping) else value


def fill_tool(message: pb.Tool, tool: Tool) -> None:
    """Write a tool into a message."""
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
