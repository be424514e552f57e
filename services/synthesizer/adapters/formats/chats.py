"""Builds a source from the messages of a chat: what cannot be read is left out and reported, the rest is kept."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from types import TracebackType

from services.synthesizer.adapters.formats.fields import BadLine, Fields
from services.synthesizer.adapters.formats.records import ProcedureRecord, SourceRecord
from services.synthesizer.adapters.formats.times import Moment
from services.synthesizer.imports.model import Problem
from services.synthesizer.procedures.checks import check_revision
from services.synthesizer.procedures.model import MAX_REVISION
from services.synthesizer.sources.transcripts import MINUTE, Written
from shared.model.events import (
    AgentMessage,
    Json,
    ToolAnswer,
    ToolCall,
    ToolError,
    ToolResult,
    UserMessage,
)
from shared.model.numbers import inexact
from shared.model.steps import Tool

IDS = ("external_id", "id", "conversation_id")
"""The members that may have the id of a conversation."""
MOST_MESSAGES = 10_000
MOST_INSTRUCTIONS = 100_000
"""Characters of a system text."""
MIXED_ZONES = "The conversation has times with and without a time zone; those without were read as UTC."
LONGEST = 20_000
"""Characters of a message."""


class Chat:
    """The messages of one conversation, in order.

    problems: what was left out, each with the number of the line.
    line: where the next message is. at: its time in Unix milliseconds; None for one minute after the one before.
    """

    def __init__(self, line: int) -> None:
        self.problems: list[Problem] = []
        self.line = line
        self.at: int | None = None
        self._first_line = line
        self._written = Written()
        self._timed = False
        self._zoned: set[bool] = set()
        self._instructions = ""
        self._tools: list[Tool] = []
        self._open: dict[str, list[tuple[str, str]]] = defaultdict(list)  # by id in the file: our id, and the tool

    def reading(self, what: str) -> "_Reading":
        """Report a BadLine of this part of the line; `what`, such as "message", was left out."""
        return _Reading(self, what)

    def report(self, reason: str, description: str) -> None:
        """Report something that was left out or changed."""
        self.problems.append(Problem(self.line, reason, description, partial=True))

    def set_time(self, moment: Moment | None) -> None:
        """The time of the next message; None for one minute after the one before."""
        self.at = None if moment is None else moment.at
        if moment is not None:
            if self._zoned == {not moment.zoned}:
                self.report("MIXED_TIME_ZONES", MIXED_ZONES)
            self._zoned.add(moment.zoned)

    def instruct(self, text: str, path: str) -> None:
        """Take the text for the agent's instructions. Raises BadLine if there are some already."""
        if self._instructions:
            raise BadLine("TWO_SYSTEM_TEXTS", f"{path} is a second system text; a conversation should have one.")
        self._instructions = text

    def offer(self, tool: Tool, path: str) -> None:
        """Take a tool of the agent. Raises BadLine if no procedure can have it."""
        if wrong := check_revision((), (*self._tools, tool), path=""):
            raise BadLine("INVALID_TOOL", f"{path}: {wrong[0].description}")
        self._tools.append(tool)

    def user(self, text: str) -> None:
        """The user says something."""
        self._written.say(self._time(), UserMessage, text)

    def agent(self, text: str) -> None:
        """The agent says something."""
        self._written.say(self._time(), AgentMessage, text)

    def call(self, call_id: str, tool: str, arguments: Mapping[str, Json], path: str) -> None:
        """The agent calls a tool. A call whose id an unanswered call has gets another id."""
        waiting = self._open[call_id]
        ours = call_id
        if waiting:
            ours = f"{call_id}-{len(self._written) + 1}"
            self.report(
                "CALL_ID_REPEATED",
                f"{path} has the id {call_id!r} of a call that has no result yet; the call was imported as {ours!r}.",
            )
        waiting.append((ours, tool))
        self._written.add(self._time(), ToolCall(ours, tool, arguments))

    def unanswered(self, tool: str = "") -> str:
        """The id in the file of the oldest unanswered call, of any tool or of this one; "" if there is none."""
        waiting = ((call_id, calls[0][1]) for call_id, calls in self._open.items() if calls)
        return next((call_id for call_id, its_tool in waiting if tool in ("", its_tool)), "")

    def result(self, call_id: str, value: Json, path: str, error: ToolError | None = None) -> None:
        """A tool answers the oldest unanswered call with this id: a value, or an error. Raises BadLine."""
        if not self._open[call_id]:
            named = f" {call_id!r}" if call_id else ""
            raise BadLine("NO_SUCH_CALL", f"{path} answers a call{named} that is not before it.")
        ours, tool = self._open[call_id].pop(0)
        self._written.add(self._time(), ToolResult(ours, tool, ToolAnswer(value, error)))

    def source(self, external_id: str, *, finished: bool | None) -> SourceRecord:
        """The conversation, linked to the procedure that its instructions and tools are.

        finished: None if the file does not say; without times that is finished. Raises BadLine.
        """
        if not self._written:
            why = f" {self.problems[0].description}" if self.problems else ""
            raise BadLine("NO_EVENTS", f"The conversation has no message that could be read; it should have one.{why}")
        procedure = self.procedure()
        return SourceRecord(
            external_id=external_id,
            finished=finished if self._timed else finished is not False,
            transcript=self._written,
            resources=(),
            procedure_external_id=procedure.external_id if procedure else "",
            line=self._first_line,
            procedure=procedure,
        )

    def procedure(self) -> ProcedureRecord | None:
        """The instructions and tools as a procedure, whose id is a digest of both; None if there are neither.

        Raises BadLine.
        """
        if self._tools:
            return _procedure(self._instructions, tuple(self._tools), self._first_line)
        return replace(instructed(self._instructions), line=self._first_line) if self._instructions else None

    def _time(self) -> int:
        """When the next event is."""
        before = self._written.last
        if self.at is None:
            return 0 if before is None else before + MINUTE
        self._timed = True
        return self.at if before is None else max(before, self.at)


