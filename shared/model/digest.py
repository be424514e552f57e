"""The digest of a transcript. Equal transcripts have equal digests."""

import json
from collections.abc import Iterable
from hashlib import sha256

from shared.model.events import AgentMessage, Event, ToolCall, ToolResult, UserMessage, Waited, body_json

_ROLES = {UserMessage: "user", AgentMessage: "agent", ToolCall: "agent", ToolResult: "tool", Waited: "agent"}

_canonical = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode


def transcript_digest(events: Iterable[Event]) -> str:
    """SHA-256 in hex over one line of canonical JSON per event: role, kind, text, tool calls, virtual time.

    Ids, wall times, attempts and usage are left out, so a crash and a resume do not change the digest.
    """
    digest = sha256()
    for event in events:
        role = _ROLES.get(type(event.body))
        if role is None:
            continue
        line = {"role": role, "kind": event.body.kind, "at": event.at, **body_json(event.body)}
        digest.update(_canonical(line).encode() + b"\n")
    return digest.hexdigest()
