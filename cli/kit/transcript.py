"""Prints transcripts: messages by speaker, tool calls indented."""

import json
from typing import Any

from google.protobuf.json_format import MessageToDict
from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cli.kit.render import COLOURS, fault
from greenroom.type.v1.event_pb2 import Ended, Event, PersonaFlag, PersonaThoughts

_SPEAKERS = {"user": "bold magenta", "agent": "bold blue"}
_VALUE_CHARACTERS = 400


def line(event: Event) -> Group | Table | Padding | Text | None:
    """The event as it is printed; None if it is not printed."""
    style = "dim" if event.copied else ""
    kind = event.WhichOneof("kind")
    if kind == "user_message":
        said = event.user_message.text or ("(says nothing)" if event.user_message.silent else "")
        words = _said("user", said + (" (leaves)" if event.user_message.leaves else ""), style)
        below = [_thoughts(event.thoughts)] if event.HasField("thoughts") else []
        below += [_flagged(event)] if event.persona_flags else []
        return Group(words, *map(_indented, below))
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
    """The event in one line, for the progress display; empty if it has no words."""
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


def _thoughts(thoughts: PersonaThoughts) -> Text:
    feels = PersonaThoughts.Sentiment.Name(thoughts.sentiment).removeprefix("SENTIMENT_").lower()
    return Text(f"({feels}, {thoughts.likely_to_convert}% likely: {thoughts.reasoning})", "dim italic")


def _flagged(event: Event) -> Text:
    flags = [PersonaFlag.Name(flag).removeprefix("PERSONA_FLAG_").lower() for flag in event.persona_flags]
    return Text(f"flagged: {', '.join(flags).replace('_', ' ')}", "yellow")


def _said(speaker: str, words: str, style: str) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(width=6, no_wrap=True)
    grid.add_column(overflow="fold")
    grid.add_row(Text(speaker, style or _SPEAKERS[speaker]), Text(words, style))
    return grid


def _indented(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 9), expand=False)


def _json(value: Any) -> str:
    written = json.dumps(whole(value), ensure_ascii=False, sort_keys=True)
    return written if len(written) <= _VALUE_CHARACTERS else written[: _VALUE_CHARACTERS - 1] + "…"


def whole(value: Any) -> Any:
    """The value with integers for whole floats, because a Struct has only floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [whole(item) for item in value]
    if isinstance(value, dict):
        return {key: whole(item) for key, item in value.items()}
    return value
