"""greenroom rehearse"""

from pathlib import Path
from typing import Annotated

import typer

from cli.kit import specs
from cli.kit.names import naming
from cli.kit.rehearsing import (
    BROKEN,
    OrBroken,
    RehearsalProgress,
    check_writable,
    follow,
    print_verdict,
    read_spec,
    resolve_names,
    set_side,
    status_of,
)
from cli.kit.render import console, print_json, say_it_goes_on
from cli.kit.run import Failed, Json, command, verb
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import RenderReportRequest
from greenroom.gateway.v1.rehearsal_pb2 import Rehearsal

app = verb()

_FORMATS = {
    "html": RenderReportRequest.FORMAT_HTML,
    "markdown": RenderReportRequest.FORMAT_MARKDOWN,
    "junit": RenderReportRequest.FORMAT_JUNIT,
}


@command(app, "rehearse", cls=OrBroken)
async def rehearse(
    client: Client,
    file: Annotated[
        Path, typer.Argument(metavar="SPEC.yaml", help="YAML with the fields of RehearsalSpec or BatchSpec, or -.")
    ],
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="SIDE",
            help="The side to compare with: a YAML file with the fields of Side, or fields such as "
            "revision=2,agent_model=openai:gpt-5.",
        ),
    ] = None,
    size: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="How many conversations a side, instead of the file's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="The seed, instead of what the file says.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="The success rate that must be reached, 0 to 1.")
    ] = None,
    until_sure: Annotated[
        bool, typer.Option("--until-sure", help="Play pairs in rounds, until they show a difference or hardly can.")
    ] = False,
    alpha: Annotated[
        float | None, typer.Option(min=0, max=1, help="The most false alarms of --until-sure; 0.05.")
    ] = None,
    smallest_difference: Annotated[
        float | None, typer.Option(min=0, max=1, help="The smallest difference that matters to --until-sure; 0.2.")
    ] = None,
    round_size: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Pairs of a round of --until-sure; 3 of up to 60.")
    ] = None,
    rubric: Annotated[str, naming("rubrics", "Judge the conversations by this rubric.")] = "",
    judge: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Ask this model, such as openai:gpt-5-mini.")
    ] = None,
    judge_threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The share that must pass each calibrated criterion of the judge, 0 to 1."),
    ] = None,
    failed: Annotated[
        str, naming("rehearsals", "Play the conversations of this rehearsal again that failed or did not pass.")
    ] = "",
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the report as one page.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write it for a pull request's comment.")
    ] = None,
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it as JUnit XML.")] = None,
    json: Json = False,
) -> int:
    """Rehearse, evaluate, and say in five lines whether the agent is good enough, or as good as another one.

    With a judge, a line for each criterion says what it makes of the conversations.

    Interrupting it leaves the rehearsal running. Exit status: 0 passed, or as good or better; 1 worse, or below the
    threshold; 2 could not tell; 3 broken.
    """
    files = {"html": html, "markdown": markdown, "junit": junit}
    check_writable(files.values())
    spec = read_spec(file)
    specs.override(spec.batch, size=size)
    specs.override(spec.batch.conversation, seed=seed)
    specs.override(spec, threshold=threshold, failed_of=failed or None)
    rule = {"alpha": alpha, "smallest_difference": smallest_difference, "round_size": round_size}
    if until_sure or any(value is not None for value in rule.values()):
        spec.until_sure.SetInParent()
        specs.override(spec.until_sure, **rule)
    specs.override(spec.judge, rubric=rubric or None, models=judge, threshold=judge_threshold)
    if compare is not None:
        set_side(spec.compare, compare)
    await resolve_names(client, spec)
    started = await client.rehearsals.start(spec)
    if json:
        ended = await _ended(client, started)
    else:
        console().print(f"Rehearsing as {started.name}.")
        async with client.rehearsals.watch(started.name) as watch:
            ended = await follow(watch, RehearsalProgress(started))
    written = [await _write(client, ended, kind, path) for kind, path in files.items() if path and ended.report]
    if json:
        print_json(ended)
    else:
        print_verdict(ended, written)
    return status_of(ended)


async def _ended(client: Client, started: Rehearsal) -> Rehearsal:
    try:
        async with client.rehearsals.watch(started.name) as watch:
            async for _ in watch:
                pass
    except BaseException:
        say_it_goes_on(started.name)
        raise
    assert watch.summary is not None
    return watch.summary


async def _write(client: Client, ended: Rehearsal, kind: str, path: Path) -> Path:
    try:
        with path.open("wb") as out:
            async for chunk in client.reports.render(ended.report, _FORMATS[kind]):
                out.write(chunk)
    except OSError as error:
        raise Failed(f"{path}: {error.strerror}; the report is {ended.report}.", BROKEN) from error
    return path
