"""greenroom calibrations"""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from cli.kit import specs
from cli.kit.bars import Bar, follow
from cli.kit.cancelling import when_over
from cli.kit.lists import All, Limit, print_list
from cli.kit.names import named, naming, resolve
from cli.kit.rehearsing import check_writable
from cli.kit.render import Rows, console, facts, print_document, print_json, short, state_word, when
from cli.kit.run import FAILED, OK, USAGE, Failed, Json, Yes, command, confirmed, noun
from greenroom.client import Client
from greenroom.evaluator.v1.calibration_pb2 import (
    Calibration,
    CalibrationSpec,
    ConversationTalk,
    ListCalibrationsRequest,
    RenderCalibrationRequest,
)

app = noun("How far personas are from people, and in which trait.")

Name = Annotated[str, named("calibrations")]
Watching = Annotated[
    bool, typer.Option("--watch/--no-watch", help="Show progress until all is over, or return at once.")
]


@command(app, "start")
async def start(
    client: Client,
    file: Annotated[
        Path | None, typer.Argument(metavar="SPEC.yaml", help="YAML with the fields of CalibrationSpec, or -.")
    ] = None,
    batch: Annotated[str, naming("batches", "Measure the personas of this batch; it may still run.")] = "",
    rehearsal: Annotated[str, naming("rehearsals", "Measure the personas of this rehearsal's first side.")] = "",
    people: Annotated[
        list[str] | None,
        typer.Option(
            "--people", help="The people are the sources with this label, not those of the batch; repeatable."
        ),
    ] = None,
    watch: Watching = True,
    json: Json = False,
) -> int:
    """Compare how personas talk with how people do, and watch it. Interrupting the watch leaves it running."""
    spec = specs.read(file, CalibrationSpec()) if file else CalibrationSpec()
    if rehearsal:
        spec.batch = (await client.rehearsals.get(rehearsal)).sides[0].batch
    elif batch:
        spec.batch = batch
    elif spec.batch:
        spec.batch = await resolve("batches", spec.batch, client)
    if spec.WhichOneof("personas") is None:
        other = "or a file with `batch`, `sources` or `conversations`"
        raise Failed(f"Say how personas talk: --batch NAME, --rehearsal NAME, {other}.", USAGE)
    if people:
        spec.people.labels.extend(people)
    started = await client.calibrations.start(spec)
    return await _follow(client, started, json) if watch else await _print(client, started, json)


@command(app, "list")
async def list_(
    client: Client,
    state: Annotated[str, typer.Option(help="Only in this state, such as running.")] = "",
    limit: Limit = None,
    every: All = False,
    json: Json = False,
) -> None:
    """List the calibrations, newest first."""
    wanted = specs.filled({"state": state} if state else {}, ListCalibrationsRequest(), "the options")
    columns = ("CALIBRATION", "STATE", "OF", "PEOPLE", "PERSONAS", "DISTANCE", "FLOOR", "CREATED")
    listing = client.calibrations.list(state=wanted.state)
    await print_list(listing, Rows(*columns, leave_out=["CREATED"]), _row, limit=limit, every=every, json=json)


def _row(one: Calibration) -> tuple[str | Text, ...]:
    distance = floor = ""
    if one.groups:
        distance = f"{one.groups[0].distance.value:.3f}"
        floor = f"{one.groups[0].floor.low:.3f} to {one.groups[0].floor.high:.3f}"
    return (
        short(one.name),
        _state(one),
        _subject(one),
        str(one.people),
        str(one.personas),
        distance,
        floor,
        when(one.create_time),
    )


@command(app, "show")
async def show(client: Client, name: Name, json: Json = False) -> None:
    """Show one calibration: each persona beside people, measure by measure."""
    await _print(client, await client.calibrations.get(name), json)