class _Reading:
    """As `Chat.reading`; a generator for each message would take longer than the message."""

    __slots__ = ("_chat", "_what")

    def __init__(self, chat: Chat, what: str) -> None:
        self._chat = chat
        self._what = what

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if not isinstance(error, BadLine):
            return False
        self._chat.report(error.reason, f"{error.description} The {self._what} was left out.")
        return True


def _procedure(instructions: str, tools: tuple[Tool, ...], line: int) -> ProcedureRecord:
    content = [instructions, [[tool.name, tool.description, tool.arguments_schema] for tool in tools]]
    if len(json.dumps(content)) > MAX_REVISION:
        sentence = f"The system text and tools have more than {MAX_REVISION:,} bytes; make them shorter."
        raise BadLine("REVISION_TOO_LARGE", sentence)
    title = instructions.strip().partition("\n")[0] or ", ".join(tool.name for tool in tools)
    return ProcedureRecord(
        external_id=f"instructions/{digest(content)}",
        display_name=title if len(title) <= 80 else f"{title[:79]}…",
        description="",
        instructions=instructions,
        steps=(),
        tools=tools,
        line=line,
    )


@lru_cache(maxsize=8)
def instructed(instructions: str) -> ProcedureRecord:
    """The procedure with these instructions and no tools, on line 1. Often all chats of a file have the same.

    Raises BadLine.
    """
    return _procedure(instructions, (), 1)


def digest(value: Json) -> str:
    """32 hexadecimal digits; equal values have equal digests."""
    return digest_of(_sorted(value))


def digest_of(content: str) -> str:
    """The digest of a value that is this JSON, with its members in alphabetical order."""
    return sha256(content.encode()).hexdigest()[:32]


_sorted = json.JSONEncoder(sort_keys=True).encode


def external_id(fields: Fields, names: Sequence[str]) -> str:
    """The first of these members that is there, or a digest of the line, so that importing it again changes nothing."""
    for name in names:
        if isinstance(number := fields.record.get(name), int) and not isinstance(number, bool):
            return str(number)
        if text := fields.text(name, 256):
            return text
    return digest(fields.record)


def said(text: str, path: str, most: int = LONGEST) -> str:
    """The text of a message. Raises BadLine."""
    if not text.strip():
        raise BadLine("EMPTY_CONTENT", f"{path} is empty; it should be text.")
    return Fields({path: text}).text(path, most)


def result_value(text: str) -> Json:
    """What a tool returned: what the text is the JSON of, if that is an object, a list or a text, or else the text.

    A value that cannot be stored exactly stays a text.
    """
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return text if inexact(value, "") is not None else value


def arguments(value: Json, path: str) -> dict[str, Json]:
    """A call's arguments, given as an object or as the text of one. Raises BadLine."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else {}
        except (ValueError, RecursionError):
            raise BadLine("ARGUMENTS_NOT_JSON", f"{path} is not JSON; it should be the text of an object.") from None
    fields = Fields({} if value is None else value, path)
    return {name: fields.value(name) for name in fields.record}
