"""greenroom talk"""

import asyncio
import contextlib
import importlib
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from rich.text import Text

from cli.kit import specs
from cli.kit.agents import Targets
from cli.kit.models import Models
from cli.kit.names import naming, resolve_spec
from cli.kit.render import console, short
from cli.kit.replays import At, BasedOn, set_base
from cli.kit.run import INTERRUPTED, OK, USAGE, Failed, command, prompt_interrupts, refusal, verb
from cli.kit.transcript import line
from greenroom.client import Client, GreenroomError
from greenroom.synthesizer.v1.conversation_pb2 import (
    CONVERSATION_TYPE_MANUAL,
    SIDE_AGENT,
    SIDE_USER,
    Conversation,
    ConversationSpec,
)
from greenroom.synthesizer.v1.procedure_pb2 import Tool
from greenroom.type.v1.event_pb2 import AgentMessage, Event, ToolCall, UserMessage

app = verb()

_PERSONA = "personas/eager-eddie"
_COMMANDS = {
    "/tools": "show the tools",
    "/call TOOL {...}": "call a tool, as the agent",
    "/end": "end the conversation",
    "/quit": "leave; it stays open",
}


@command(app, "talk")
async def talk(
    client: Client,
    targets: Targets,
    models: Models,
    file: Annotated[Path | None, typer.Argument(help="YAML with the fields of ConversationSpec, or -.")] = None,
    resume: Annotated[str | None, naming("conversations", "Go on with this conversation.")] = None,
    as_agent: Annotated[bool, typer.Option("--as-agent", help="Play the agent; a persona plays the user.")] = False,
    procedure: Annotated[str | None, naming("procedures", "What the agent must do.")] = None,
    persona: Annotated[str | None, naming("personas", "Who the user is; Eager Eddie.")] = None,
    source: Annotated[str | None, naming("sources", "What it starts from.")] = None,
    based_on: BasedOn = None,
    at: At = None,
) -> int:
    """Talk to an agent in the terminal, or play the agent for a persona. Type /help for what else can be typed.

    What is said is stored as it is said. Ctrl-C, Ctrl-D or /quit leave the conversation open; --resume goes on with it.
    Without a terminal each line of standard input is a message.
    """
    if resume is None:
        spec = specs.read(file, ConversationSpec()) if file else ConversationSpec()
        specs.override(spec, procedure=procedure, persona=persona, source=source)
        targets.set(spec)
        models.set(spec)
        conversation = await _start(client, spec, based_on, at)
    else:
        conversation = await client.conversations.get(resume)
    return await _Talk(client, conversation, as_agent).run()


async def _start(client: Client, spec: ConversationSpec, based_on: str | None, at: int | None) -> Conversation:
    spec.type = CONVERSATION_TYPE_MANUAL
    await set_base(client, spec, based_on, at)
    if not spec.persona and not spec.HasField("based_on"):
        spec.persona = _PERSONA
    await resolve_spec(client, spec)
    return await client.conversations.start(spec)


