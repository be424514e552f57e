"""Exports the transcripts of a batch as JSONL in chunks. A reader resumes after any chunk."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from services.synthesizer.batches.messages import Transcript, transcript_lines
from services.synthesizer.batches.model import Batch
from services.synthesizer.batches.store import BatchStore
from services.synthesizer.conversations.messages import conversation_message
from services.synthesizer.conversations.model import OVER, Conversation
from services.synthesizer.conversations.store.conversations import ConversationStore
from shared.compute import Compute
from shared.rpc.cursors import CursorExpired, decode_token, encode_token, malformed, number

CHUNK_BYTES = 1 << 20
_CONVERSATIONS_AT_ONCE = 25
_KIND = "batches.export"


@dataclass(frozen=True, slots=True)
class _Cursor:
    """How far a reader has read: `skip` bytes of the line of the conversation at `index`.

    last_seq: of that conversation. If it has changed since, the line has changed too.
    """

    index: int
    last_seq: int
    skip: int


_START = _Cursor(0, 0, 0)


class Export:
    """Reads transcripts. Worker processes convert them to JSON."""

    def __init__(self, batches: BatchStore, conversations: ConversationStore, compute: Compute) -> None:
        self._batches = batches
        self._conversations = conversations
        self._compute = compute

    async def chunks(self, batch: Batch, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """Chunks of up to CHUNK_BYTES, each with the cursor that continues after it.

        Raises CursorMalformed, CursorForeign, and CursorExpired if the line that was cut has changed since.
        """
        after = _read(batch, cursor)
        held, reached = b"", after
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
                yield chunk, _write(batch, _Cursor(conversation.index, conversation.last_seq, end - len(held)))
            reached = _Cursor(conversation.index, conversation.last_seq, end)
        if after.skip:
            raise CursorExpired
        if held:
            yield held, _write(batch, reached)

    async def _lines(self, batch: Batch, index: int) -> AsyncIterator[tuple[Conversation, bytes]]:
        """The conversations that are over, from `index` on, with their lines."""
        after = index - 1
        while True:
            found = await self._batches.conversations(batch, after, _CONVERSATIONS_AT_ONCE, OVER)
            if not found:
                return
            transcripts: list[Transcript] = []
            for conversation in found:
                stored = await self._conversations.stored_events(conversation, 0, conversation.last_seq)
                message = conversation_message(conversation).SerializeToString()
                transcripts.append((message, [(event.payload, event.create_time) for event in stored]))
            lines = await self._compute.run(transcript_lines, transcripts)
            for conversation, line in zip(found, lines, strict=True):
                yield conversation, line
            after = found[-1].index


def _read(batch: Batch, cursor: str) -> _Cursor:
    if not cursor:
        return _START
    position = decode_token(_KIND, batch.id, cursor)
    if not isinstance(position, list) or len(position) != 3:
        raise malformed("cursor")
    read = _Cursor(*(number(part, field="cursor") for part in position))
    if read.index >= batch.spec.size:
        raise malformed("cursor")
    return read


def _write(batch: Batch, cursor: _Cursor) -> str:
    return encode_token(_KIND, batch.id, [cursor.index, cursor.last_seq, cursor.skip])
