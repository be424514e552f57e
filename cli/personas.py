"""greenroom personas"""

from pathlib import Path
from typing import Annotated

import typer

from cli import specs
from cli.commands import Json, Limit, Yes, command, confirmed, first, named, noun
from cli.render import Rows, console, facts, print_json, short
from greenroom.client import Client
from greenroom.synthesizer.v1.persona_pb2 import Persona, Personality

app = noun("The synthetic users.")

Name = Annotated[str, named("personas")]
File = Annotated[Path, typer.Argument(help="YAML with the fields of Persona.")]


@command(app, "create")
async def create(client: Client, file: File, json: Json = False) -> None:
    """Create a persona from a YAML file."""
    _print(await client.personas.create(specs.read(file, Persona())), json)


@command(app, "update")
async def update(client: Client, name: Name, file: File, json: Json = False) -> None:
    """Change those fields of a persona that a YAML file has."""
    content = specs.load(file)
    persona = specs.filled(content, Persona(name=name), str(file))
    fields = [path for path in specs.paths(content) if path != "name"]
    persona.name = name
    _print(await client.personas.update(persona, fields=fields), json)


@command(app, "list")
async def list_(client: Client, limit: Limit = 50, json: Json = False) -> None:
    """List the personas, the built-in ones first."""
    rows = Rows("PERSONA", "CALLED", "DESCRIPTION", shorten=["DESCRIPTION"])
    async for one in first(client.personas.list(), limit):
        if json:
            print_json(one)
        rows.add(short(one.name), one.display_name, one.description)
    if not json:
        console().print(rows)


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one persona."""
    _print(await client.personas.get(name), json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a persona that nothing refers to."""
    confirmed(f"Delete {name}?", yes)
    await client.personas.delete(name)
    console().print(f"{name} is deleted.")


def _print(persona: Persona, json: bool) -> None:
    if json:
        print_json(persona)
        return
    how, who = persona.personality, persona.demographics
    console().print(
        facts(
            ("name", persona.name),
            ("called", persona.display_name + (" (built in)" if persona.built_in else "")),
            ("description", persona.description),
            ("tone", how.tone),
            ("answers", _word(Personality.ResponseLength.Name(how.response_length), "RESPONSE_LENGTH_")),
            ("decides", _word(Personality.DecisionSpeed.Name(how.decision_speed), "DECISION_SPEED_")),
            (
                "objections",
                _word(Personality.ObjectionLikelihood.Name(how.objection_likelihood), "OBJECTION_LIKELIHOOD_"),
            ),
            ("age", who.age_range),
            ("occupation", who.occupation),
            ("location", who.location),
            ("income", who.income),
            ("traits", ", ".join(persona.behaviour_traits)),
            ("goal", persona.goal),
        )
    )


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix).lower()
    return "" if word == "unspecified" else word
