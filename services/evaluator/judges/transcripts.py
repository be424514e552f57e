"""Transcripts as a judge reads them, from lines of an export. Runs in worker processes."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from services.evaluator.evaluations.model import Line
from services.evaluator.judges.model import Dialogue, Turn

_MOST = 8_000
"""The most characters of a turn that a judge reads."""


def dialogues(lines: Sequence[Line]) -> list[Dialogue]:
    """The transcript in each line."""
    return [_dialogue(line) for line in lines]


def _dialogue(line: Line) -> Dialogue:
    record = json.loads(line.transcript)
    conversation = record.get("conversation", {})
    events = enumerate(record.get("events", ()), 1)
    turns = tuple(
        Turn(int(event.get("seq", number)), who, _cut(text))
        for number, event in events
        for who, text in [_shown(event)]
        if text
    )
    return Dialogue(line.name or conversation.get("name", ""), conversation.get("index", 0), turns)


def _shown(event: Mapping[str, Any]) -> tuple[str, str]:
    """(who, what) of an event; what is "" if it shows nothing."""
    if "user_message" in event:
        return "customer", event["user_message"].get("text", "") or "(says nothing)"
    if "agent_message" in event:
        return "agent", event["agent_message"].get("text", "")
    if "tool_call" in event:
        call = event["tool_call"]
        return "agent calls a tool", f"{call.get('tool', '')} {_json(call.get('arguments', {}))}"
    if "tool_result" in event:
        answer = event["tool_result"].get("answer", {})
        return "tool answers", _json(answer.get("error") or answer.get("value"))
    return "", ""


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _cut(text: str) -> str:
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"