@dataclass
class _Talk:
    """A person at the terminal. seq: of the last event that was shown."""

    client: Client
    conversation: Conversation
    as_agent: bool
    seq: int = 0
    out: Any = field(default_factory=console)

    async def run(self) -> int:
        """Show what was said, and let both speak until one ends it or the person leaves. Returns the exit status."""
        try:
            if not await self._until_over():
                self._stays_open()
            return OK
        except (KeyboardInterrupt, asyncio.CancelledError):
            self._stays_open()
            return INTERRUPTED

    async def _until_over(self) -> bool:
        """Let both speak in turns. False if the person leaves before it is over."""
        name = self.conversation.name
        asks = sys.stdin is not None and sys.stdin.isatty()
        self._introduce()
        over = False
        async for event in self.client.conversations.events(name):
            over = self._show(event) or over
        while not over:
            try:
                if await self._play():
                    return True
            except GreenroomError as error:
                self._refused(error, asks)
            said = _read(("agent> " if self.as_agent else "user> ") if asks else None)
            if said is None or said.strip() == "/quit":
                return False
            try:
                over = await self._do(said.strip(), shown=not asks)
            except (GreenroomError, Failed) as error:
                self._refused(error, asks)
        return True

    async def _play(self) -> bool:
        """Let the other side and the tools play until it is the person's turn. True if the conversation is over."""
        plays = SIDE_AGENT if self.as_agent else SIDE_USER
        while events := await self.client.conversations.play(self.conversation.name, plays=plays, after_seq=self.seq):
            if any(self._show(event) for event in events):
                return True
        return False

    async def _do(self, typed: str, *, shown: bool) -> bool:
        """Do what was typed. True if the conversation is over. Nothing typed asks the other side again."""
        name = self.conversation.name
        word, _, rest = typed.partition(" ")
        if word == "/end":
            await self.client.conversations.finish(name)
            for event in await self.client.conversations.play(name, after_seq=self.seq):
                self._show(event)
            return True
        if word == "/tools":
            await self._show_tools()
        elif word == "/call" and self.as_agent:
            await self._append(_call(rest, self.seq), shown=True)
        elif word.startswith("/"):
            for what, does in _COMMANDS.items():
                self.out.print(f"  {what:18}{does}", markup=False)
        elif typed and self.as_agent:
            await self._append(Event(agent_message=AgentMessage(text=typed)), shown=shown)
        elif typed:
            await self._append(Event(user_message=UserMessage(text=typed)), shown=shown)
        return False

    async def _append(self, event: Event, *, shown: bool) -> None:
        [stored] = await self.client.conversations.append(self.conversation.name, [event], expected_last_seq=self.seq)
        self.seq = stored.seq
        if shown:
            self._show(stored)

    def _show(self, event: Event) -> bool:
        """Print an event. True if it ends the conversation."""
        self.seq = event.seq
        if self.as_agent:
            event.ClearField("thoughts")  # An agent does not receive them.
        if (shown := line(event)) is not None:
            self.out.print(shown)
        return event.HasField("ended")

    def _introduce(self) -> None:
        persona = self.conversation.persona
        if self.as_agent:
            self.out.print(Text(f"You are the agent. {persona.display_name} is the user.", "dim"))
        else:
            goal = f" {persona.goal}" if persona.goal else ""
            self.out.print(Text(f"You are the user, as {persona.display_name}. {persona.description}{goal}", "dim"))
        self.out.print(Text(f"{self.conversation.name}; /help shows what you can type.", "dim"))

    async def _show_tools(self) -> None:
        spec = self.conversation.spec
        found = await self.client.procedures.get(spec.procedure, revision=spec.revision) if spec.procedure else None
        for tool in found.revision.tools if found else ():
            self.out.print(f"  {_signature(tool)}  {tool.description}", markup=False)
        if found is None or not found.revision.tools:
            self.out.print("  There are no tools.")

    def _refused(self, error: GreenroomError | Failed, asks: bool) -> None:
        """Tell a person what was refused, who can then try something else. Raises the error where nobody can."""
        if not asks:
            raise error
        sentence = refusal(error, "the gateway's address") if isinstance(error, GreenroomError) else str(error)
        self.out.print(sentence, style="red", markup=False)

    def _stays_open(self) -> None:
        name = self.conversation.name
        again = f"greenroom talk --resume {short(name)}{' --as-agent' if self.as_agent else ''}"
        self.out.print(f"{name} stays open.\n  {again}", soft_wrap=True)


def _signature(tool: Tool) -> str:
    arguments = MessageToDict(tool.arguments_schema).get("properties", {})
    return f"{tool.name}({', '.join(sorted(arguments))})"


def _call(typed: str, seq: int) -> Event:
    """The call of `TOOL {...}`. Raises Failed."""
    tool, _, arguments = typed.strip().partition(" ")
    event = Event(tool_call=ToolCall(call_id=f"typed-{seq + 1}", tool=tool))
    try:
        ParseDict(json.loads(arguments or "{}"), event.tool_call.arguments)
    except (ValueError, ParseError, RecursionError):
        raise Failed(f"`{arguments}` is no JSON object of arguments.", USAGE) from None
    return event


def _read(prompt: str | None) -> str | None:
    """What a person types after a prompt, or without one the next line of a pipe; None at the end.

    Raises KeyboardInterrupt for Ctrl-C.
    """
    try:
        with prompt_interrupts():
            return _line() if prompt is None else _typed(prompt)
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        raise


def _typed(prompt: str) -> str | None:
    with contextlib.suppress(ImportError):  # not on Windows
        importlib.import_module("readline")  # lets input() edit lines
    try:
        return input(prompt).encode(errors="surrogateescape").decode(errors="replace")
    except EOFError:
        sys.stdout.write("\n")
        return None


def _line() -> str | None:
    read = sys.stdin.buffer.readline() if sys.stdin is not None else b""
    return read.decode(errors="replace") if read else None
