"""Exports the transcripts of a batch as JSONL in chunks. A reader resumes after any chunk."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

from services.synthesizer.batches.messages import Transcript, transcript_lines
from services.synthesizer.batches.model import Batch
from services.synthesizer.batches.store import BatchStore
from services.synthesizer.conversations.messages import conversation_message
from services.synthesizer.conversations.model import NOT_NEEDED, OVER, Conversation
from services.synthesizer.conversations.store.conversations import ConversationStore
from shared.compute import Compute
from shared.db.topics import feed_topic
from shared.db.wakeups import Wakeups
from shared.rpc.cursors import CursorExpired, decode_token, encode_token, malformed, number
from shared.rpc.watching import read_cursor

CHUNK_BYTES = 1 << 20
_CONVERSATIONS_AT_ONCE = 25
_KIND = "batches.export"
_FOLLOWED = "batches.follow"
_GATHER_SECONDS = 0.2
"""How long a follower waits after a wake-up, so that conversations that end together are read together."""


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

    def __init__(
        self, batches: BatchStore, conversations: ConversationStore, compute: Compute, wakeups: Wakeups
    ) -> None:
        self._batches = batches
        self._conversations = conversations
        self._compute = compute
        self._wakeups = wakeups

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

    async def follow(self, batch: Batch, cursor: str) -> AsyncIterator[tuple[bytes, str]]:
        """Chunks of whole lines in the order in which conversations end, until all are over; see `chunks`.

        A line longer than CHUNK_BYTES comes in several chunks; the cursors of all but the last continue before it.
        A chunk without bytes means that nothing ended just now. Raises CursorMalformed, CursorForeign, CursorExpired.
        """
        after = read_cursor(_FOLLOWED, batch.id, cursor, await self._batches.head(batch)) if cursor else 0
        topic = feed_topic(batch.id)
        while True:
            mark, over = self._wakeups.mark(topic), await self._batches.is_over(batch)
            found = await self._batches.ended(batch, after, _CONVERSATIONS_AT_ONCE)
            if found:
                lines = await self._written([conversation for _, conversation in found])
                for chunk, position in _whole(lines, [position for position, _ in found], after):
                    yield chunk, encode_token(_FOLLOWED, batch.id, position)
                after = found[-1][0]
            elif over:
                return
            else:
                yield b"", encode_token(_FOLLOWED, batch.id, after)
                await self._wakeups.wait(topic, mark)
                await asyncio.sleep(_GATHER_SECONDS)

    async def _lines(self, batch: Batch, index: int) -> AsyncIterator[tuple[Conversation, bytes]]:
        """The conversations that are over and were needed, from `index` on, with their lines."""
        after = index - 1
        while True:
            found = await self._batches.conversations(batch, after, _CONVERSATIONS_AT_ONCE, OVER)
            if not found:
                return
            needed = [one for one in found if one.ended is None or one.ended.reason != NOT_NEEDED]
            for conversation, line in zip(needed, await self._written(needed), strict=True):
                yield conversation, line
            after = found[-1].index

    async def _written(self, some: Sequence[Conversation]) -> list[bytes]:
        """The lines of conversations that are over."""
        transcripts: list[Transcript] = []
        for conversation in some:
            stored = await self._conversations.stored_events(conversation, 0, conversation.last_seq)
            message = conversation_message(conversation).SerializeToString()
            transcripts.append((message, [(event.payload, event.create_time) for event in stored]))
        return await self._compute.run(transcript_lines, transcripts)


def _whole(lines: Sequence[bytes], positions: Sequence[int], after: int) -> Iterator[tuple[bytes, int]]:
    """The lines in chunks of up to CHUNK_BYTES, each with the position of its last whole line; first `after`."""
    held = b""
    for line, position in zip(lines, positions, strict=True):
        if held and len(held) + len(line) > CHUNK_BYTES:
            yield held, after
            held = b""
        held += line
        while len(held) > CHUNK_BYTES:
            yield held[:CHUNK_BYTES], after
            held = held[CHUNK_BYTES:]
        after = position
    if held:
        yield held, after


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
