"""Whether what a request brings can be answered with."""

from collections.abc import Iterable, Sequence

from google.protobuf.message import Message

from greenroom.synthesizer.v1 import conversation_pb2
from services.synthesizer.conversations.errors import BadEvent, SpecInvalid
from services.synthesizer.conversations.model import MAX_PART
from shared.errors import Violation
from shared.model.events import Event, pack

MAX_EVENTS = 1 << 20
"""Bytes of the events of one append, which its answer repeats."""


def check_spec(spec: conversation_pb2.ConversationSpec, field: str) -> None:
    """Refuse a spec that would be too large for a message as soon as others are listed with it; raises SpecInvalid.

    field: its path in the request.
    """
    parts = {"tool_config": spec.tool_config.ByteSize(), "resources": _size(spec.resources)}
    wrong = [
        Violation(f"{field}.{name}", f"Comes to {size:,} bytes; {MAX_PART:,} are allowed.")
        for name, size in parts.items()
        if size > MAX_PART
    ]
    if wrong:
        raise SpecInvalid(violations=wrong)


def check_events(messages: Sequence[Message], events: Sequence[Event]) -> None:
    """Refuse events that are too large to store, or too many for an answer that repeats them; raises BadEvent."""
    wrong = [
        Violation(f"events[{index}]", f"Comes to {size:,} bytes as JSON; {MAX_PART:,} are allowed.")
        for index, size in enumerate(len(pack(event)) for event in events)
        if size > MAX_PART
    ]
    if (size := _size(messages)) > MAX_EVENTS:
        wrong.append(Violation("events", f"Come to {size:,} bytes; {MAX_EVENTS:,} are allowed in one call."))
    if wrong:
        raise BadEvent(violations=wrong)


def _size(messages: Iterable[Message]) -> int:
    return sum(message.ByteSize() for message in messages)
