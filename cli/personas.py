"""greenroom personas"""

from contextlib import aclosing
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import imports, specs
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming
from cli.kit.render import Rows, console, facts, print_json, short
from cli.kit.run import FAILED, OK, Json, Labels, Strict, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.synthesizer.v1.persona_pb2 import (
    GeneratePersonasRequest,
    GeneratePersonasResponse,
    ListPersonasResponse,
    Persona,
    Personality,
)
from shared.words import counted

app = noun("The synthetic users.")

Name = Annotated[str, named("personas")]
File = Annotated[Path, typer.Argument(help="YAML with the fields of Persona.")]


@command(app, "create")
async def create(
    client: Client,
    file: Annotated[Path, typer.Argument(help="YAML with the fields of Persona, or `personas` with a list of them.")],
    json: Json = False,
) -> None:
    """Create a persona from a YAML file, or several. Of several, those that are called as one of yours change it."""
    content = specs.load(file)
    if not isinstance(content, dict) or not isinstance(content.get("personas"), list):
        _print(await client.personas.create(specs.filled(content, Persona(), str(file))), json)
        return
    wanted = specs.filled(content, ListPersonasResponse(), str(file)).personas
    here = [persona async for persona in client.personas.list() if not persona.built_in]
    for persona in wanted:
        made, done = await _put(client, persona, here)
        if json:
            print_json(made)
        else:
            console().print(f"{short(made.name)}  {made.display_name}{done and f' ({done})'}")


async def _put(client: Client, persona: Persona, here: list[Persona]) -> tuple[Persona, str]:
    """Create the persona, or change the one of `here` that is called so; return it, and what else was done."""
    known = [one for one in here if one.display_name == persona.display_name]
    if same := next((one for one in known if _written(one) == _written(persona)), None):
        return same, "here already"
    if not known:
        return await client.personas.create(persona), ""
    persona.name = known[0].name
    return await client.personas.update(persona), "changed"


@command(app, "import")
async def import_(
    client: Client,
    file: imports.File,
    file_format: Annotated[str, typer.Option("--format", help="`tau2` (tasks): docs/formats.md.")] = "tau2",
    strict: Strict = False,
    json: Json = False,
) -> int:
    """Import personas from a file. Bad lines are reported, the rest is imported."""
    return imports.reported(await client.personas.import_file(file, format=file_format), strict, json)


def _written(persona: Persona) -> Persona:
    """The persona without what the service sets, also parts that are empty."""
    copy = Persona()
    copy.CopyFrom(persona)
    for field in ("name", "built_in", "create_time", "update_time", "origin"):
        copy.ClearField(field)
    if not copy.personality.ListFields():
        copy.ClearField("personality")
    if not copy.demographics.ListFields():
        copy.ClearField("demographics")
    return copy


@command(app, "generate")
async def generate(
    client: Client,
    description: Annotated[str, typer.Argument(help="Who they are, in any language.")] = "",
    source: Annotated[str, naming("sources", "The source to measure; for several, --label or --all-sources.")] = "",
    label: Labels = None,
    all_sources: Annotated[bool, typer.Option("--all-sources", help="Measure all sources.")] = False,
    band: Annotated[
        float,
        typer.Option(
            min=0, max=0.999, help="Leave out customers unlike this middle share of all, such as 0.9; 0: none."
        ),
    ] = 0,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=50, help="How many.")] = 5,
    domain: Annotated[str, naming("domains", "The domain of the business, of which they want something.")] = "",
    language: Annotated[str, typer.Option(help="The language that they write, such as German.")] = "",
    model: Annotated[str, typer.Option(help="The model, as provider:model; none: the server's default.")] = "",
    seed: Annotated[int, typer.Option(help="Seeds the model's random choices.")] = 0,
    request_id: Annotated[
        str,
        typer.Option(help="Any text: the same command with it goes on where it stopped, and pays nothing twice."),
    ] = "",
    json: Json = False,
) -> int:
    """Generate personas from a description, from how the customers of sources write, or from what a domain says."""
    request = GeneratePersonasRequest(
        description=description,
        count=count,
        language=language,
        model=model,
        seed=seed,
        request_id=request_id,
        domain=domain,
        band=band,
    )
    request.sources.extend([source] if source else [])
    if label or all_sources:
        request.source_filter.SetInParent()
        request.source_filter.labels.extend(label or ())
    stored = 0
    async with aclosing(client.personas.generate(request)) as responses:
        async for response in responses:
            stored += response.HasField("persona")
            if json:
                print_json(response)
            else:
                console().print(_told(response), soft_wrap=True)
    return OK if stored == count else FAILED


def _told(response: GeneratePersonasResponse) -> Text:
    match response.WhichOneof("outcome"):
        case "persona":
            made = response.persona
            return Text(f"{short(made.name)}  {made.display_name}: {made.description}")
        case "rejected":
            no = response.rejected
            return Text(f"rejected  {no.display_name or 'an answer'}: {no.reason}, {no.detail}", "yellow")
        case _:
            summary = response.summary
            calls = counted(summary.usage.model_calls, "model call")
            return Text(f"{summary.stored} stored, {summary.rejected} rejected, {calls}", "bold")


@command(app, "update")
async def update(client: Client, name: Name, file: File, json: Json = False) -> None:
    """Change the fields of a persona that a YAML file has."""
    content = specs.load(file)
    persona = specs.filled(content, Persona(name=name), str(file))
    fields = [path for path in specs.paths(content) if path != "name"]
    persona.name = name
    _print(await client.personas.update(persona, fields=fields), json)


@command(app, "list")
async def list_(client: Client, limit: Limit = None, every: All = False, json: Json = False) -> None:
    """List the personas, the built-in ones first, then the newest first."""
    rows = Rows("PERSONA", "CALLED", "DESCRIPTION", prose=["DESCRIPTION"])
    await print_list(client.personas.list(), rows, _row, limit=limit, every=every, json=json)


def _row(persona: Persona) -> tuple[str, ...]:
    return short(persona.name), persona.display_name, persona.description


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
            ("expected calls", ", ".join(call.tool for call in persona.expected_calls)),
            ("language", persona.language),
            ("generated", _origin(persona)),
        )
    )


def _origin(persona: Persona) -> str:
    origin = persona.origin
    domain = f"{origin.domain}, revision {origin.domain_revision}" if origin.domain else ""
    told = [origin.source, f'"{origin.description}"' if origin.description else "", domain]
    return f"by {origin.model} from {' and '.join(filter(None, told))}" if persona.HasField("origin") else ""


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix).lower()
    return "" if word == "unspecified" else word
