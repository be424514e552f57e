"""A model that replies from a test's script, and the resources of a rehearsal: a procedure, sources, personas."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1 import conversation_pb2, procedure_pb2
from greenroom.type.v1.event_pb2 import Event
from shared.llm.base import ChatReply, ChatRequest, ModelRefused, ToolRequest
from shared.llm.briefs import PersonaBrief
from shared.llm.builtin_tools import END_CONVERSATION
from shared.llm.persona_reply import PersonaReply, written
from shared.model.events import Sentiment, Thoughts, Usage
from tests.suite import Suite, suite

State = conversation_pb2.Conversation.State
COST = Usage(1, 10, 5)
"""The usage of each scripted reply."""


def says(text: str, fixed: bool = False) -> ChatReply:
    """Say this. fixed: as a model that would say it again."""
    return ChatReply(text, usage=COST, fixed=fixed)


def calls(tool: str, **arguments: Any) -> ChatReply:
    """Call this tool."""
    return ChatReply(calls=(ToolRequest(tool, arguments),), usage=COST)


class Answer(ChatReply):
    """The answer of a persona's model, word for word."""


def answers(text: str) -> Answer:
    """The persona's model answers with this text, which should be JSON."""
    return Answer(text, usage=COST)


def leaves(text: str = "") -> Answer:
    """The persona leaves."""
    return answers(persona_json(text, leaves=True))


def stays_silent() -> Answer:
    """The persona does not answer."""
    return answers(persona_json(""))


def persona_json(text: str, reasoning: str = "So it goes.", leaves: bool = False) -> str:
    """A persona's reply as its model writes it."""
    return written(PersonaReply(text, Thoughts(reasoning, Sentiment.NEUTRAL, 50), leaves))


def ends(text: str = "") -> ChatReply:
    """The agent ends the conversation."""
    return calls(END_CONVERSATION.name, text=text)


def refuses() -> ModelRefused:
    """The model refuses this call."""
    return ModelRefused(model="scripted", why="it was told to")


@dataclass(eq=False)
class Held:
    """A call that hangs until it is released, which gives the reply, or cancelled.

    begun: set once the call is under way. aborted: set when it was cancelled.
    """

    reply: ChatReply = field(default_factory=lambda: says("At last."))
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    aborted: asyncio.Event = field(default_factory=asyncio.Event)
    released: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(self) -> ChatReply:
        """Hang."""
        self.begun.set()
        try:
            await self.released.wait()
        except asyncio.CancelledError:
            self.aborted.set()
            raise
        return self.reply


Line = ChatReply | Exception | Held
HELLO = (says("Hello."), leaves("Bye."))
HI = (says("How can I help?"),)


@dataclass
class Script:
    """The replies of persona and agent; the last one repeats. Each conversation begins at the first.

    What the persona says becomes JSON.
    """

    persona: Sequence[Line] = HELLO
    agent: Sequence[Line] = HI
    by_index: Mapping[int, "Script"] = field(default_factory=dict)
    asked: list[ChatRequest] = field(default_factory=list)
    _next: dict[tuple[int, str], int] = field(default_factory=dict)

    async def answer(self, request: ChatRequest) -> ChatReply:
        """The next line."""
        self.asked.append(request)
        script = self.by_index.get(request.index, self)
        role = "persona" if isinstance(request.brief, PersonaBrief) else "agent"
        lines = script.persona if role == "persona" else script.agent
        place = self._next.get((request.index, role), 0)
        self._next[request.index, role] = place + 1
        line = lines[min(place, len(lines) - 1)]
        if isinstance(line, Exception):
            raise line
        reply = await line.answer() if isinstance(line, Held) else line
        if role == "agent" or reply.calls or isinstance(reply, Answer):
            return reply
        return replace(reply, text=persona_json(reply.text))


class ScriptedModel:
    """Finds the script of a conversation by its seed."""

    def __init__(self) -> None:
        self.scripts: dict[int, Script] = {}

    async def complete(self, request: ChatRequest) -> ChatReply:
        """The script's next line; without a script, a short conversation that ends."""
        return await self.scripts.setdefault(request.seed, Script()).answer(request)


TOOLS: list[dict[str, Any]] = [
    {
        "name": "find_order",
        "arguments_schema": {
            "type": "object",
            "properties": {"order": {"type": "string"}},
            "required": ["order"],
            "additionalProperties": False,
        },
        "result_schema": {"type": "object"},
    },
    {"name": "refund"},
]


def procedure_line(external_id: str, tools: Sequence[Mapping[str, Any]] = TOOLS) -> str:
    """A procedure as a line of Greenroom's own JSONL."""
    return json.dumps(
        {"external_id": external_id, "display_name": external_id, "instructions": "Help.", "tools": tools}
    )


ORDER = {"type": "order", "id": "O-7", "data": {"state": "sent"}, "appeared_after": 1}
TICKET = {"type": "ticket", "id": "T-1", "data": {}, "appeared_after": 4}