@command(app, "render")
async def render(
    client: Client,
    name: Name,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as one page with a picture.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it for a pull request.")] = None,
) -> None:
    """Write a completed calibration to files; without any, print it as Markdown."""
    files = {RenderCalibrationRequest.FORMAT_HTML: html, RenderCalibrationRequest.FORMAT_MARKDOWN: markdown}
    check_writable(files.values())
    if not any(files.values()):
        print_document((await _file(client, name, RenderCalibrationRequest.FORMAT_MARKDOWN)).decode())
    for form, path in files.items():
        if path is not None:
            path.write_bytes(await _file(client, name, form))
            console(stderr=True).print(f"{name} is in {path}.", soft_wrap=True)


@command(app, "watch")
async def watch_(client: Client, name: Name, json: Json = False) -> int:
    """Show a calibration's progress until it is over; with --json print each conversation's measures, one per line."""
    return await _follow(client, await client.calibrations.get(name), json, lines=True)


@command(app, "cancel")
async def cancel(client: Client, name: Name, json: Json = False) -> None:
    """Stop a calibration."""
    ended = await when_over(await client.calibrations.cancel(name), client.calibrations.get)
    await _print(client, ended, json)


@command(app, "retry")
async def retry(client: Client, name: Name, watch: Watching = True, json: Json = False) -> int:
    """Continue a failed calibration after the last conversation that it measured, and watch it."""
    again = await client.calibrations.retry(name)
    return await _follow(client, again, json) if watch else await _print(client, again, json)


@command(app, "delete")
async def delete(client: Client, name: Name, yes: Yes = False) -> None:
    """Delete a calibration that is over, with its measures; its conversations stay."""
    confirmed(f"Delete {name} with its measures for good?", yes)
    await client.calibrations.delete(name)
    console().print(f"{name} is deleted.")


async def _follow(client: Client, calibration: Calibration, json: bool, lines: bool = False) -> int:
    """Watch a calibration to its end and print it; with json and lines print its measures instead."""
    bar, counts = Bar(0, "conversations"), {"people": 0, "personas": 0}

    def apply(talk: ConversationTalk) -> str:
        counts["people" if talk.person else "personas"] += 1
        bar.done += 1
        bar.words = f"{counts['personas']} of personas · {counts['people']} of people"
        return ""

    watch = client.calibrations.watch(calibration.name)
    ended = await follow(watch, calibration.name, bar, apply, json=json, each=lines)
    if not (json and lines):
        await _print(client, ended, json)
    if ended.state == Calibration.STATE_FAILED:
        again = f"Go on when that is mended:\n  greenroom calibrations retry {short(ended.name)}"
        console(stderr=True).print(again, soft_wrap=True)
    return OK if ended.state == Calibration.STATE_COMPLETED else FAILED


def _state(one: Calibration) -> Text:
    return state_word(Calibration.State.Name(one.state))


def _subject(one: Calibration) -> str:
    spec = one.spec
    if spec.batch:
        return spec.batch
    return "sources" if spec.HasField("sources") else f"{len(spec.conversations.names)} conversations"


async def _file(client: Client, name: str, form: RenderCalibrationRequest.Format.ValueType) -> bytes:
    return b"".join([chunk async for chunk in client.calibrations.render(name, form)])


async def _print(client: Client, one: Calibration, json: bool) -> int:
    if json:
        print_json(one)
        return OK
    rows: list[tuple[str, str | Text]] = [
        ("calibration", one.name),
        ("state", _state(one)),
        ("why", f"{one.detail} ({one.reason})" if one.reason else ""),
        ("of", _subject(one)),
        ("people", str(one.people)),
        ("personas", str(one.personas)),
        ("left out", str(one.left_out or "")),
        ("creator", one.creator),
        ("created", when(one.create_time)),
        ("over", when(one.end_time)),
    ]
    console().print(facts(*rows))
    if one.state == Calibration.STATE_COMPLETED:
        console().print()
        print_document((await _file(client, one.name, RenderCalibrationRequest.FORMAT_MARKDOWN)).decode())
        told = f"With a picture: greenroom calibrations render {short(one.name)} --html FILE"
        console(stderr=True).print(told, soft_wrap=True)
    return OK
