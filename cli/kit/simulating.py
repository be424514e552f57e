"""Plays campaigns for commands, with the offline model, and waits until it is done."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from cli.kit import specs
from cli.kit.models import Model
from cli.kit.names import naming, resolve
from cli.kit.run import USAGE, Failed
from greenroom.client import Client
from greenroom.synthesizer.v1.batch_pb2 import BatchSpec, PersonaShare
from greenroom.synthesizer.v1.conversation_pb2 import AgentTarget, CampaignAgent, ConversationSpec
from greenroom.synthesizer.v1.tool_config_pb2 import ToolConfig

_CONTACTS = 70
_FILE = re.compile(r"\.(?:ya?ml|json)$|@(?!\d{1,9}$)", re.I)


Played = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE|NAME...",
        help="Campaigns that share a contact: files, or names of stored ones, as in campaigns/…@2 for revision 2.",
    ),
]


@dataclass(frozen=True)
class Contact:
    """The options that say what contacts are like."""

    persona: Annotated[str | None, naming("personas", "Play this one; none: all built-in ones.")] = None
    field: Annotated[list[str] | None, typer.Option(help="A field of the contact, such as first_name=Ana.")] = None
    tools: Annotated[Path | None, typer.Option(help="YAML of a ToolConfig: what webhooks answer.")] = None
    seed: Annotated[int, typer.Option(help="Same seed, same conversations.")] = 0
    max_steps: Annotated[int, typer.Option(min=0, max=10_000, help="Steps of a contact at most; 0: 50.")] = 0

    @property
    def tool_config(self) -> ToolConfig:
        """What webhooks answer. Raises Failed for a file that cannot be read."""
        return specs.read(self.tools, ToolConfig()) if self.tools else ToolConfig()

    def set(self, target: CampaignAgent) -> None:
        """Set the contact of a target. Raises Failed for what is no field."""
        target.max_steps = self.max_steps
        target.contact.update(_contact(self.field or []))


Reviewer = Annotated[
    str, typer.Option("--reviewer", help="A language model that adds its view, such as openai:gpt-5-mini.")
]


@dataclass(frozen=True)
class Players(Contact):
    """The options that say who is played."""

    size: Annotated[
        int, typer.Option(min=0, max=10_000, help="How many contacts; 0: one a row of --contacts, or 70.")
    ] = 0
    contacts: Annotated[Path | None, typer.Option(exists=True, help="Contacts as CSV or JSON Lines, one a row.")] = None
    model: Model = "offline"


async def target_of(client: Client, campaigns: Sequence[str]) -> CampaignAgent:
    """The campaigns in files, and those that are stored. Raises Failed for what is neither."""
    target = CampaignAgent()
    for one in campaigns:
        text = _text(Path(one))
        if text is not None:
            target.files.append(text)
        elif _FILE.search(one):
            raise Failed(f"There is no file {one}.", USAGE)
        else:
            name, _, revision = one.partition("@")
            target.stored.add(campaign=await resolve("campaigns", name, client), revision=int(revision or 0))
    return target


def _text(file: Path) -> str | None:
    """The text of a file; None if there is none."""
    return file.read_text() if file.is_file() else None


async def play(client: Client, target: CampaignAgent, players: Players) -> tuple[str, str]:
    """(conversation, batch) that played the target; one of them is empty."""
    players.set(target)
    if players.contacts:
        target.contacts = _text(players.contacts) or ""
    agent, config = AgentTarget(campaign=target), players.tool_config
    spec = ConversationSpec(agent=agent, tool_config=config, seed=players.seed, model=players.model or "")
    if players.persona and not players.contacts:
        spec.persona = players.persona
        name = (await client.conversations.start(spec)).name
        async with client.conversations.watch(name) as events:
            async for _ in events:
                pass
        return name, ""
    size = players.size or (0 if players.contacts else _CONTACTS)
    mix = [PersonaShare(persona=players.persona)] if players.persona else []
    batch = (await client.batches.start(BatchSpec(conversation=spec, size=size, personas=mix))).name
    async with client.batches.watch(batch) as events:
        async for _ in events:
            pass
    return "", batch


def _contact(fields: Sequence[str]) -> dict[str, str | float | bool]:
    """The fields in texts such as `first_name=Ana`; numbers, true and false are what they look like.

    A number with a leading zero, such as a postal code, is text, and so is what stands in double quotes.
    """
    contact: dict[str, str | float | bool] = {}
    for text in fields:
        name, equals, value = text.partition("=")
        if not equals:
            raise Failed(f"{text} is not a field; write it as first_name=Ana.", USAGE)
        if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", value):
            contact[name] = float(value)
        elif value in ("true", "false"):
            contact[name] = value == "true"
        else:
            contact[name] = value[1:-1] if re.fullmatch('".*"', value) else value
    return contact
