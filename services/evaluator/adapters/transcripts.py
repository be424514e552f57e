"""Reads transcripts from the synthesizer."""

import json
from typing import assert_never

from greenroom.synthesizer.v1 import conversation_pb2, conversation_pb2_grpc, source_pb2, source_pb2_grpc
from greenroom.type.v1 import event_pb2
from services.evaluator.reports.transcripts import Kind, Line
from shared.auth import Caller
from shared.errors import NotFound, PermissionDenied
from shared.model.events import (
    AgentMessage,
    AttemptStarted,
    Ended,
    Json,
    Opened,
    ToolCall,
    ToolResult,
    UserMessage,
    Waited,
)
from shared.rpc.events import event_body
from shared.rpc.peers import Peer, Peers

_PAGE = 1000
MOST = 5000
"""The most events of a transcript that are read."""


class TranscriptReader:
    """Reads the transcripts of conversations and sources."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def lines(self, caller: Caller, name: str) -> list[Line] | None:
        """The events of `conversations/…` or `sources/…` as lines; None if it is gone or not the caller's to read.

        Raises PeerUnavailable.
        """
        peer = self._peers.of("synthesizer", caller)
        read = _source_page if name.startswith("sources/") else _conversation_page
        lines: list[Line] = []
        token = ""
        try:
            while True:
                events, token = await read(peer, name, token)
                lines += [line for number, event in enumerate(events, len(lines) + 1) if (line := _line(event, number))]
                if not token or len(lines) >= MOST:
                    return lines
        except (NotFound, PermissionDenied):
            return None


async def _conversation_page(peer: Peer, name: str, token: str) -> tuple[list[event_pb2.Event], str]:
    request = conversation_pb2.ListEventsRequest(conversation=name, page_size=_PAGE, page_token=token)
    answer = await peer.unary(conversation_pb2_grpc.ConversationServiceStub(peer.channel).ListEvents, request)
    return list(answer.events), answer.next_page_token


async def _source_page(peer: Peer, name: str, token: str) -> tuple[list[event_pb2.Event], str]:
    request = source_pb2.ListSourceEventsRequest(source=name, page_size=_PAGE, page_token=token)
    answer = await peer.unary(source_pb2_grpc.SourceServiceStub(peer.channel).ListSourceEvents, request)
    return list(answer.events), answer.next_page_token


def _line(event: event_pb2.Event, number: int) -> Line | None:
    """The event as a line; None if it shows nothing."""
    kind, text = _shown(event)
    return Line(event.seq or number, kind, text, event.copied) if text else None


def _shown(event: event_pb2.Event) -> tuple[Kind, str]:
    body = event_body(event)
    match body:
        case None | Opened():
            return Kind.NOTE, ""
        case UserMessage(text, silent, leaves):
            said = text or ("(says nothing)" if silent else "")
            return Kind.USER, f"{said} (leaves)".strip() if leaves else said
        case AgentMessage(text):
            return Kind.AGENT, text
        case ToolCall(_, tool, arguments):
            given = ", ".join(f"{name}={_json(value)}" for name, value in arguments.items())
            return Kind.CALL, f"{tool}({given})"
        case ToolResult(_, _, answer) if answer.error is not None:
            return Kind.ERROR, f"{answer.error.code}: {answer.error.message}".removesuffix(": ")
        case ToolResult(_, _, answer):
            return Kind.ANSWER, _json(answer.value)
        case Waited():
            return Kind.NOTE, f"waited until {event.waited.until.ToDatetime():%a %-d %B %Y, %H:%M}"
        case AttemptStarted(attempt):
            return Kind.NOTE, f"attempt {attempt}" if attempt > 1 else ""
        case Ended(outcome, reason, detail, fault):
            said = ", ".join(filter(None, [outcome.lower(), reason, fault and f"fault: {fault.lower()}", detail]))
            return Kind.NOTE, said
        case _:
            assert_never(body)


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)
