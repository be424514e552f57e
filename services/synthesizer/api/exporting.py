"""Exports: the transcripts of a batch as JSONL, in chunks that a reader can resume."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict

from greenroom.synthesizer.v1 import conversation_pb2
from services.synthesizer.api.convert.conversation import conversation_message
from services.synthesizer.api.convert.events import event_message
from services.synthesizer.batches.model import Batch
from services.synthesizer.batches.ports import BatchStore
from services.synthesizer.conversations.model import OVER, Conversation
from services.synthesizer.conversations.ports import ConversationReads
from shared.compute import Compute
from shared.model.events import unpack
from shared.rpc.cursors import CursorExpired, decode_token, encode_token, malformed, number

CHUNK_BYTES = 1 << 20
_CONVERSATIONS_AT_ONCE = 25
_KIND = "batches.export"

_Transcript = tuple[bytes, Sequence[tuple[bytes, int]]]
"""A conversation's serialized message, and its events' payloads with their times of storage."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where an export goes on: how many bytes the reader has of the line of the conversation at index.

    last_seq: of that conversation, which tells whether its line is still the one that was cut.
    """

    index: int
    last_seq: int
    skip: int


_START = _Place(0, 0, 0)


class Export:
    """Reads transcripts and has them written as text by processes of their own."""

    def __init__(self, batches: BatchStore, conversations: ConversationReads, compute: Compute) -> None:
        self._batches = batches
        self._conversations = conversations
        self._compute = compute

    async def chunks(self, batch: Batch, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """Chunks of up to CHUNK_BYTES with the cursor behind each.

        Raises CursorMalformed, CursorForeign, and CursorExpired when the line that was cut is another one by now.
        """
        after = _read(batch, cursor)
        held, place = b"", after
        async for conversation, line in self._lines(batch, after.index):
            start = after.skip
            if start:
                if (conversation.index, conversation.last_seq) != (after.index, after.last_seq):
                    raise CursorExpired
                after = _START
            held += line[start:]
            end = len(line)
            while len(held) >= CHUNK_BYTES:
                chunk, held = held[:CHUNK_BYTES], held[CHUNK_BYTES:]
                yield chunk, _write(batch, _Place(conversation.index, conversation.last_seq, end - len(held)))
            place = _Place(conversation.index, conversation.last_seq, end)
        if after.skip:
            raise CursorExpired
        if held:
            yield held, _write(batch, place)

    async def _lines(self, batch: Batch, index: int) -> AsyncIterator[tuple[Conversation, bytes]]:
        """The lines from the conversation at index on, with their conversations."""
        after = index - 1
        while True:
            found = await self._batches.conversations(batch, after, _CONVERSATIONS_AT_ONCE, OVER)
            if not found:
                return
            transcripts: list[_Transcript] = []
            for conversation in found:
                stored = await self._conversations.stored_events(conversation, 0, conversation.last_seq)
                message = conversation_message(conversation).SerializeToString()
                transcripts.append((message, [(event.payload, event.create_time) for event in stored]))
            lines = await self._compute.run(transcript_lines, transcripts)
            for conversation, line in zip(found, lines, strict=True):
                yield conversation, line
            after = found[-1].index


def transcript_lines(transcripts: Sequence[_Transcript]) -> list[bytes]:
    """A line of JSON a transcript: `{"conversation": {…}, "events": […]}` with the contracts' own field names."""
    lines = []
    for document, stored in transcripts:
        conversation = conversation_pb2.Conversation.FromString(document)
        events = [event_message(unpack(payload), conversation.name, time) for payload, time in stored]
        record = {
            "conversation": MessageToDict(conversation, preserving_proto_field_name=True),
            "events": [MessageToDict(event, preserving_proto_field_name=True) for event in events],
        }
        lines.append(json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
    return lines


def _read(batch: Batch, cursor: str) -> _Place:
    if not cursor:
        return _START
    place = decode_token(_KIND, batch.id, cursor)
    if not isinstance(place, list) or len(place) != 3:
        raise malformed("cursor")
    read = _Place(*(number(part, field="cursor") for part in place))
    if read.index >= batch.spec.size:
        raise malformed("cursor")
    return read


def _write(batch: Batch, place: _Place) -> str:
    return encode_token(_KIND, batch.id, [place.index, place.last_seq, place.skip])
