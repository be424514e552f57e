"""greenroom conversations"""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from cli.kit import specs
from cli.kit.agents import (
    OfAgentPullRequest,
    OfPersonaAgentPullRequest,
    Previews,
    Targets,
    preview_facts,
)
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, Revision, print_list
from cli.kit.live import in_place, lost, lost_in_lines
from cli.kit.models import Models, usage_facts
from cli.kit.names import named, naming, resolve_spec
from cli.kit.recording import Recording
from cli.kit.render import Rows, console, facts, flags, print_json, repeats, say_it_goes_on, short, state, when
from cli.kit.replays import At, BasedOn, set_base
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, Yes, command, confirmed, noun
from cli.kit.transcript import ending, line
from cli.kit.waiting import WaitNotice, waiting_for
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
    targets: Targets,
    previews: Previews,
    models: Models,
    recording: Recording,
    file: Annotated[Path | None, typer.Argument(help="YAML with the fields of ConversationSpec, or -.")] = None,
    procedure: Annotated[str | None, naming("procedures", "What the agent must do.")] = None,
    source: Annotated[str | None, naming("sources", "What it starts from; none: the persona opens.")] = None,
    persona: Annotated[str | None, naming("personas", "Who plays the user.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="synthetic or manual.")] = None,
    max_turns: Annotated[int | None, typer.Option(min=1, max=200, help="Steps of the persona at most; 20.")] = None,
    seed: Annotated[int | None, typer.Option(help="Same seed, same transcript, with the offline model.")] = None,
    external_id: Annotated[str | None, typer.Option(help="Your own id for it.")] = None,
    based_on: BasedOn = None,
    at: At = None,
    watch: Annotated[bool, typer.Option(help="Show each turn as it happens; --no-watch returns at once.")] = True,
    json: Json = False,
) -> int:
    """Start a conversation from a YAML file, from options, or from both; options win, and - reads standard input.

    Interrupting the watch leaves the conversation running.
    """
    spec = specs.read(file, ConversationSpec()) if file else ConversationSpec()
    specs.override(
        spec,
        procedure=procedure,
        source=source,
        persona=persona,
        type=kind,
        max_turns=max_turns,
        seed=seed,
        external_id=external_id,
    )
    for options in (targets, previews, models, recording):
        options.set(spec)
    await resolve_spec(client, spec)
    await set_base(client, spec, based_on, at)
    made = await client.conversations.start(spec, create_only=watch)
    if not watch or made.state == Conversation.STATE_OPEN:
        _print(made, json)
        return OK
    async with client.conversations.watch(made.name) as events:
        await client.conversations.run(made.name)
        return await _follow(client, events, made.name, json)


@command(app, "run")
async def run(client: Client, name: Name, json: Json = False) -> None:
    """Start a conversation that was created without being started."""
    _print(await client.conversations.run(name), json)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show each turn as it happens, from the first, until the conversation is over."""
    async with client.conversations.watch(name) as events:
        return await _follow(client, events, name, json)


@command(app, "list")
async def list_(
    client: Client,
    state_: Annotated[str, typer.Option("--state", help="Only in this state, such as failed.")] = "",
    kind: Annotated[str, typer.Option("--type", help="Only synthetic or manual ones.")] = "",
    batch: Annotated[str, naming("batches", "Only of this batch.")] = "",
    procedure: Annotated[str, naming("procedures", "Only of this procedure.")] = "",
    revision: Revision = None,
    agent_pull_request: OfAgentPullRequest = None,
    persona_agent_pull_request: OfPersonaAgentPullRequest = None,
    source: Annotated[str, naming("sources", "Only from this source.")] = "",
    external_id: Annotated[str, typer.Option(help="Only with this id of yours.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the conversations, newest first."""
    given = {
        "state": state_,
        "type": kind,
        "batch": batch,
        "procedure": procedure,
        "revision": revision,
        "agent_pull_request": agent_pull_request,
        "persona_agent_pull_request": persona_agent_pull_request,
        "source": source,
        "external_id": external_id,
    }
    wanted = specs.filled({key: value for key, value in given.items() if value}, ConversationFilter(), "the options")
    columns = ("CONVERSATION", "STATE", "TURNS", "WHY", "PERSONA", "EXTERNAL ID")
    rows = Rows(*columns, leave_out=["PERSONA", "EXTERNAL ID"])
    await print_list(client.conversations.list(wanted), rows, _row, limit=limit, every=every, json=json)


def _row(conversation: Conversation) -> tuple[str | Text, ...]:
    ended, persona, external_id = conversation.ended, conversation.persona, conversation.spec.external_id
    name, turns = short(conversation.name), str(conversation.turns)
    return name, state(conversation), turns, ended.reason, persona.display_name, external_id


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one conversation without its events."""
    _print(await client.conversations.get(name), json)


@command(app, "transcript")
async def transcript(
    client: Client,
    name: Name,
    seq: Annotated[bool, typer.Option("--seq", help="Print the seq before each event, for --at.")] = False,
    json: Json = False,
) -> None:
    """Print the transcript so far. Events copied from the source, or from another conversation, are dim."""
    out = console()
    async for event in client.conversations.events(name):
        if json:
            print_json(event)
        elif (shown := line(event)) is not None:
            out.print(_numbered(event.seq, shown) if seq else shown)


def _numbered(seq: int, shown: RenderableType) -> Table:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(justify="right", no_wrap=True, style="dim")
    grid.add_column()
    grid.add_row(f"{seq:4}", shown)
    return grid


@command(app, "append")
async def append(
    client: Client,
    name: Name,
    user: Annotated[str, typer.Option(help="What the user says.")] = "",
    agent: Annotated[str, typer.Option(help="What the agent says.")] = "",
) -> None:
    """Append messages to a manual conversation, the user's before the agent's."""
    events = [Event(user_message=UserMessage(text=user))] if user else []
    events += [Event(agent_message=AgentMessage(text=agent))] if agent else []
    if not events:
        raise Failed("Say what to append with --user or --agent.", USAGE)
    stored = await client.conversations.append(name, events)
    console().print(f"{name} has {stored[-1].seq} events.")


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Cancel a conversation."""
    _print(await when_over(await client.conversations.cancel(name), client.conversations.get), json)


@command(app, "retry")
async def retry(client: Client, name: Name, json: Json = False) -> None:
    """Resume a failed conversation at the step that failed."""
    _print(await client.conversations.retry(name), json)


@command(app, "finish")
async def finish(client: Client, name: Name, json: Json = False) -> None:
    """Complete a manual conversation now, a synthetic one at its next event."""
    _print(await client.conversations.finish(name), json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a conversation that is over, with its events."""
    confirmed(f"Delete {name} for good?", yes)
    await client.conversations.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(client: Client, watch: Watch[Event, Conversation], name: str, json: bool) -> int:
    out, get = console(), partial(client.conversations.get, name)
    in_lines = json or not out.is_terminal
    waiting = WaitNotice(get, console(stderr=True).print if in_lines else None)

    def notice() -> Text:
        return lost(watch) or Text(waiting.sentence, "yellow", no_wrap=True, overflow="ellipsis")

    try:
        async with lost_in_lines(watch) if in_lines else in_place(out, notice), waiting.asking():
            async for event in watch:
                waiting.heard()
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
        ("waits", Text(waiting_for(conversation), "yellow")),
        ("turns", f"{conversation.turns} of {spec.max_turns}" if played else str(conversation.turns)),
        ("repeats", repeats(conversation)),
        ("flags", flags(conversation)),
        ("persona", conversation.persona.display_name),
        ("procedure", f"{spec.procedure} revision {spec.revision}" if spec.procedure else ""),
        *preview_facts(spec),
        ("source", spec.source),
        ("based on", f"{spec.based_on.conversation} up to {spec.based_on.seq}" if spec.HasField("based_on") else ""),
        ("batch", f"{conversation.batch}, number {conversation.index}" if conversation.batch else ""),
        ("external id", spec.external_id),
        ("persona's model", spec.persona_model if played and not spec.HasField("persona_target") else ""),
        ("agent's model", spec.agent_model if played and spec.agent.HasField("procedure_agent") else ""),
        ("seed", str(spec.seed) if played else ""),
        ("events", str(conversation.last_seq)),
        *(usage_facts(conversation.usage) if played else ()),
        ("digest", conversation.digest),
        ("creator", conversation.creator),
        ("created", when(conversation.create_time)),
        ("over", when(conversation.end_time)),
    ]
    console().print(facts(*rows))
