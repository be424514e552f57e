"""Batches, their specs and results."""

from greenroom.synthesizer.v1 import batch_pb2 as pb
from greenroom.synthesizer.v1 import conversation_pb2, source_pb2
from services.synthesizer.api.convert import conversation as convert
from services.synthesizer.api.convert.events import FAULTS, usage_message
from services.synthesizer.api.convert.source import source_filter
from services.synthesizer.batches.model import Batch, BatchSpec, BatchState, PersonaShare
from services.synthesizer.conversations.model import Conversation, ConversationState
from shared.rpc.values import enum_number, enum_value, timestamp


def batch_spec(message: pb.BatchSpec) -> BatchSpec:
    """The spec in a message. Raises NumberNotFinite."""
    return BatchSpec(
        conversation=convert.spec(message.conversation),
        sources=tuple(message.sources),
        source_filter=source_filter(message.source_filter) if message.HasField("source_filter") else None,
        linked_revisions=message.linked_revisions,
        personas=tuple(PersonaShare(share.persona, share.weight or 1.0) for share in message.personas),
        size=message.size,
        external_id=message.external_id,
    )


def batch_message(batch: Batch) -> pb.Batch:
    """The batch as a message."""
    return pb.Batch(
        name=batch.name,
        state=enum_number(pb.Batch.State, "STATE", batch.state),
        spec=_spec_message(batch.spec),
        counts=_counts(batch),
        usage=usage_message(batch.usage),
        turns=batch.turns,
        creator=batch.creator,
        create_time=timestamp(batch.create_time),
        end_time=timestamp(batch.end_time),
    )


def batch_state(number: "pb.Batch.State.ValueType") -> BatchState | None:
    """The state of a number; None for unspecified."""
    word = enum_value(pb.Batch.State, "STATE", number)
    return BatchState(word) if word else None


def result_message(conversation: Conversation) -> pb.BatchResult:
    """What a conversation came to, as a row."""
    spec, ended = conversation.spec, conversation.ended
    return pb.BatchResult(
        conversation=conversation.name,
        index=conversation.index,
        state=enum_number(conversation_pb2.Conversation.State, "STATE", conversation.state),
        turns=conversation.turns,
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


def _spec_message(spec: BatchSpec) -> pb.BatchSpec:
    message = pb.BatchSpec(
        conversation=convert.spec_message(spec.conversation),
        sources=spec.sources,
        linked_revisions=spec.linked_revisions,
        personas=[pb.PersonaShare(persona=share.persona, weight=share.weight) for share in spec.personas],
        size=spec.size,
        external_id=spec.external_id,
    )
    if (which := spec.source_filter) is not None:
        message.source_filter.CopyFrom(
            source_pb2.SourceFilter(
                format=which.format,
                procedure=which.procedure,
                external_id=which.external_id,
                finished=which.finished,
            )
        )
    return message


def _counts(batch: Batch) -> pb.BatchCounts:
    counts = pb.BatchCounts()
    for state, count in batch.counts.items():
        setattr(counts, ConversationState(state).lower(), count)
    return counts
