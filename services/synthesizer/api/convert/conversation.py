"""Conversations and their specs."""

from greenroom.synthesizer.v1 import conversation_pb2 as pb
from services.synthesizer.api.convert.events import ended_message, event_body, fill_resource, resource, usage_message
from services.synthesizer.api.convert.persona import persona_message
from services.synthesizer.api.convert.tool_config import fill_tool_config, tool_config
from services.synthesizer.conversations.errors import BadEvent
from services.synthesizer.conversations.model import (
    AgentTarget,
    BasedOn,
    Conversation,
    ConversationFilter,
    ConversationSpec,
    ConversationState,
    ConversationType,
)
from shared.errors import Violation
from shared.model.events import Event
from shared.rpc.values import enum_number, enum_value, milliseconds, timestamp


def spec(message: pb.ConversationSpec) -> ConversationSpec:
    """The spec in a message. Raises NumberNotFinite."""
    kind = enum_value(pb.ConversationType, "CONVERSATION_TYPE", message.type)
    based_on = message.based_on
    return ConversationSpec(
        type=ConversationType(kind) if kind else ConversationType.SYNTHETIC,
        procedure=message.procedure,
        revision=message.revision,
        source=message.source,
        persona=message.persona,
        tool_config=tool_config(message.tool_config),
        resources=tuple(resource(one) for one in message.resources),
        agent=_agent(message.agent) if message.HasField("agent") else None,
        max_turns=message.max_turns,
        seed=message.seed,
        external_id=message.external_id,
        based_on=BasedOn(based_on.conversation, based_on.seq) if message.HasField("based_on") else None,
        epoch=milliseconds(message.epoch) if message.HasField("epoch") else 0,
        model=message.model,
    )


def spec_message(spec: ConversationSpec) -> pb.ConversationSpec:
    """The spec as a message."""
    message = pb.ConversationSpec(
        type=enum_number(pb.ConversationType, "CONVERSATION_TYPE", spec.type),
        procedure=spec.procedure,
        revision=spec.revision,
        source=spec.source,
        persona=spec.persona,
        max_turns=spec.max_turns,
        seed=spec.seed,
        external_id=spec.external_id,
        epoch=timestamp(spec.epoch),
        model=spec.model,
    )
    fill_tool_config(message.tool_config, spec.tool_config)
    for one in spec.resources:
        fill_resource(message.resources.add(), one)
    match spec.agent:
        case AgentTarget("grpc", address, tls):
            message.agent.grpc.address, message.agent.grpc.tls = address, tls
        case AgentTarget():
            message.agent.procedure_agent.SetInParent()
    if spec.based_on is not None:
        message.based_on.conversation, message.based_on.seq = spec.based_on.conversation, spec.based_on.seq
    return message


def conversation_message(conversation: Conversation) -> pb.Conversation:
    """The conversation as a message."""
    return pb.Conversation(
        name=conversation.name,
        state=enum_number(pb.Conversation.State, "STATE", conversation.state),
        spec=spec_message(conversation.spec),
        persona=None if conversation.persona is None else persona_message(conversation.persona),
        batch=f"batches/{conversation.batch}" if conversation.batch else "",
        index=conversation.index,
        creator=conversation.creator,
        turns=conversation.turns,
        last_seq=conversation.last_seq,
        attempt=conversation.attempt,
        usage=usage_message(conversation.usage),
        ended=None if conversation.ended is None else ended_message(conversation.ended),
        digest=conversation.digest,
        create_time=timestamp(conversation.create_time),
        end_time=timestamp(conversation.end_time),
    )


def conversation_filter(message: pb.ConversationFilter) -> ConversationFilter:
    """The filter in a message."""
    kind = enum_value(pb.ConversationType, "CONVERSATION_TYPE", message.type)
    return ConversationFilter(
        state=conversation_state(message.state),
        type=ConversationType(kind) if kind else None,
        batch=message.batch,
        procedure=message.procedure,
        source=message.source,
        external_id=message.external_id,
    )


def conversation_state(number: "pb.Conversation.State.ValueType") -> ConversationState | None:
    """The state of a number; None for unspecified."""
    word = enum_value(pb.Conversation.State, "STATE", number)
    return ConversationState(word) if word else None


def appended_events(request: pb.AppendEventsRequest) -> list[Event]:
    """The events that a client appends; only what happened and when counts. Raises BadEvent, NumberNotFinite."""
    events = []
    for index, message in enumerate(request.events):
        body = event_body(message)
        if body is None:
            raise BadEvent(violations=[Violation(f"events[{index}]", "Must say what happened.")])
        at = milliseconds(message.virtual_time) if message.HasField("virtual_time") else 0
        events.append(Event("", 0, at, 0, body))
    return events


def _agent(message: pb.AgentTarget) -> AgentTarget:
    if message.WhichOneof("target") == "grpc":
        return AgentTarget("grpc", message.grpc.address, message.grpc.tls)
    return AgentTarget()
