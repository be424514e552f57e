"""Reads what is evaluated from the synthesizer: batches, sources, conversations, and revisions of procedures."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Protocol

from google.protobuf.json_format import MessageToDict, ParseDict

from greenroom.synthesizer.v1 import (
    batch_pb2,
    batch_pb2_grpc,
    conversation_pb2,
    conversation_pb2_grpc,
    procedure_pb2,
    procedure_pb2_grpc,
    source_pb2,
    source_pb2_grpc,
)
from services.evaluator.evaluations.errors import ConversationNotOver, NothingToEvaluate, TooManySources
from services.evaluator.evaluations.model import EvaluationSpec, Line, Lines, Revisions
from shared.auth import Caller
from shared.limits import MIB
from shared.lru import LruCache
from shared.rpc.peers import Peer, Peers, PeerUnavailable

WAIT_SECONDS = 2.0
"""How long a read waits for a conversation to end."""
_SILENT_SECONDS = 60.0
"""How long the synthesizer may take to write conversations that are over."""
MOST_SOURCES = 100_000
"""The most sources of an evaluation."""
_LINES = 50
"""The most conversations that are read at once by name, and sources."""
_PAGE = 1000
_CALLS = 16
"""How many calls about conversations run at once."""

State = conversation_pb2.Conversation.State
_OVER = (State.STATE_COMPLETED, State.STATE_FAILED, State.STATE_CANCELLED)


class _Chunk(Protocol):
    chunk: bytes
    cursor: str


class SynthesizerSubjects:
    """The subjects, read from the synthesizer."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers
        self._revisions = LruCache[tuple[Caller, str, int], bytes](256)

    def check(self) -> None:
        self._peers.check()

    async def revisions(self, starter: Caller, spec: EvaluationSpec) -> Revisions | None:
        peer = self._peer(starter)
        if spec.batch:
            return await _of_batch(peer, spec.batch)
        if spec.sources is not None:
            return await _of_sources(peer, _filter(spec))
        return await _of_conversations(peer, spec.conversations)

    async def revision(self, starter: Caller, procedure: str, number: int) -> bytes:
        key = starter, procedure, number
        if (found := self._revisions.get(key)) is None:
            peer = self._peer(starter)
            request = procedure_pb2.GetProcedureRequest(name=procedure, revision=number)
            answer = await peer.unary(procedure_pb2_grpc.ProcedureServiceStub(peer.channel).GetProcedure, request)
            found = _json(answer.revision)
            if answer.revision.state == procedure_pb2.Revision.STATE_READY:
                self._revisions.put(key, found)
        return found

    async def read(self, starter: Caller, spec: EvaluationSpec, position: str) -> Lines:
        peer = self._peer(starter)
        if spec.batch:
            return await _follow(peer, spec.batch, position)
        if spec.sources is not None:
            return await _sources(peer, _filter(spec), position)
        return await _conversations(peer, spec.conversations, position)

    def _peer(self, starter: Caller) -> Peer:
        return self._peers.of("synthesizer", starter)


async def _of_batch(peer: Peer, name: str) -> Revisions:
    stub = batch_pb2_grpc.BatchServiceStub(peer.channel)
    batch = (await peer.unary(stub.GetBatch, batch_pb2.GetBatchRequest(name=name))).batch
    if not any(count for _, count in batch.counts.ListFields()):
        raise NothingToEvaluate(subject=name)
    spec = batch.spec.conversation
    if not batch.spec.linked_revisions:
        return frozenset({(spec.procedure, spec.revision)} if spec.procedure else ())
    request, found = batch_pb2.ListBatchResultsRequest(batch=name, page_size=_PAGE), set[tuple[str, int]]()
    while True:
        page = await peer.unary(stub.ListBatchResults, request)
        found |= {(row.procedure, row.revision) for row in page.results if row.procedure}
        if not page.next_page_token:
            return frozenset(found)
        request.page_token = page.next_page_token


async def _follow(peer: Peer, batch: str, position: str) -> Lines:
    """The conversations that ended after a position, which is a cursor."""
    stub = batch_pb2_grpc.BatchServiceStub(peer.channel)
    request = batch_pb2.ExportTranscriptsRequest(batch=batch, cursor=position, follow=True)
    held, idle = bytearray(), False
    clock = asyncio.get_running_loop().time
    try:
        async with (
            asyncio.timeout(_SILENT_SECONDS) as waiting,
            aclosing(peer.stream(stub.ExportTranscripts, request)) as messages,
        ):
            async for message in messages:
                held += message.chunk
                if held.endswith(b"\n"):
                    return Lines([Line(line) for line in bytes(held).split(b"\n")[:-1]], message.cursor)
                # A chunk without bytes says that nothing has ended yet. Without it conversations are on their way.
                idle = not held
                waiting.reschedule(clock() + (WAIT_SECONDS if idle else _SILENT_SECONDS))
            return Lines(position=position, over=True)
    except TimeoutError:
        if not idle:
            raise PeerUnavailable(peer=peer.name) from None
        return Lines(position=position)


