"""Batches, their specs, results and transcripts."""

import json
from collections.abc import Sequence

from google.protobuf.json_format import MessageToDict

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2
from services.synthesizer.batches.model import Again, Batch, BatchFilter, BatchSpec, BatchState, Estimate, PersonaShare
from services.synthesizer.conversations import messages as convert
from services.synthesizer.conversations.model import Conversation, ConversationState
from services.synthesizer.sources.messages import source_filter, source_filter_message
from shared.model.events import unpack
from shared.model.spending import Budget
from shared.plain import visible
from shared.rpc.events import FAULTS, event_message, usage_message
from shared.rpc.values import enum_number, enum_value, timestamp
from shared.waits import Waiting

Transcript = tuple[bytes, Sequence[tuple[bytes, int]]]
"""A serialized Conversation, and for each of its events the payload and the time it was stored, Unix microseconds."""


def batch_spec(message: pb.BatchSpec) -> BatchSpec:
    """The spec in a message. Raises SpecInvalid, NumberNotFinite."""
    return BatchSpec(
        conversation=convert.spec(message.conversation, "spec.conversation"),
        sources=tuple(message.sources),
        source_filter=source_filter(message.source_filter) if message.HasField("source_filter") else None,
        linked_revisions=message.linked_revisions,
        personas=tuple(PersonaShare(share.persona, share.weight or 1.0) for share in message.personas),
        size=message.size,
        max_in_flight=message.max_in_flight,
        external_id=message.external_id,
        labels=tuple(message.labels),
        budget=_budget(message.budget) if message.HasField("budget") else None,
        again=Again(message.again.batch, tuple(sorted(message.again.indexes))) if message.HasField("again") else None,
    )


def batch_message(batch: Batch, waiting: Sequence[Waiting] = ()) -> pb.Batch:
    """The batch as a message. waiting: what its calls wait for."""
    return pb.Batch(
        name=batch.name,
        state=enum_number(pb.Batch.State, "STATE", batch.state),
        spec=_spec_message(batch.spec),
        counts=_counts(batch),
        usage=usage_message(batch.usage),
        turns=batch.turns,
        repeated_agent_messages=batch.repeats,
        reason=batch.reason,
        persona_flags=batch.flags,
        creator=batch.creator,
        create_time=timestamp(batch.create_time),
        end_time=timestamp(batch.end_time),
        waiting=map(convert.waiting_message, waiting),
    )


def estimate_message(found: Estimate) -> pb.EstimateBatchResponse:
    """The estimate as a message."""
    return pb.EstimateBatchResponse(
        expected=usage_message(found.expected),
        low=usage_message(found.low),
        high=usage_message(found.high),
        currency=found.currency,
        unpriced_models=found.unpriced,
    )


def batch_state(number: "pb.Batch.State.ValueType") -> BatchState | None:
    """The state of a number; None for unspecified."""
    word = enum_value(pb.Batch.State, "STATE", number)
    return BatchState(word) if word else None


def batch_filter(message: pb.ListBatchesRequest) -> BatchFilter:
    """The filter in a request. Raises InvalidArgument."""
    convert.check_revision(message, "revision")
    return BatchFilter(
        state=batch_state(message.state),
        external_id=message.external_id,
        external_ids=tuple(message.external_ids),
        external_id_prefix=message.external_id_prefix,
        labels=tuple(message.labels),
        procedure=message.procedure,
        revision=message.revision,
        agent_pull_request=message.agent_pull_request,
        persona_agent_pull_request=message.persona_agent_pull_request,
    )


def result_message(conversation: Conversation) -> pb.BatchResult:
    """The result of a conversation as a message."""
    spec, ended = conversation.spec, conversation.ended
    return pb.BatchResult(
        conversation=conversation.name,
        index=conversation.index,
        state=enum_number(conversation_pb2.Conversation.State, "STATE", conversation.state),
        turns=conversation.turns,
        repeated_agent_messages=conversation.repeats,
        persona_flags=conversation.flags,
        max_turns=spec.max_turns,
        reason=ended.reason if ended else "",
        detail=ended.detail if ended else "",
        fault=FAULTS[ended.fault if ended else None],
        usage=usage_message(conversation.usage),
        source=spec.source,
        persona=spec.persona,
        procedure=spec.procedure,
        revision=spec.revision,
        digest=conversation.digest,
    )


def transcript_lines(transcripts: Sequence[Transcript]) -> list[bytes]:
    """One JSON line per transcript: `{"conversation": {…}, "events": […]}` with the field names of the protos."""
    lines = []
    for document, stored in transcripts:
        conversation = conversation_pb2.Conversation.FromString(document)
        events = [event_message(unpack(payload), conversation.name, time) for payload, time in stored]
        record = {
            "conversation": MessageToDict(conversation, preserving_proto_field_name=True),
            "events": [MessageToDict(event, preserving_proto_field_name=True) for event in events],
        }
        lines.append(visible(json.dumps(record, ensure_ascii=False, separators=(",", ":"))).encode() + b"\n")
    return lines


def _spec_message(spec: BatchSpec) -> pb.BatchSpec:
    message = pb.BatchSpec(
        conversation=convert.spec_message(spec.conversation),
        sources=spec.sources,
        linked_revisions=spec.linked_revisions,
        personas=[pb.PersonaShare(persona=share.persona, weight=share.weight) for share in spec.personas],
        size=spec.size,
        max_in_flight=spec.max_in_flight,
        external_id=spec.external_id,
        labels=spec.labels,
    )
    if (which := spec.source_filter) is not None:
        message.source_filter.CopyFrom(source_filter_message(which))
    if spec.again is not None:
        message.again.CopyFrom(pb.Again(batch=spec.again.batch, indexes=spec.again.indexes))
    if spec.budget is not None:
        message.budget.CopyFrom(pb.Budget(tokens=spec.budget.tokens, nanos=spec.budget.nanos))
    return message


def _budget(message: pb.Budget) -> Budget:
    tokens, nanos = message.HasField("tokens"), message.HasField("nanos")
    return Budget(message.tokens if tokens else None, message.nanos if nanos else None)


def _counts(batch: Batch) -> pb.BatchCounts:
    counts = pb.BatchCounts()
    for state, count in batch.counts.items():
        setattr(counts, ConversationState(state).lower(), count)
    return counts
