"""greenroom demo"""

import asyncio
import logging
from pathlib import Path
from typing import Annotated

import typer
from rich.padding import Padding

import greenroom.client
from cli import specs
from cli.commands import FAILED, OK, Failed, first, verb
from cli.export import export_file
from cli.progress import Progress, elapsed, follow, print_summary
from cli.render import console
from cli.transcript import line
from greenroom.client import Client
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchSpec

app = verb()

EXAMPLE = Path(__file__).parents[1] / "examples" / "returns"
SAMPLES = 2
"""How many transcripts are shown."""


@app.command()
def demo(
    data_dir: Annotated[Path, typer.Option(help="The folder that holds everything.")] = Path(".greenroom/demo"),
) -> None:
    """Rehearse 50 conversations of examples/returns here and now: no server, key or network is needed."""
    from services.gateway.settings import GatewaySettings
    from shared import telemetry

    settings = GatewaySettings.read().model_copy(update={"port": 0, "data_dir": data_dir})
    telemetry.configure(settings, "demo")
    # The display is what there is to see; only what goes wrong is logged.
    logging.getLogger().setLevel(logging.ERROR)
    transcripts = data_dir / "transcripts.jsonl"

    async def rehearse() -> int:
        from cli.house import running

        async with (
            running(settings) as port,
            greenroom.client.connect(f"127.0.0.1:{port}") as client,
        ):
            return await _rehearse(client, transcripts)

    raise typer.Exit(asyncio.run(rehearse()))


async def _rehearse(client: Client, transcripts: Path) -> int:
    out = console()
    for noun, calls in (("procedures", client.procedures), ("sources", client.sources)):
        summary = await calls.import_file(EXAMPLE / f"{noun}.jsonl")
        if summary.refused:
            problem = summary.problems[0]
            if problem.reason == "EXTERNAL_ID_TAKEN":
                raise Failed(
                    f"{transcripts.parent} holds the {noun} of another release; delete that folder, "
                    "or choose another with --data-dir."
                )
            raise Failed(f"{EXAMPLE / noun}.jsonl:{problem.line}: {problem.description}")
        out.print(f"{noun.capitalize()}: {summary.imported} imported, {summary.unchanged} here already.")
    spec = specs.read(EXAMPLE / "batch.yaml", BatchSpec())
    batch = await client.batches.start(spec, create_only=True)
    out.print(f"Rehearsing {batch.spec.size} conversations with the offline model, a stand-in for a real one.\n")
    async with client.batches.watch(batch.name) as watch:
        await client.batches.run(batch.name)
        ended = await follow(watch, Progress(batch))
    await _print_samples(client, batch)
    transcripts.unlink(missing_ok=True)  # noqa: ASYNC240
    await export_file(client, batch.name, transcripts)
    await print_summary(client, ended, elapsed(ended))
    out.print(f"The transcripts are in {transcripts}.")
    return FAILED if ended.counts.failed else OK


async def _print_samples(client: Client, batch: Batch) -> None:
    out = console()
    async for result in first(client.batches.results(batch.name), SAMPLES):
        out.print(f"{result.conversation} ({result.persona}, from {result.source})", style="bold")
        async for event in client.conversations.events(result.conversation):
            if (shown := line(event)) is not None:
                out.print(Padding(shown, (0, 0, 0, 2), expand=False))
        out.print()