def source_line(external_id: str, **more: Any) -> str:
    """A source: a greeting, a question (a rehearsal starts here), a recorded call of find_order, an answer, thanks."""
    answer = {"value": {"state": "sent"}, "patches": [{"type": "order", "id": "O-7", "merge": {"seen": True}}]}
    events = [
        {"agent_message": {"text": "Welcome."}, "virtual_time": "2025-03-03T10:00:00Z"},
        {"user_message": {"text": "Where is my order O-7?"}},
        {"tool_call": {"call_id": "c1", "tool": "find_order", "arguments": {"order": "O-7"}}},
        {"tool_result": {"call_id": "c1", "tool": "find_order", "answer": answer}},
        {"agent_message": {"text": "It is on its way."}},
        {"user_message": {"text": "Thanks, that was all."}},
    ]
    record = {"external_id": external_id, "finished": True, "events": events, "resources": [ORDER, TICKET]}
    return json.dumps(record | more)


_seeds = count(1_000)


@dataclass
class Theatre:
    """A synthesizer whose model is scripted, with a procedure and a source.

    procedure: READY, with the tools find_order and refund. source: what source_line makes, linked to the procedure.
    """

    suite: Suite
    model: ScriptedModel
    folder: Path
    procedure: str = ""
    source: str = ""

    @property
    def client(self) -> Client:
        """The suite's client."""
        return self.suite.client

    def spec(self, script: Script | None = None, **fields: Any) -> conversation_pb2.ConversationSpec:
        """A spec for Eddie and the procedure. It has a new seed, by which the model finds the script."""
        given: dict[str, Any] = {"procedure": self.procedure, "persona": "personas/eager-eddie", "seed": next(_seeds)}
        given |= fields
        self.model.scripts[given["seed"]] = script or Script()
        return conversation_pb2.ConversationSpec(**given)

    async def over(self, name: str) -> conversation_pb2.Conversation:
        """The conversation, once it is over."""
        async with self.client.conversations.watch(name) as events:
            async for _ in events:
                pass
        assert events.summary is not None
        return events.summary

    async def play(self, script: Script | None = None, **fields: Any) -> conversation_pb2.Conversation:
        """Start a conversation and wait until it is over."""
        started = await self.client.conversations.start(self.spec(script, **fields))
        return await self.over(started.name)

    async def events(self, name: str) -> list[Event]:
        """The events of a conversation."""
        return [event async for event in self.client.conversations.events(name)]

    async def import_procedures(self, *lines: str) -> list[str]:
        """Import procedures and return their names."""
        await self.client.procedures.import_file(self._file(lines))
        return [await self._procedure(json.loads(line)["external_id"]) for line in lines]

    async def import_sources(self, *lines: str, labels: Sequence[str] = ()) -> list[str]:
        """Import sources and return their names."""
        summary = await self.client.sources.import_file(self._file(lines), labels=labels)
        assert summary.imported == len(lines), summary
        wanted = {json.loads(line)["external_id"] for line in lines}
        return [one.name async for one in self.client.sources.list() if one.external_id in wanted][::-1]

    async def draft(self, tools: Sequence[procedure_pb2.Tool] = ()) -> str:
        """A procedure whose only revision is a draft."""
        created = await self.client.procedures.create(
            procedure_pb2.Procedure(display_name="Draft"), procedure_pb2.Revision(tools=tools)
        )
        return created.procedure.name

    async def _procedure(self, external_id: str) -> str:
        [found] = [one async for one in self.client.procedures.list(external_id=external_id)]
        return found.name

    def _file(self, lines: Iterable[str]) -> Path:
        path = self.folder / "lines.jsonl"
        path.write_text("".join(line + "\n" for line in lines))
        return path


@asynccontextmanager
async def theatre(url: str, folder: Path, **settings: Any) -> AsyncIterator[Theatre]:
    """A theatre over the database at url."""
    model = ScriptedModel()
    async with suite(url, folder, model=model, **settings) as running:
        stage = Theatre(running, model, folder)
        [stage.procedure] = await stage.import_procedures(procedure_line("orders"))
        [stage.source] = await stage.import_sources(source_line("s-1", procedure="orders"))
        yield stage


def kinds(events: Iterable[Event]) -> list[str]:
    """The kind of each event."""
    return [event.WhichOneof("kind") or "" for event in events]


def texts(events: Iterable[Event]) -> list[str]:
    """The texts of the messages."""
    return [event.user_message.text or event.agent_message.text for event in events if "message" in kinds([event])[0]]


@asynccontextmanager
async def refused(code: str, reason: str) -> AsyncIterator[list[GreenroomError]]:
    """Expect that the block raises this error; yields a list that holds the error afterwards."""
    errors: list[GreenroomError] = []
    with pytest.raises(GreenroomError) as caught:
        yield errors
    errors.append(caught.value)
    assert (caught.value.code, caught.value.reason) == (code, reason), caught.value
