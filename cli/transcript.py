"""Transcripts for people: who said what, with tool calls indented between."""

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.render import COLOURS, fault
from greenroom.type.v1.event_pb2 import Ended, Event

_SPEAKERS = {"user": "bold magenta", "agent": "bold blue"}
_VALUE_CHARACTERS = 400


def line(event: Event) -> Table | Padding | Text | None:
    """What is shown of event; None for what people need not see."""
    style = "dim" if event.copied else ""
    kind = event.WhichOneof("kind")
    if kind == "user_message":
        said = event.user_message.text or ("(says nothing)" if event.user_message.silent else "")
        return _said("user", said + (" (leaves)" if event.user_message.leaves else ""), style)
    if kind == "agent_message":
        return _said("agent", event.agent_message.text, style)
    if kind == "tool_call":
        arguments = MessageToDict(event.tool_call.arguments)
        given = ", ".join(f"{name}={_json(value)}" for name, value in sorted(arguments.items()))
        return _indented(Text(f"→ {event.tool_call.tool}({given})", style or "cyan"))
    if kind == "tool_result":
        answer = event.tool_result.answer
        if answer.HasField("error"):
            return _indented(Text(f"← {answer.error.code}: {answer.error.message}", style or "red"))
        return _indented(Text(f"← {_json(MessageToDict(answer.value))}", style or "cyan"))
    if kind == "waited":
        return _indented(Text(f"waited until {event.waited.until.ToDatetime():%a %H:%M}", "dim"))
    if kind == "attempt_started" and event.attempt_started.attempt > 1:
        return Text(f"— attempt {event.attempt_started.attempt} —", "yellow")
    if kind == "ended":
        return ending(event.ended, event.turn)
    return None


def spoken(event: Event) -> str:
    """One line of what event says, for a progress display; empty when it says nothing."""
    kind = event.WhichOneof("kind")
    if kind == "user_message":
        return f"user: {event.user_message.text or '(says nothing)'}"
    if kind == "agent_message":
        return f"agent: {event.agent_message.text}"
    if kind == "tool_call":
        return f"agent → {event.tool_call.tool}"
    return ""


def ending(ended: Ended, turns: int) -> Text:
    """How a conversation ended, in one line."""
    outcome = Ended.Outcome.Name(ended.outcome).removeprefix("OUTCOME_").lower()
    text = Text.assemble((outcome, COLOURS.get(outcome, "")), f" after {turns} {'turn' if turns == 1 else 'turns'}: ")
    blame = f" ({fault(ended.fault)})" if ended.fault else ""
    return text.append(f"{ended.reason}{blame}" + (f", {ended.detail}" if ended.detail else ""))


def _said(speaker: str, words: str, style: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(speaker, style or _SPEAKERS[speaker]), Text(words, style))
    return grid


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 9), expand=False)


def _json(value: Any) -> str:
    written = json.dumps(_whole(value), ensure_ascii=False, sort_keys=True)
    return written if len(written) <= _VALUE_CHARACTERS else written[: _VALUE_CHARACTERS - 1] + "…"


def _whole(value: Any) -> Any:
    """value with whole numbers written as such: a Struct knows only floating ones."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_whole(item) for item in value]
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    return value
