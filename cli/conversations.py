"""greenroom conversations"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli import specs
from cli.commands import FAILED, OK, USAGE, Failed, Json, Limit, Yes, command, confirmed, first, named, naming, noun
from cli.render import Rows, console, facts, print_json, say_it_goes_on, short, state, when
from cli.transcript import ending, line
from greenroom.client import Client, Watch
from greenroom.synthesizer.v1.conversation_pb2 import (
    Conversation,
    ConversationFilter,
    ConversationSpec,
    ConversationType,
)
from greenroom.type.v1.event_pb2 import AgentMessage, Event, UserMessage

app = noun("Test conversations: a persona talks to the agent under test, or you append the events.")

Name = Annotated[str, named("conversations")]


@command(app, "start")
async def start(
    client: Client,
    file: Annotated[Path | None, typer.Argument(help="YAML with the fields of ConversationSpec.")] = None,
    procedure: Annotated[str | None, naming("procedures", "What the agent must do.")] = None,
    source: Annotated[str | None, naming("sources", "What it starts from; none: the persona opens.")] = None,
    persona: Annotated[str | None, naming("personas", "Who plays the user.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="synthetic or manual.")] = None,
    max_turns: Annotated[int | None, typer.Option(min=1, max=200, help="Steps of the persona at most; 20.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same transcript, with the offline model.")] = None,
    model: Annotated[str | None, typer.Option(help="The model that plays; none: the server's default.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Your own id for it.")] = None,
    watch: Annotated[bool, typer.Option(help="Show each turn as it happens; --no-watch returns at once.")] = True,
    json: Json = False,
) -> int:
    """Start a conversation from a YAML file, from options, or from both; options win.

    Interrupting the watch leaves the conversation running.
    """
    spec = specs.read(file, ConversationSpec()) if file else ConversationSpec()
    given = {
        "procedure": procedure,
        "source": source,
        "persona": persona,
        "type": kind,
        "max_turns": max_turns,
        "seed": seed,
        "model": model,
        "external_id": external_id,
    }
    specs.filled({key: value for key, value in given.items() if value is not None}, spec, "the options")
    made = await client.conversations.start(spec, create_only=watch)
    if not watch or made.state == Conversation.STATE_OPEN:
        _print(made, json)
        return OK
    async with client.conversations.watch(made.name) as events:
        await client.conversations.run(made.name)
        return await _follow(events, made.name, json)


@command(app, "run")
async def run(client: Client, name: Name, json: Json = False) -> None:
    """Let a conversation run that was created only."""
    _print(await client.conversations.run(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show each turn as it happens, from the first, until the conversation is over."""
    async with client.conversations.watch(name) as events:
        return await _follow(events, name, json)


@command(app, "list")
async def list_(
    client: Client,
    state_: Annotated[str, typer.Option("--state", help="Only in this state, such as failed.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Only synthetic or manual ones.")] = "",
    batch: Annotated[str, naming("batches", "Only of this batch.")] = "",
    procedure: Annotated[str, naming("procedures", "Only of this procedure.")] = "",
    source: Annotated[str, naming("sources", "Only from this source.")] = "",
    external_id: Annotated[str, typer.Option(help="Only with this id of yours.")] = "",
    limit: Limit = 50,
    json: Json = False,
) -> None:
    """List the conversations, oldest first."""
    given = {
        "state": state_,
        "type": kind,
        "batch": batch,
        "procedure": procedure,
        "source": source,
        "external_id": external_id,
    }
    wanted = specs.filled({key: value for key, value in given.items() if value}, ConversationFilter(), "the options")
    rows = Rows("CONVERSATION", "STATE", "TURNS", "WHY", "PERSONA", shorten=["WHY", "PERSONA"])
    async for one in first(client.conversations.list(wanted), limit):
        if json:
            print_json(one)
        rows.add(short(one.name), state(one), str(one.turns), one.ended.reason, one.persona.display_name)
    if not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one conversation without its events."""
    _print(await client.conversations.get(name), json)


@command(app, "transcript")
async def transcript(client: Client, name: Name, json: Json = False) -> None:
    """Print what was said and done so far. What was copied from the source is dim."""
    out = console()
    async for event in client.conversations.events(name):
        if json:
            print_json(event)
        elif (shown := line(event)) is not None:
            out.print(shown)


@command(app, "append")
async def append(
    client: Client,
    name: Name,
    user: Annotated[str, typer.Option(help="What the user says.")] = "",
    agent: Annotated[str, typer.Option(help="What the agent says.")] = "",
) -> None:
    """Append what was said to a manual conversation: the user first if both spoke."""
    events = [Event(user_message=UserMessage(text=user))] if user else []
    events += [Event(agent_message=AgentMessage(text=agent))] if agent else []
    if not events:
        raise Failed("Say what to append with --user or --agent.", USAGE)
    stored = await client.conversations.append(name, events)
    console().print(f"{name} has {stored[-1].seq} events.")


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Cancel a conversation."""
    _print(await client.conversations.cancel(name), json)


@command(app, "retry")
async def retry(client: Client, name: Name, json: Json = False) -> None:
    """Resume a failed conversation at the step that failed."""
    _print(await client.conversations.retry(name), json)


@command(app, "finish")
async def finish(client: Client, name: Name, json: Json = False) -> None:
    """Complete a manual conversation at once, a synthetic one at its next event."""
    _print(await client.conversations.finish(name), json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a finished conversation with its events, for good."""
    confirmed(f"Delete {name} for good?", yes)
    await client.conversations.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(watch: Watch[Event, Conversation], name: str, json: bool) -> int:
    out = console()
    try:
        async for event in watch:
            if json:
                print_json(event)
            elif (shown := line(event)) is not None:
                out.print(shown)
    except BaseException:
        say_it_goes_on(name)
        raise
    assert watch.summary is not None
    return OK if watch.summary.state == Conversation.STATE_COMPLETED else FAILED


def _print(conversation: Conversation, json: bool) -> None:
    if json:
        print_json(conversation)
        return
    spec = conversation.spec
    played = spec.type != ConversationType.CONVERSATION_TYPE_MANUAL
    rows: list[tuple[str, str | Text]] = [
        ("name", conversation.name),
        ("state", state(conversation)),
        ("ended", ending(conversation.ended, conversation.turns) if conversation.HasField("ended") else ""),
        ("turns", f"{conversation.turns} of {spec.max_turns}" if played else str(conversation.turns)),
        ("persona", conversation.persona.display_name),
        ("procedure", f"{spec.procedure} revision {spec.revision}" if spec.procedure else ""),
        ("source", spec.source),
        ("batch", f"{conversation.batch}, number {conversation.index}" if conversation.batch else ""),
        ("external id", spec.external_id),
        ("model", spec.model if played else ""),
        ("seed", str(spec.seed) if played else ""),
        ("events", str(conversation.last_seq)),
        ("model calls", str(conversation.usage.model_calls) if played else ""),
        ("digest", conversation.digest),
        ("created", when(conversation.create_time)),
        ("over", when(conversation.end_time)),
    ]
    console().print(facts(*rows))
