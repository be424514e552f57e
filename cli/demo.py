"""greenroom demo"""

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.padding import Padding
from rich.table import Table

import greenroom.client
from cli.kit import specs
from cli.kit.export import export
from cli.kit.progress import Progress, elapsed, follow, print_summary, status
from cli.kit.rehearsing import RehearsalProgress, print_verdict, read_spec, resolve_names
from cli.kit.rehearsing import follow as follow_rehearsal
from cli.kit.render import console, short
from cli.kit.run import FAILED, OK, Failed, verb
from cli.kit.transcript import line
from greenroom.client import Client
from greenroom.evaluator.v1.report_pb2 import Report
from greenroom.synthesizer.v1.batch_pb2 import Batch, BatchResult, BatchSpec
from greenroom.synthesizer.v1.import_pb2 import ImportSummary
from greenroom.type.v1.event_pb2 import Event

app = verb()

EXAMPLE = Path(__file__).parents[1] / "examples" / "returns"
DAMAGED = EXAMPLE.parent / "damaged"
HELPING = ("create_return", "issue_voucher")
"""The tools of the example that give customers what they came for."""


@app.command()
def demo(
    data_dir: Annotated[Path, typer.Option(help="The folder that holds everything.")] = Path(".greenroom/demo"),
) -> None:
    """Play 50 conversations of examples/returns in this process. Needs no server, key or network."""
    from services.gateway.settings import GatewaySettings
    from shared import telemetry

    console().print(f"Starting Greenroom in this process. Its data is in {data_dir}.")
    settings = GatewaySettings.read().model_copy(update={"port": 0, "data_dir": data_dir})
    telemetry.configure(settings, "demo")
    # The display shows the progress, so only warnings are logged.
    logging.getLogger().setLevel(logging.ERROR)
    transcripts = data_dir / "transcripts.jsonl"

    async def rehearse() -> int:
        from cli.kit.house import running

        async with (
            running(settings) as port,
            greenroom.client.connect(f"127.0.0.1:{port}") as client,
        ):
            return await _rehearse(client, transcripts)

    raise typer.Exit(asyncio.run(rehearse()))


async def _rehearse(client: Client, transcripts: Path) -> int:
    out = console()
    for noun, calls in (("procedures", client.procedures), ("sources", client.sources)):
        summary = await _imported(calls, EXAMPLE / f"{noun}.jsonl", transcripts.parent)
        out.print(f"{noun.capitalize()}: {summary.imported} imported, {summary.unchanged} here already.")
    spec = specs.read(EXAMPLE / "batch.yaml", BatchSpec())
    batch = await client.batches.start(spec, create_only=True)
    out.print(f"Rehearsing {batch.spec.size} conversations with the offline model, a stand-in for a real one.\n")
    async with client.batches.watch(batch.name) as watch:
        await client.batches.run(batch.name)
        ended = await follow(client, watch, Progress(batch))
    left: dict[str, list[str]] = {}
    async for result in client.batches.results(batch.name):
        if not result.index:
            await _print_sample(client, result)
        events = [event async for event in client.conversations.events(result.conversation)]
        if why := not_helped(events):
            left.setdefault(why, []).append(result.conversation)
    transcripts.unlink(missing_ok=True)  # noqa: ASYNC240
    await export(client, batch.name, transcripts, "", lambda after: client.batches.export(batch.name, cursor=after))
    await print_summary(client, ended, elapsed(ended))
    _print_finding(ended, left, transcripts)
    return status(ended) or await _compare(client, transcripts.parent)


async def _imported(calls: Any, file: Path, folder: Path) -> ImportSummary:
    """What an import of an example did. folder: of the demo. Raises Failed if it refused something."""
    summary: ImportSummary = await calls.import_file(file)
    if summary.refused:
        problem = summary.problems[0]
        if problem.reason == "EXTERNAL_ID_TAKEN":
            raise Failed(
                f"{folder} holds the {file.stem} of another release; delete that folder, "
                "or choose another with --data-dir."
            )
        raise Failed(f"{file}:{problem.line}: {problem.description}")
    return summary


async def _compare(client: Client, folder: Path) -> int:
    """Rehearse a sound and a damaged revision, and print the verdict; 0 if the damaged one is found to be worse."""
    out = console()
    for name in ("sound", "no_confirmation"):
        await _imported(client.procedures, DAMAGED / f"{name}.jsonl", folder)
    spec = read_spec(DAMAGED / "rehearsal.yaml")
    await resolve_names(client, spec)
    started = await client.rehearsals.start(spec)
    size = spec.batch.size
    out.print(f"\nNow {size} conversations with a damaged procedure, which does not ask for a yes, against {size} with")
    out.print("the sound one.\n")
    async with client.rehearsals.watch(started.name) as watch:
        progress = RehearsalProgress(started)
        if out.is_terminal:
            ended = await follow_rehearsal(watch, progress)
        else:
            async for _ in watch:
                pass
            assert watch.summary is not None
            ended = watch.summary
    report = folder / "report.html"
    with report.open("wb") as file:
        async for chunk in client.reports.render(ended.report):
            file.write(chunk)
    print_verdict(ended, [report])
    return OK if ended.result.verdict == Report.VERDICT_WORSE else FAILED


async def _print_sample(client: Client, result: BatchResult) -> None:
    out = console()
    out.print(f"{result.conversation} ({result.persona}, from {result.source})", style="bold")
    async for event in client.conversations.events(result.conversation):
        if (shown := line(event)) is not None:
            out.print(Padding(shown, (0, 0, 0, 2), expand=False))
    out.print()


def not_helped(events: Sequence[Event]) -> str:
    """Why the customer got neither a return nor a voucher; empty if one of them was given."""
    results = [event.tool_result for event in events if event.HasField("tool_result")]
    if any(one.tool in HELPING and one.answer.HasField("value") for one in results):
        return ""
    if results and results[-1].answer.HasField("error"):
        return f"{results[-1].tool} failed: {results[-1].answer.error.message}"
    if results and results[-1].tool == "escalate":
        return "The agent could not find the order and passed the customer on to a colleague."
    return "The agent took nothing back and gave no voucher."


def _print_finding(batch: Batch, left: dict[str, list[str]], transcripts: Path) -> None:
    """Print what the agent did not do for its customers, with an example each. left: conversations by reason."""
    out = console()
    count = sum(map(len, left.values()))
    said = f"{count} of {batch.spec.size} customers left without a return or a voucher:"
    out.print(f"\n{said}", style="bold yellow", soft_wrap=True)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(justify="right", no_wrap=True)
    rows.add_column(overflow="fold")
    for why, names in sorted(left.items(), key=lambda item: -len(item[1])):
        rows.add_row(str(len(names)), f"{why}\ngreenroom conversations transcript {short(names[0])[-8:]}")
    out.print(rows)
    out.print(
        "\nThis counts what the tools answered. To read the conversations, start "
        f"`greenroom up --data-dir {transcripts.parent}` in another terminal, or open {transcripts}."
    )