def _filter(spec: EvaluationSpec) -> source_pb2.SourceFilter:
    wanted = ParseDict(dict(spec.sources or {}), source_pb2.SourceFilter())
    wanted.finished = True
    return wanted


async def _of_sources(peer: Peer, wanted: source_pb2.SourceFilter) -> Revisions | None:
    request = source_pb2.ListSourcesRequest(filter=wanted, page_size=_PAGE)
    page = await peer.unary(source_pb2_grpc.SourceServiceStub(peer.channel).ListSources, request)
    if not page.sources:
        raise NothingToEvaluate(subject="the filter of sources")
    if page.next_page_token:
        return None
    return frozenset((one.procedure, one.revision) for one in page.sources if one.procedure)


async def _sources(peer: Peer, wanted: source_pb2.SourceFilter, position: str) -> Lines:
    """The sources after a position: a cursor, bytes to skip after it, and the number of sources before."""
    stub = source_pb2_grpc.SourceServiceStub(peer.channel)
    cursor, skip, count = json.loads(position or '["", 0, 0]')
    request = source_pb2.ExportSourcesRequest(filter=wanted, cursor=cursor)
    async with aclosing(peer.stream(stub.ExportSources, request)) as messages:
        held, over, ends = await _held(messages, skip)
    lines = held[skip:].split(b"\n")[:-1][:_LINES]
    if count + len(lines) > MOST_SOURCES:
        raise TooManySources(most=f"{MOST_SOURCES:,}")
    used = skip + sum(len(line) + 1 for line in lines)
    before = max((end for end in ends if end[0] <= used), default=(0, cursor))
    after = json.dumps([before[1], used - before[0], count + len(lines)])
    return Lines(await _named(stub, peer, lines), after, over and used == len(held))


async def _held(messages: AsyncGenerator[_Chunk, None], skip: int) -> tuple[bytes, bool, list[tuple[int, str]]]:
    """(bytes with a whole line after `skip`, True if these are all, the cursor after each chunk by its end)"""
    held, ends = bytearray(), list[tuple[int, str]]()
    async for message in messages:
        held += message.chunk
        ends.append((len(held), message.cursor))
        if held.rfind(b"\n") >= skip:
            return bytes(held), False, ends
    return bytes(held), True, ends


async def _named(stub: source_pb2_grpc.SourceServiceStub, peer: Peer, lines: Sequence[bytes]) -> list[Line]:
    """The lines with the names and revisions of their sources, which an export does not have."""
    if not lines:
        return []
    ids = [json.loads(line)["external_id"] for line in lines]
    request = source_pb2.ListSourcesRequest(filter=source_pb2.SourceFilter(external_ids=ids), page_size=_PAGE)
    found = {one.external_id: one for one in (await peer.unary(stub.ListSources, request)).sources}
    return [
        Line(line, found[own].name, found[own].procedure, found[own].revision)
        for own, line in zip(ids, lines, strict=True)
        if own in found
    ]


async def _of_conversations(peer: Peer, names: Sequence[str]) -> Revisions:
    slots = asyncio.Semaphore(_CALLS)

    async def look(name: str) -> tuple[str, int]:
        async with slots:
            conversation = await _conversation(peer, name)
        return conversation.spec.procedure, conversation.spec.revision

    return frozenset(found for found in await asyncio.gather(*map(look, names)) if found[0])


async def _conversation(peer: Peer, name: str) -> conversation_pb2.Conversation:
    stub = conversation_pb2_grpc.ConversationServiceStub(peer.channel)
    request = conversation_pb2.GetConversationRequest(name=name)
    conversation = (await peer.unary(stub.GetConversation, request)).conversation
    if conversation.state not in _OVER:
        raise ConversationNotOver(name=name)
    return conversation


async def _conversations(peer: Peer, names: Sequence[str], position: str) -> Lines:
    """The conversations after a position, which is how many come before it."""
    start = int(position or 0)
    end = min(start + _LINES, len(names))
    lines = list[Line]()
    for name in names[start:end]:
        lines.append(Line(await _transcript(peer, name)))
        if sum(len(line.transcript) for line in lines) > MIB:
            break
    end = start + len(lines)
    return Lines(lines, str(end), over=end == len(names))


async def _transcript(peer: Peer, name: str) -> bytes:
    """The conversation as a line of an export."""
    stub = conversation_pb2_grpc.ConversationServiceStub(peer.channel)
    conversation, events = await _conversation(peer, name), []
    request = conversation_pb2.ListEventsRequest(conversation=name, page_size=_PAGE)
    while True:
        page = await peer.unary(stub.ListEvents, request)
        events += [MessageToDict(event, preserving_proto_field_name=True) for event in page.events]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    return b'{"conversation":%b,"events":%b}' % (_json(conversation), _dumped(events))


def _json(message: Any) -> bytes:
    return _dumped(MessageToDict(message, preserving_proto_field_name=True))


def _dumped(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
