"""Conversations, their specs, and their events as watchers receive them."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from google.protobuf.json_format import MessageToDict, ParseDict
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from greenroom.synthesizer.v1 import batch_pb2
from greenroom.synthesizer.v1 import conversation_pb2 as pb
from greenroom.type.v1 import event_pb2
from services.synthesizer.conversations.errors import BadEvent, SpecInvalid
from services.synthesizer.conversations.model import (
    BUILT_IN_AGENT,
    MAX_PART,
    AgentTarget,
    BasedOn,
    Conversation,
    ConversationFilter,
    ConversationSpec,
    ConversationState,
    ConversationType,
    Side,
)
from services.synthesizer.conversations.moves import StepFailed
from services.synthesizer.personas.messages import persona_message
from services.synthesizer.tool_configs.answers import Answered
from services.synthesizer.tool_configs.messages import fill_tool_config, tool_config
from shared.db.documents import reading_record
from shared.db.eventlog import StoredEvent
from shared.db.tails import Tails
from shared.errors import InvalidArgument, Violation
from shared.model.events import Ended, Event, ToolCall, pack, unpack
from shared.model.recording import Recording
from shared.rpc.events import (
    ended_message,
    event_body,
    event_message,
    fill_answer,
    fill_resource,
    resource,
    usage_message,
)
from shared.rpc.values import enum_number, enum_value, milliseconds, struct_json, timestamp
from shared.waits import Waiting

MAX_EVENTS = 1 << 20
"""Bytes of all events of one append; the answer repeats them."""


def spec(message: pb.ConversationSpec, field: str) -> ConversationSpec:
    """The spec in a message. field: its path in the request. Raises SpecInvalid, NumberNotFinite."""
    _check_size(message, field)
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
        agent=_target(message.agent, f"{field}.agent") if message.HasField("agent") else None,
        max_turns=message.max_turns,
        seed=message.seed,
        external_id=message.external_id,
        based_on=BasedOn(based_on.conversation, based_on.seq) if message.HasField("based_on") else None,
        epoch=milliseconds(message.epoch) if message.HasField("epoch") else 0,
        model=message.model,
        persona_model=message.persona_model,
        agent_model=message.agent_model,
        recording=_recording(message.recording),
        mock_resources=tuple(message.mock_resources),
        persona_target=(
            _target(message.persona_target, f"{field}.persona_target") if message.HasField("persona_target") else None
        ),
        agent_pull_request=message.agent_pull_request,
        persona_agent_pull_request=message.persona_agent_pull_request,
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
        persona_model=spec.persona_model,
        agent_model=spec.agent_model,
        recording=enum_number(pb.RecordingMode, "RECORDING_MODE", spec.recording),
        mock_resources=spec.mock_resources,
        agent_pull_request=spec.agent_pull_request,
        persona_agent_pull_request=spec.persona_agent_pull_request,
    )
    fill_tool_config(message.tool_config, spec.tool_config)
    for one in spec.resources:
        fill_resource(message.resources.add(), one)
    if spec.agent is not None:
        _fill_target(message.agent, spec.agent)
    if spec.persona_target is not None:
        _fill_target(message.persona_target, spec.persona_target)
    if spec.based_on is not None:
        message.based_on.conversation, message.based_on.seq = spec.based_on.conversation, spec.based_on.seq
    return message


def waiting_message(waiting: Waiting) -> pb.WaitingCalls:
    """What calls wait for, as a message."""
    message = pb.WaitingCalls(whom=waiting.whom, why=waiting.why, calls=waiting.calls)
    message.waited.FromMilliseconds(round(1_000 * waiting.seconds))
    if waiting.again_in is not None:
        message.next_try_in.FromMilliseconds(round(1_000 * waiting.again_in))
    return message


def conversation_message(conversation: Conversation, waiting: Sequence[Waiting] = ()) -> pb.Conversation:
    """The conversation as a message. waiting: what its call waits for."""
    return pb.Conversation(
        waiting=map(waiting_message, waiting),
        name=conversation.name,
        state=enum_number(pb.Conversation.State, "STATE", conversation.state),
        spec=spec_message(conversation.spec),
        persona=None if conversation.persona is None else persona_message(conversation.persona),
        batch=f"batches/{conversation.batch}" if conversation.batch else "",
        index=conversation.index,
        creator=conversation.creator,
        turns=conversation.turns,
        repeated_agent_messages=conversation.repeats,
        persona_flags=conversation.flags,
        last_seq=conversation.last_seq,
        attempt=conversation.attempt,
        usage=usage_message(conversation.usage),
        ended=None if conversation.ended is None else ended_message(conversation.ended),
        digest=conversation.digest,
        create_time=timestamp(conversation.create_time),
        end_time=timestamp(conversation.end_time),
    )


def conversation_filter(message: pb.ConversationFilter) -> ConversationFilter:
    """The filter in a message. Raises InvalidArgument."""
    check_revision(message, "filter.revision")
    kind = enum_value(pb.ConversationType, "CONVERSATION_TYPE", message.type)
    return ConversationFilter(
        state=conversation_state(message.state),
        type=ConversationType(kind) if kind else None,
        batch=message.batch,
        procedure=message.procedure,
        source=message.source,
        external_id=message.external_id,
        revision=message.revision,
        agent_pull_request=message.agent_pull_request,
        persona_agent_pull_request=message.persona_agent_pull_request,
    )


def check_revision(message: pb.ConversationFilter | batch_pb2.ListBatchesRequest, field: str) -> None:
    """Refuse a filter by the number of a revision that does not say of which procedure. Raises InvalidArgument."""
    if message.revision and not message.procedure:
        raise InvalidArgument(violations=[Violation(field, "A revision needs a procedure; name that too.")])


def side(number: "pb.Side.ValueType") -> Side:
    """The side of a number; the user for unspecified."""
    word = enum_value(pb.Side, "SIDE", number)
    return Side(word) if word else Side.USER


def conversation_state(number: "pb.Conversation.State.ValueType") -> ConversationState | None:
    """The state of a number; None for unspecified."""
    word = enum_value(pb.Conversation.State, "STATE", number)
    return ConversationState(word) if word else None


def tried_call(request: pb.TryToolRequest) -> ToolCall:
    """The call in a request. Raises NumberNotFinite."""
    return ToolCall("try", request.tool, struct_json(request.arguments))


def answered_message(answered: Answered) -> pb.TryToolResponse:
    """An answer as a message."""
    response = pb.TryToolResponse(mock_rule=answered.rule, milliseconds=answered.milliseconds)
    fill_answer(response.answer, answered.answer)
    return response


def failed_message(failed: StepFailed) -> pb.TryToolResponse:
    """How the conversation would end, as a message."""
    ended = failed.move.body
    assert isinstance(ended, Ended)
    return pb.TryToolResponse(failure=ended_message(ended))


def appended_events(request: pb.AppendEventsRequest) -> list[Event]:
    """The events that a client appends: only their body and virtual time. Raises BadEvent, NumberNotFinite."""
    events, wrong = [], []
    for index, message in enumerate(request.events):
        body = event_body(message)
        if body is None:
            raise BadEvent(violations=[Violation(f"events[{index}]", "Must say what happened.")])
        at = milliseconds(message.virtual_time) if message.HasField("virtual_time") else 0
        events.append(Event("", 0, at, 0, body))
        if (size := len(pack(events[-1]))) > MAX_PART:
            wrong.append(Violation(f"events[{index}]", f"Has {size:,} bytes as JSON; {MAX_PART:,} are allowed."))
    if (size := _size(request.events)) > MAX_EVENTS:
        wrong.append(Violation("events", f"Have {size:,} bytes; {MAX_EVENTS:,} are allowed in one call."))
    if wrong:
        raise BadEvent(violations=wrong)
    return events


def stored_events(stored: Iterable[StoredEvent], conversation: str) -> list[event_pb2.Event]:
    """The stored events of a conversation as messages."""
    with reading_record():
        return [event_message(unpack(one.payload), conversation, one.create_time) for one in stored]


class Watched(NamedTuple):
    """A stored event, encoded once for all its watchers.

    wire: a serialized WatchBatchResponse or WatchConversationResponse with only this event; both have the same fields
        for events and cursor. Serialized messages that are joined parse as one message with the events of all.
    ends: True if the event ends its conversation.
    """

    seq: int
    position: int
    wire: bytes
    ends: bool

    @property
    def size(self) -> int:
        """The bytes it adds to a response."""
        return len(self.wire)


EventTails = Tails[Watched]


def watched(read: Callable[[bytes], Event], stored: StoredEvent) -> Watched:
    """A stored event as its watchers receive it. read: unpacks its payload."""
    event = read(stored.payload)
    message = event_message(event, f"conversations/{stored.stream}", stored.create_time)
    wire = batch_pb2.WatchBatchResponse(events=[message]).SerializeToString()
    return Watched(stored.seq, stored.position or 0, wire, isinstance(event.body, Ended))


def joined(some: Sequence[Watched]) -> bytes:
    """A serialized response with these events and no cursor."""
    return b"".join([one.wire for one in some])


def _recording(number: "pb.RecordingMode.ValueType") -> Recording:
    word = enum_value(pb.RecordingMode, "RECORDING_MODE", number)
    return Recording(word) if word else Recording.RECORD


def _check_size(spec: pb.ConversationSpec, field: str) -> None:
    """Refuse a spec that is too large for a message with several specs. Raises SpecInvalid."""
    sizes = {"tool_config": spec.tool_config.ByteSize(), "resources": _size(spec.resources)}
    wrong = [
        Violation(f"{field}.{name}", f"Has {size:,} bytes; {MAX_PART:,} are allowed.")
        for name, size in sizes.items()
        if size > MAX_PART
    ]
    if wrong:
        raise SpecInvalid(violations=wrong)


def _size(messages: Iterable[Message]) -> int:
    return sum(message.ByteSize() for message in messages)


def _fill_target(message: pb.AgentTarget, target: AgentTarget) -> None:
    chosen = getattr(message, target.kind)
    message.max_in_flight = target.max_in_flight
    chosen.SetInParent()
    ParseDict(dict(target.config), chosen)


def _target(message: pb.AgentTarget, field: str) -> AgentTarget:
    """The target in a message; the built-in agent if none is set. Raises SpecInvalid for unknown fields."""
    kind = message.WhichOneof("target") or BUILT_IN_AGENT
    chosen = getattr(message, kind)
    wrong = [
        Violation(path, f"This version does not know field {number}; leave it out or update the server.")
        for path, part in ((field, message), (f"{field}.{kind}", chosen))
        for number in _unknown_fields(part)
    ]
    if wrong:
        raise SpecInvalid(violations=wrong)
    config = MessageToDict(chosen, preserving_proto_field_name=True)
    for stored in config.get("stored", ()):
        stored.pop("content", None)  # the server reads it
    return AgentTarget(kind, config, message.max_in_flight)


def _unknown_fields(message: Message) -> list[int]:
    """The numbers of the fields that the client set and this version does not know."""
    unknown = UnknownFieldSet(message)
    return [unknown[index].field_number for index in range(len(unknown))]
